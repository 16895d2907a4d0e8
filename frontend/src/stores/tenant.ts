/** Which book is open: its database, how to edit it, and its sync. */

import { defineStore } from "pinia";
import { computed, markRaw, ref, shallowRef } from "vue";
import { BackgroundSync } from "../background.js";
import type { Schemas } from "../catalogue.js";
import { type Connection, FinwiseClient, ServerError } from "../client.js";
import { FinwiseTenantSpecificDB } from "../database.js";
import { device } from "../device.js";
import { newId } from "../identifiers.js";
import { label } from "../shelf.js";
import type { SyncStatus } from "../status.js";
import { openBook, storageCode, type StorageCode, StorageError } from "../storage.js";
import { TenantDbService } from "../tenant_db_service.js";
import { useSyncStore } from "./sync.js";

const LIST_EVERY = 5 * 60_000; // ms between looks at names and roles while nobody asks and nothing is refused

export const useTenantStore = defineStore("finwise-tenant", () => {
  const tenants = ref<Schemas["Tenant"][]>([]);
  const tenantId = ref<string>();
  const client = shallowRef<FinwiseClient>();
  const db = shallowRef<FinwiseTenantSpecificDB>();
  const service = shallowRef<TenantDbService>();
  const lastKnownName = ref<string>();
  /** Whether the book that was open was removed from this device, in another tab. */
  const isRemoved = ref(false);
  let connection: Connection | undefined;
  let turn: Promise<void> = Promise.resolve();
  let listedAt = -Infinity; // by performance.now(), which nobody can set back
  /** The open book as the server lists it; undefined: it does not, and the book is on this device only. */
  const tenant = computed(() => tenants.value.find((each) => each.uuid === tenantId.value));
  /** What the open book is called, or was when the server last listed it. */
  const name = computed(() => tenant.value?.name ?? lastKnownName.value);

  if (typeof document !== "undefined") {
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && void lookAgain());
  }

  /** Says where the server is, and which token to show it. Before anything else. */
  function connect(to: Connection): FinwiseClient {
    connection = to;
    return (client.value = markRaw(new FinwiseClient(to)));
  }

  /** The books one may open. An answer to a login that has ended meanwhile is not kept. Raises ServerError. */
  async function fetchTenants(): Promise<Schemas["Tenant"][]> {
    const asker = connection?.token();
    const listed = await connected().listTenants();
    if (connection?.token() !== asker) return tenants.value;
    listedAt = performance.now();
    tenants.value = listed;
    await inTurn(async () => {
      if (db.value) await label(db.value, tenant.value, undefined);
    });
    return listed;
  }

  /** A new book. Raises ServerError. */
  async function createTenant(name: string): Promise<Schemas["Tenant"]> {
    const made = await connected().createTenant({ uuid: newId(), name });
    tenants.value = [...tenants.value, made];
    return made;
  }

  /**
   * Opens a book of this device, and keeps it in step from now on; one that was never loaded is loaded first.
   * `reader` is the UUID of the person who opens it, by which a device with several people knows whose book it is.
   * Raises StorageError, which `useSyncStore().status` tells as well.
   */
  function chooseTenant(id: string, reader?: string): Promise<void> {
    return inTurn(() => open(id, reader));
  }

  /** Closes the book; what waits to be sent stays on this device. */
  function leaveTenant(): Promise<void> {
    return inTurn(close);
  }

  /** Removes a book from this device, with whatever was not sent yet. */
  function removeFromDevice(id: string): Promise<void> {
    return inTurn(async () => {
      if (tenantId.value === id) await close();
      await new FinwiseTenantSpecificDB(id).delete();
    });
  }

  async function open(id: string, reader: string | undefined): Promise<void> {
    if (tenantId.value === id && db.value?.isOpen()) {
      void useSyncStore().syncNow(); // somebody who has logged in again wants to see it go on
      return;
    }
    await close();
    const opened = markRaw(new FinwiseTenantSpecificDB(id));
    // `false` keeps Dexie from what it does otherwise: to open it again with the next read, as an empty book.
    opened.on("versionchange", ({ newVersion }) => newVersion !== null || giveUp(opened));
    const syncStore = useSyncStore();
    try {
      await openBook(opened, (code) => lose(opened, code));
      await label(
        opened,
        tenants.value.find((each) => each.uuid === id),
        reader,
      );
      lastKnownName.value = (await device(opened)).tenant?.name;
    } catch (error) {
      const code = storageCode(error) ?? "storage_failed";
      syncStore.giveUp(code);
      throw new StorageError(code, { cause: error });
    }
    const sync = markRaw(new BackgroundSync(opened, connected(), { onStatus: hear }));
    isRemoved.value = false;
    tenantId.value = id;
    db.value = opened;
    service.value = markRaw(new TenantDbService(opened, () => sync.edited()));
    syncStore.follow(opened, connected(), sync, lookAgain);
    sync.start();
  }

  async function close(): Promise<void> {
    const closed = db.value;
    // First of all nobody edits it any more: what is left of its sync may take a while.
    tenantId.value = db.value = service.value = lastKnownName.value = undefined;
    await useSyncStore().leave();
    closed?.close();
  }

  /** The browser has closed the open book; what is shown stays until somebody reloads the page. */
  function lose(lost: FinwiseTenantSpecificDB, code: StorageCode): void {
    if (db.value === lost) useSyncStore().giveUp(code); // otherwise it was closed here
  }

  function giveUp(removed: FinwiseTenantSpecificDB): false {
    removed.close();
    if (db.value === removed) void leaveTenant().then(() => (isRemoved.value = true));
    return false;
  }

  /** Shows how the sync is, and looks at names and roles again when they may explain it, or when it is time. */
  function hear(status: SyncStatus): void {
    const syncStore = useSyncStore();
    const before = syncStore.status;
    syncStore.show(status);
    const isRefused = status.state !== before.state && (status.state === "forbidden" || status.state === "stopped");
    const isDue = status.syncedAt !== before.syncedAt && performance.now() - listedAt > LIST_EVERY;
    if (isRefused || isDue) void lookAgain();
  }

  /** Names and roles as they are now; without an answer they stay as they were. */
  async function lookAgain(): Promise<void> {
    if (!tenantId.value || useSyncStore().isOffline || connection?.token() === undefined) return;
    await fetchTenants().catch((error: unknown) => {
      if (!(error instanceof ServerError)) throw error;
    });
  }

  /** Books are opened and closed one after the other, however fast somebody clicks. */
  function inTurn(work: () => Promise<void>): Promise<void> {
    const done = turn.then(work);
    turn = done.catch(() => undefined);
    return done;
  }

  function connected(): FinwiseClient {
    if (!client.value) throw new Error("Call connect() first.");
    return client.value;
  }

  return {
    tenants,
    tenantId,
    tenant,
    name,
    isRemoved,
    client,
    db,
    service,
    connect,
    fetchTenants,
    createTenant,
    chooseTenant,
    leaveTenant,
    removeFromDevice,
  };
});
