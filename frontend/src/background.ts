/**
 * Sync in the background: after each edit, when the network returns, when the tab is looked at, and from time to time.
 * Of all tabs that show a book one does it; the others ask it to, and are told how it is.
 */

import Dexie from "dexie";
import { type FinwiseClient, ServerError } from "./client.js";
import type { FinwiseTenantSpecificDB } from "./database.js";
import { device } from "./device.js";
import { Exchange } from "./exchange.js";
import { Retry } from "./retry.js";
import { type SyncState, type SyncStatus, stateAfter } from "./status.js";
import { Tabs } from "./tabs.js";

const EDIT_DELAY = 400; // ms after an edit, so that some of them go together
const EVERY = 60_000; // ms between polls
const LONGEST_TIMER = 2 ** 31 - 1; // ms; a timer of more fires at once
const LASTING = new Set<SyncState>(["logged_out", "stopped"]); // until somebody asks for a sync: time alone mends nothing

export interface Options {
  onStatus?: (status: SyncStatus) => void;
  /** ms between polls. */
  every?: number;
  /** This device's clock, ms since 1970. */
  now?: () => number;
  /** A clock that is never set, ms since whenever: waits are measured by it. */
  clock?: () => number;
  random?: () => number;
}

type Message =
  { kind: "now" } | { kind: "awake" } | { kind: "edited" } | { kind: "asks" } | { kind: "status"; status: SyncStatus };

export class BackgroundSync {
  status: SyncStatus = { state: "idle" };
  private readonly exchange: Exchange;
  private readonly retry: Retry;
  private readonly tabs: Tabs<Message>;
  private readonly ended = new AbortController();
  private readonly now: () => number;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private running: Promise<void> | undefined;
  private underWay = new AbortController();
  private isWanted = false;
  private isEdited = false;
  private isWoken = false;
  private isPaused = false;
  private syncedAt: number | undefined;

  constructor(
    private readonly db: FinwiseTenantSpecificDB,
    client: FinwiseClient,
    private readonly options: Options = {},
  ) {
    this.now = options.now ?? Date.now;
    this.exchange = new Exchange(db, client, {
      now: this.now,
      onProgress: (progress) => this.tell(progress ? { state: "loading", progress } : { state: "syncing" }),
    });
    this.retry = new Retry(options.clock ?? (() => performance.now()), options.random ?? Math.random);
    this.tabs = new Tabs(`finwise-sync ${db.tenantId}`);
  }

  /** Begins; of all tabs the first one leads, and when it is closed another does. */
  start(): this {
    this.tabs.listen((message) => this.hear(message));
    this.tabs.post({ kind: "asks" });
    const { signal } = this.ended;
    if (typeof window !== "undefined") {
      for (const event of ["online", "focus", "pageshow"])
        window.addEventListener(event, () => this.wake(), { signal });
      document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.wake(), {
        signal,
      });
    }
    void this.lead();
    return this;
  }

  /** Ends. A request that is under way is given up; what it was about stays in the queue. */
  async stop(): Promise<void> {
    this.ended.abort();
    this.underWay.abort();
    clearTimeout(this.timer);
    await this.running;
    this.tabs.close();
  }

  /** Syncs now, for a person asks for it, in whichever tab leads. Resolves once this tab is done. */
  async sync(): Promise<void> {
    if (!this.tabs.isLeader) return this.tabs.post({ kind: "now" });
    if (this.isPaused || this.ended.signal.aborted) return;
    this.isWanted = true;
    this.running ??= this.run();
    await this.running;
  }

  /** Syncs now, for things may have changed, but not before the server wants to be asked again. */
  private wake(): void {
    if (!this.tabs.isLeader) this.tabs.post({ kind: "awake" });
    else if (this.running) this.isWoken = true;
    else if (!this.retry.pause) void this.sync();
  }

  /** Syncs now and fetches the conflicts again, because one was decided. */
  lookAgain(): Promise<void> {
    this.exchange.lookAgain();
    return this.sync();
  }

  /** An edit was made: it is sent in a moment, also after a failure, but not before the server wants to be asked again. */
  edited(): void {
    if (!this.tabs.isLeader) this.tabs.post({ kind: "edited" });
    else if (this.running) this.isEdited = true;
    else if (!this.isPaused) this.schedule(Math.max(EDIT_DELAY, this.retry.pause));
  }

  /** Whether the person wants to be offline; nothing is sent then. */
  pause(isPaused: boolean): void {
    this.isPaused = isPaused;
    if (isPaused) {
      clearTimeout(this.timer);
      this.underWay.abort();
      this.tell({ state: "paused" });
    } else if (this.tabs.isLeader) {
      this.tell({ state: "idle" });
      void this.sync();
    }
  }

  private lead(): Promise<void> {
    const ended = new Promise<void>((resolve) => this.ended.signal.addEventListener("abort", () => resolve()));
    return this.tabs.lead(async () => {
      this.syncedAt = (await device(this.db).catch(() => undefined))?.synced_at; // a sync says what is wrong with the database
      if (!this.isPaused) void this.sync();
      await ended;
      await this.running;
    }, this.ended.signal);
  }

  private async run(): Promise<void> {
    clearTimeout(this.timer);
    try {
      do {
        this.isWanted = this.isEdited = this.isWoken = false;
        await this.once();
      } while (this.isDueAgain());
    } finally {
      this.running = undefined;
    }
    if (this.isPaused || LASTING.has(this.status.state)) return;
    if (this.isEdited) this.schedule(Math.max(EDIT_DELAY, this.retry.pause));
    else this.schedule(this.retry.wait ?? this.options.every ?? EVERY);
  }

  /** Whether somebody asked for a sync during the last one, or it failed though the network came back during it. */
  private isDueAgain(): boolean {
    if (this.isPaused || this.ended.signal.aborted || this.retry.pause) return false;
    return this.isWanted || (this.isWoken && this.retry.wait !== undefined);
  }

  private async once(): Promise<void> {
    this.tell({ state: "syncing" });
    this.underWay = new AbortController();
    try {
      await this.exchange.sync(this.underWay.signal);
      this.retry.succeeded();
      this.syncedAt = this.now();
      this.tell({ state: "idle" });
    } catch (error) {
      if (this.underWay.signal.aborted) return;
      if (!(error instanceof ServerError)) console.error("finwise sync", error);
      const wait = this.retry.failed(error instanceof ServerError ? (error.retryAfter ?? 0) * 1000 : 0);
      const after = stateAfter(error);
      this.tell(LASTING.has(after.state) ? after : { ...after, retryAt: this.now() + wait });
    }
  }

  private schedule(delay: number): void {
    clearTimeout(this.timer);
    if (!this.ended.signal.aborted) this.timer = setTimeout(() => void this.sync(), Math.min(delay, LONGEST_TIMER));
  }

  private hear(message: Message): void {
    if (message.kind === "status") {
      if (!this.tabs.isLeader) this.show(message.status);
    } else if (this.tabs.isLeader) {
      if (message.kind === "asks") this.tabs.post({ kind: "status", status: this.status });
      else if (message.kind === "edited") this.edited();
      else if (message.kind === "awake") this.wake();
      else void this.sync();
    }
  }

  private tell(news: SyncStatus): void {
    if (this.ended.signal.aborted) return;
    const status = this.isPaused ? { state: "paused" as const } : news;
    this.show(this.syncedAt === undefined ? status : { ...status, syncedAt: this.syncedAt });
    if (this.tabs.isLeader) this.tabs.post({ kind: "status", status: this.status });
  }

  private show(status: SyncStatus): void {
    if (this.ended.signal.aborted) return;
    this.status = status;
    // Outside of the transaction that a load is in the middle of, or what is done in answer would become part of it.
    Dexie.ignoreTransaction(() => this.options.onStatus?.(status));
  }
}
