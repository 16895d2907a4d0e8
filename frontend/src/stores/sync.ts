/** How the sync of the open book is: its status, what waits, what was rejected, conflicts. */

import { type Subscription, liveQuery } from "dexie";
import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";
import type { BackgroundSync } from "../background.js";
import type { FinwiseClient } from "../client.js";
import type { Conflict, FinwiseTenantSpecificDB, QueueEntry, RejectedEntry } from "../database.js";
import { discard, inUnits } from "../queue.js";
import { isLoaded as hasLoaded } from "../shelf.js";
import type { SyncStatus } from "../status.js";
import type { StorageCode } from "../storage.js";
import { type OddEntity, oddEntities as findOddEntities } from "../warnings.js";

const OFFLINE = "finwise offline"; // in localStorage: the person's wish, for all tabs of this device

interface Followed {
  db: FinwiseTenantSpecificDB;
  client: FinwiseClient;
  sync: BackgroundSync;
  subscriptions: Subscription[];
  /** Called when a person asks for a sync, for what is not part of it. */
  onAsked: () => Promise<void>;
}

export const useSyncStore = defineStore("finwise-sync", () => {
  const status = ref<SyncStatus>({ state: "idle" });
  const isOffline = ref(keptWish());
  const waiting = shallowRef<QueueEntry[]>([]);
  const rejected = shallowRef<RejectedEntry[]>([]);
  const conflicts = shallowRef<Conflict[]>([]);
  /** Entities that the server found something odd in and that have not changed since. */
  const oddEntities = shallowRef<OddEntity[]>([]);
  const waitingCount = ref(0);
  /** What was rejected, the entries of a group as one unit, in the order in which they were made. */
  const rejectedUnits = computed(() => inUnits(rejected.value));
  /** Whether the first load of the open book is complete. Until then its tables say nothing about the book. */
  const isLoaded = ref(false);
  const rejectedCount = computed(() => rejected.value.length);
  const lastSync = computed(() => (status.value.syncedAt === undefined ? undefined : new Date(status.value.syncedAt)));
  let followed: Followed | undefined;

  if (typeof window !== "undefined") {
    window.addEventListener("storage", ({ key, newValue }) => key === OFFLINE && wish(newValue === "1"));
  }

  function show(shown: SyncStatus): void {
    status.value = shown;
  }

  /** Follows a book that was opened. `onAsked` is called when a person asks for a sync. */
  function follow(
    db: FinwiseTenantSpecificDB,
    client: FinwiseClient,
    sync: BackgroundSync,
    onAsked: () => Promise<void>,
  ): void {
    const subscriptions = [
      liveQuery(() => db.syncQueue.count()).subscribe((count) => (waitingCount.value = count)),
      liveQuery(() => db.syncQueue.orderBy("place").limit(100).toArray()).subscribe(
        (entries) => (waiting.value = entries),
      ),
      liveQuery(() => db.syncRejected.toArray()).subscribe((entries) => (rejected.value = entries)),
      liveQuery(() => db.syncConflicts.toArray()).subscribe((kept) => (conflicts.value = kept)),
      liveQuery(() => findOddEntities(db)).subscribe((found) => (oddEntities.value = found)),
      liveQuery(() => hasLoaded(db)).subscribe((loaded) => (isLoaded.value ||= loaded)), // what is shown stays, whatever is cleared
    ];
    followed = { db, client, sync, subscriptions, onAsked };
    if (isOffline.value) sync.pause(true);
  }

  /** Ends the sync, for the browser keeps the book no longer; what is shown stays. */
  function giveUp(code: StorageCode): void {
    void followed?.sync.stop();
    status.value = { state: "error", code };
  }

  /** Ends the sync of the book that was followed. */
  async function leave(): Promise<void> {
    const left = followed;
    followed = undefined;
    left?.subscriptions.forEach((subscription) => subscription.unsubscribe());
    await left?.sync.stop();
    status.value = { state: "idle" };
    waiting.value = rejected.value = conflicts.value = oddEntities.value = [];
    waitingCount.value = 0;
    isLoaded.value = false;
  }

  async function syncNow(): Promise<void> {
    if (!followed || isOffline.value) return;
    await Promise.all([followed.sync.sync(), followed.onAsked()]);
  }

  /** Whether this device is to stay offline; kept over restarts, for all tabs. */
  function setOffline(wanted: boolean): void {
    keepWish(wanted);
    wish(wanted);
  }

  function wish(wanted: boolean): void {
    isOffline.value = wanted;
    followed?.sync.pause(wanted);
  }

  /** Forgets a change that the server does not take, and all of its group; the server's version comes back with the next sync. */
  async function discardRejected(changeId: string): Promise<void> {
    if (!followed) return;
    const { db, sync } = followed;
    await discard(db, changeId);
    await sync.sync();
  }

  /** Decides a conflict: the version that lost comes back, or is forgotten. Raises ServerError; 409: it has changed meanwhile. */
  async function resolveConflict(conflict: Conflict, take: "loser" | "stored"): Promise<void> {
    if (!followed) return;
    const { client, db, sync } = followed;
    const { conflict_id, entity } = conflict;
    try {
      if (take === "loser") await client.restoreConflict(db.tenantId, conflict_id, entity?.updated_at ?? null);
      else await client.dismissConflict(db.tenantId, conflict_id);
      await db.syncConflicts.delete(conflict_id);
    } finally {
      await sync.lookAgain();
    }
  }

  return {
    status,
    isOffline,
    isLoaded,
    waiting,
    waitingCount,
    rejected,
    rejectedUnits,
    rejectedCount,
    conflicts,
    oddEntities,
    lastSync,
    show,
    follow,
    giveUp,
    leave,
    syncNow,
    setOffline,
    discardRejected,
    resolveConflict,
  };
});

/** Whether the person wanted to be offline. False where the browser keeps nothing. */
function keptWish(): boolean {
  try {
    return localStorage.getItem(OFFLINE) === "1";
  } catch {
    return false;
  }
}

function keepWish(wanted: boolean): void {
  try {
    localStorage.setItem(OFFLINE, wanted ? "1" : "0");
  } catch {
    // It holds until the page is closed.
  }
}
