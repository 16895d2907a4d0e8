/**
 * Sync in the background: after each edit, when the network returns, when the tab is looked at, and from time to time.
 * Of all tabs that show a book one does it; the others ask it to, and are told how it is.
 */

import { type FinwiseClient, ServerError } from "./client.js";
import type { FinwiseTenantSpecificDB } from "./database.js";
import { device } from "./device.js";
import { Exchange } from "./exchange.js";
import { News } from "./news.js";
import { NextSync } from "./next_sync.js";
import { type SyncState, type SyncStatus, stateAfter } from "./status.js";
import { Tabs } from "./tabs.js";

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
  private readonly exchange: Exchange;
  private readonly tabs: Tabs<Message>;
  private readonly next: NextSync;
  private readonly news: News;
  private readonly now: () => number;
  private readonly ended = new AbortController();
  private running: Promise<void> | undefined;
  private underWay = new AbortController();

  constructor(
    private readonly db: FinwiseTenantSpecificDB,
    client: FinwiseClient,
    { onStatus, now = Date.now, every, clock, random }: Options = {},
  ) {
    this.now = now;
    this.exchange = new Exchange(db, client, {
      now,
      onProgress: (progress) => this.tell(progress ? { state: "loading", progress } : { state: "syncing" }),
    });
    this.tabs = new Tabs(`finwise-sync ${db.tenantId}`);
    this.next = new NextSync(() => void this.sync(), { every, clock, random });
    this.news = new News(onStatus);
  }

  get status(): SyncStatus {
    return this.news.status;
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
    this.news.end();
    this.underWay.abort();
    this.next.cancel();
    await this.running;
    this.tabs.close();
  }

  /** Syncs now, for a person asks for it, in whichever tab leads. Resolves once this tab is done. */
  async sync(): Promise<void> {
    if (!this.tabs.isLeader) return this.tabs.post({ kind: "now" });
    if (this.isIdle) return;
    this.next.note("person");
    this.running ??= this.run();
    await this.running;
  }

  /** Syncs now, for things may have changed, but not before the server wants to be asked again. */
  private wake(): void {
    if (!this.tabs.isLeader) this.tabs.post({ kind: "awake" });
    else if (this.running) this.next.note("return");
    else if (!this.next.isBarred) void this.sync();
  }

  /** Syncs now and fetches the conflicts again, because one was decided. */
  lookAgain(): Promise<void> {
    this.exchange.lookAgain();
    return this.sync();
  }

  /** An edit was made: it is sent in a moment, also after a failure, but not before the server wants to be asked again. */
  edited(): void {
    if (!this.tabs.isLeader) this.tabs.post({ kind: "edited" });
    else if (this.running) this.next.note("edit");
    else if (!this.isIdle) this.next.planForEdit();
  }

  /** Whether the person wants to be offline; nothing is sent then. */
  pause(isPaused: boolean): void {
    this.news.isPaused = isPaused;
    if (isPaused) {
      this.next.cancel();
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
      this.news.syncedAt = (await device(this.db).catch(() => undefined))?.synced_at; // a sync says what is wrong with the database
      void this.sync();
      await ended;
      await this.running;
    }, this.ended.signal);
  }

  /** Whether nothing is to be sent: the person wants to be offline, or the book was closed. */
  private get isIdle(): boolean {
    return this.news.isPaused || this.ended.signal.aborted;
  }

  private async run(): Promise<void> {
    this.next.cancel();
    try {
      do {
        this.next.began();
        await this.once();
      } while (!this.isIdle && this.next.isDueAgain);
    } finally {
      this.running = undefined;
    }
    if (!this.isIdle && !LASTING.has(this.status.state)) this.next.plan();
  }

  private async once(): Promise<void> {
    this.tell({ state: "syncing" });
    this.underWay = new AbortController();
    try {
      await this.exchange.sync(this.underWay.signal);
      this.next.succeeded();
      this.news.syncedAt = this.now();
      this.tell({ state: "idle" });
    } catch (error) {
      if (this.underWay.signal.aborted) return;
      if (!(error instanceof ServerError)) console.error("finwise sync", error);
      const wait = this.next.failed(error instanceof ServerError ? (error.retryAfter ?? 0) * 1000 : 0);
      const after = stateAfter(error);
      this.tell(LASTING.has(after.state) ? after : { ...after, retryAt: this.now() + wait });
    }
  }

  private hear(message: Message): void {
    if (message.kind === "status") {
      if (!this.tabs.isLeader) this.news.show(message.status);
    } else if (this.tabs.isLeader) {
      if (message.kind === "asks") this.tabs.post({ kind: "status", status: this.status });
      else if (message.kind === "edited") this.edited();
      else if (message.kind === "awake") this.wake();
      else void this.sync();
    }
  }

  private tell(news: SyncStatus): void {
    if (this.ended.signal.aborted) return;
    const status = this.news.tell(news);
    if (this.tabs.isLeader) this.tabs.post({ kind: "status", status });
  }
}
