/** What a tab is told of the sync: by this tab if it leads, or by the one that does. */

import Dexie from "dexie";
import type { SyncStatus } from "./status.js";

export class News {
  status: SyncStatus = { state: "idle" };
  /** Whether the person wants to be offline, which is all there is to say then. */
  isPaused = false;
  /** When the last sync ended well, ms since 1970. */
  syncedAt: number | undefined;
  private hasEnded = false;

  constructor(private readonly onStatus: ((status: SyncStatus) => void) | undefined) {}

  /** Shows what this tab itself found; what is shown. */
  tell(news: SyncStatus): SyncStatus {
    const status = this.isPaused ? { state: "paused" as const } : news;
    this.show(this.syncedAt === undefined ? status : { ...status, syncedAt: this.syncedAt });
    return this.status;
  }

  /** Shows what the tab that leads found. */
  show(status: SyncStatus): void {
    if (this.hasEnded) return;
    this.status = status;
    // Outside of the transaction that a load is in the middle of, or what is done in answer would become part of it.
    Dexie.ignoreTransaction(() => this.onStatus?.(status));
  }

  /** From now on nothing is shown. */
  end(): void {
    this.hasEnded = true;
  }
}
