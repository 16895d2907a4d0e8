/**
 * Sync in the background: after each edit, when the network returns, when the tab is looked at, and from time to time.
 * Of all tabs that show a book one does it; the others ask it to, and are told how it is.
 */

import Dexie from "dexie";
import { FinwiseClient, ServerError } from "./client.js";
import type { FinwiseTenantSpecificDB } from "./database.js";
import { device } from "./device.js";
import { Exchange } from "./exchange.js";
import { type SyncState, type SyncStatus, stateAfter } from "./status.js";

const EDIT_DELAY = 400; // ms after an edit, so that some of them go together
const EVERY = 60_000; // ms between polls
const FIRST_WAIT = 2_000; // ms after the first failure; doubled with each
const LONGEST_WAIT = 5 * 60_000;
const LASTING = new Set<SyncState>(["logged_out", "stopped"]); // until somebody asks for a sync: time alone mends nothing

export interface Options {
  onStatus?: (status: SyncStatus) => void;
  /** ms between polls. */
  every?: number;
  now?: () => number;
  random?: () => number;
}

type Message = { kind: "now" } | { kind: "awake" } | { kind: "edited" } | { kind: "asks" } | { kind: "status"; status: SyncStatus };

export class BackgroundSync {
  status: SyncStatus = { state: "idle" };
  private readonly exchange: Exchange;
  private readonly channel: BroadcastChannel | undefined;
  private readonly ended = new AbortController();
  private readonly now: () => number;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private running: Promise<void> | undefined;
  private underWay = new AbortController();
  private isWanted = false;
  private isEdited = false;
  private isLeader = false;
  private isPaused = false;
  private failures = 0;
  private retryAt = 0; // when it is tried again by itself; 0: the last sync ended well
  private notBefore = 0; // so long the server asked to wait
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
    if (typeof BroadcastChannel !== "undefined") this.channel = new BroadcastChannel(`finwise-sync ${db.tenantId}`);
  }

  /** Begins; of all tabs the first one leads, and when it is closed another does. */
  start(): this {
    this.channel?.addEventListener("message", ({ data }: MessageEvent<Message>) => this.hear(data));
    this.post({ kind: "asks" });
    const { signal } = this.ended;
    if (typeof window !== "undefined") {
      window.addEventListener("online", () => this.wake(), { signal });
      document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.wake(), { signal });
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
    this.channel?.close();
  }

  /** Syncs now, for a person asks for it, in whichever tab leads. Resolves once this tab is done. */
  async sync(): Promise<void> {
    if (!this.isLeader) return this.post({ kind: "now" });
    if (this.isPaused || this.ended.signal.aborted) return;
    this.isWanted = true;
    this.running ??= this.run();
    await this.running;
  }

  /** Syncs now, for things may have changed, but not before the server wants to be asked again. */
  private wake(): void {
    if (!this.isLeader) this.post({ kind: "awake" });
    else if (this.now() >= this.notBefore) void this.sync();
  }

  /** Syncs now and fetches the conflicts anew, for one was decided. */
  lookAgain(): Promise<void> {
    this.exchange.lookAgain();
    return this.sync();
  }

  /** An edit was made: it is sent in a moment or, after a failure, when it is tried again. */
  edited(): void {
    if (!this.isLeader) this.post({ kind: "edited" });
    else if (this.running) this.isEdited = true;
    else if (!this.isPaused) this.schedule(Math.max(EDIT_DELAY, this.retryAt - this.now()));
  }

  /** Whether the person wants to be offline; nothing is sent then. */
  pause(isPaused: boolean): void {
    this.isPaused = isPaused;
    if (isPaused) {
      clearTimeout(this.timer);
      this.underWay.abort();
      this.tell({ state: "paused" });
    } else if (this.isLeader) {
      this.tell({ state: "idle" });
      void this.sync();
    }
  }

  private async lead(): Promise<void> {
    const begin = async () => {
      if (this.ended.signal.aborted) return;
      this.syncedAt = (await device(this.db)).synced_at;
      this.isLeader = true;
      const ended = new Promise<void>((resolve) => this.ended.signal.addEventListener("abort", () => resolve()));
      if (!this.isPaused) void this.sync();
      await ended;
      await this.running;
    };
    const locks = typeof navigator === "undefined" ? undefined : navigator.locks; // missing over plain HTTP
    if (!locks) return begin();
    await locks.request(`finwise-sync ${this.db.tenantId}`, { signal: this.ended.signal }, begin).catch(() => undefined);
  }

  private async run(): Promise<void> {
    clearTimeout(this.timer);
    try {
      do {
        this.isWanted = this.isEdited = false;
        await this.once();
      } while (this.isWanted && !this.isPaused && !this.ended.signal.aborted && this.now() >= this.notBefore);
    } finally {
      this.running = undefined;
    }
    if (this.isPaused || LASTING.has(this.status.state)) return;
    if (this.retryAt) this.schedule(Math.max(0, this.retryAt - this.now()));
    else this.schedule(this.isEdited ? EDIT_DELAY : (this.options.every ?? EVERY));
  }

  private async once(): Promise<void> {
    this.tell({ state: "syncing" });
    this.underWay = new AbortController();
    try {
      await this.exchange.sync(this.underWay.signal);
      this.failures = this.retryAt = this.notBefore = 0;
      this.syncedAt = this.now();
      this.tell({ state: "idle" });
    } catch (error) {
      if (this.underWay.signal.aborted) return;
      if (!(error instanceof ServerError)) console.error("finwise sync", error);
      this.waitAfter(error);
      const { state, code } = stateAfter(error);
      this.tell(LASTING.has(state) ? { state, code } : { state, code, retryAt: this.retryAt });
    }
  }

  /** Longer with each failure, no two devices alike, and no less than the server asks for. */
  private waitAfter(error: unknown): void {
    const own = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.failures++) * (0.5 + (this.options.random ?? Math.random)() / 2);
    const asked = error instanceof ServerError ? (error.retryAfter ?? 0) * 1000 : 0;
    this.notBefore = asked ? this.now() + asked : 0;
    this.retryAt = this.now() + Math.max(own, asked);
  }

  private schedule(delay: number): void {
    clearTimeout(this.timer);
    if (!this.ended.signal.aborted) this.timer = setTimeout(() => void this.sync(), delay);
  }

  private hear(message: Message): void {
    if (message.kind === "status") {
      if (!this.isLeader) this.show(message.status);
    } else if (this.isLeader) {
      if (message.kind === "asks") this.post({ kind: "status", status: this.status });
      else if (message.kind === "edited") this.edited();
      else if (message.kind === "awake") this.wake();
      else void this.sync();
    }
  }

  private post(message: Message): void {
    this.channel?.postMessage(message);
  }

  private tell(news: SyncStatus): void {
    if (this.ended.signal.aborted) return;
    const status = this.isPaused ? { state: "paused" as const } : news;
    this.show(this.syncedAt === undefined ? status : { ...status, syncedAt: this.syncedAt });
    if (this.isLeader) this.post({ kind: "status", status: this.status });
  }

  private show(status: SyncStatus): void {
    if (this.ended.signal.aborted) return;
    this.status = status;
    // Outside of the transaction that a load is in the middle of, or what is done in answer would become part of it.
    Dexie.ignoreTransaction(() => this.options.onStatus?.(status));
  }
}
