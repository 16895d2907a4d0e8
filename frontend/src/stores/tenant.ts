/** Which book is open: its database, how to edit it, and its sync. */

import { defineStore } from "pinia";
import { computed, markRaw, ref, shallowRef } from "vue";
import { BackgroundSync } from "../background.js";
import type { Schemas } from "../catalogue.js";
import { type Connection, FinwiseClient } from "../client.js";
import { FinwiseTenantSpecificDB } from "../database.js";
import { newId } from "../identifiers.js";
import { TenantDbService } from "../tenant_db_service.js";
import { useSyncStore } from "./sync.js";

export const useTenantStore = defineStore("tenant", () => {
  const tenants = ref<Schemas["Tenant"][]>([]);
  const tenantId = ref<string>();
  const client = shallowRef<FinwiseClient>();
  const db = shallowRef<FinwiseTenantSpecificDB>();
  const service = shallowRef<TenantDbService>();
  let turn: Promise<void> = Promise.resolve();
  const tenant = computed(() => tenants.value.find((each) => each.uuid === tenantId.value));

  /** Says where the server is, and which token to show it. Before anything else. */
  function connect(connection: Connection): FinwiseClient {
    return (client.value = markRaw(new FinwiseClient(connection)));
  }

  /** The books one may open. Raises ServerError. */
  async function fetchTenants(): Promise<Schemas["Tenant"][]> {
    return (tenants.value = await connected().listTenants());
  }

  /** A new book. Raises ServerError. */
  async function createTenant(name: string): Promise<Schemas["Tenant"]> {
    const made = await connected().createTenant({ uuid: newId(), name });
    tenants.value = [...tenants.value, made];
    return made;
  }

  /** Opens a book of this device, and keeps it in step from now on; where it is empty it is loaded first. */
  function chooseTenant(id: string): Promise<void> {
    return inTurn(() => open(id));
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

  async function open(id: string): Promise<void> {
    if (tenantId.value === id) {
      void useSyncStore().syncNow(); // whoever has logged in again wants to see it go on
      return;
    }
    await close();
    const opened = markRaw(new FinwiseTenantSpecificDB(id));
    await opened.open();
    const syncStore = useSyncStore();
    const sync = markRaw(new BackgroundSync(opened, connected(), { onStatus: syncStore.show }));
    tenantId.value = id;
    db.value = opened;
    service.value = markRaw(new TenantDbService(opened, () => sync.edited()));
    syncStore.follow(opened, connected(), sync);
    sync.start();
  }

  async function close(): Promise<void> {
    await useSyncStore().leave();
    db.value?.close();
    tenantId.value = db.value = service.value = undefined;
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

  return { tenants, tenantId, tenant, client, db, service, connect, fetchTenants, createTenant, chooseTenant, leaveTenant, removeFromDevice };
});
