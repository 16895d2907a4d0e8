/** The books of a device: what it holds of each, for whom, and what the server says of them meanwhile. */

import { createPinia, setActivePinia } from "pinia";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import type { Data } from "../src/catalogue";
import { FinwiseTenantSpecificDB } from "../src/database";
import { useSyncStore, useTenantStore } from "../src/pinia";
import { isLoaded, shelvedBooks } from "../src/shelf";
import { RealServer } from "./real_server";

const ADA = "8c5d2c6e-52a1-4f7e-9a43-0a3a6f0c9b11";
const BEN = "0b7b8a5e-7f0f-4c3c-9a51-6f1f5f0c9b22";

let server: RealServer;
let tenant: ReturnType<typeof useTenantStore>;
let sync: ReturnType<typeof useSyncStore>;
let tenantId: string;
let token: string;
let ask: typeof fetch;

beforeAll(async () => {
  server = await new RealServer().start();
});
afterAll(() => server.stop());

beforeEach(async () => {
  setActivePinia(createPinia());
  [tenant, sync] = [useTenantStore(), useSyncStore()];
  token = server.token;
  ask = fetch;
  tenant.connect({ baseUrl: server.url, token: () => token, fetch: (url, init) => ask(url, init) });
  tenantId = await server.tenant();
  await tenant.fetchTenants();
});
afterEach(() => tenant.leaveTenant());

const tag = (name: string) => ({ name }) as Data<"tags">;
const inStep = () =>
  vi.waitFor(() => expect([sync.isLoaded, sync.status.state, sync.waitingCount]).toEqual([true, "idle", 0]), {
    timeout: 20_000,
  });
const shelved = async (id = tenantId) => (await shelvedBooks()).find((book) => book.tenantId === id);
const onServer = (method: string, path: string, body?: unknown): Promise<Response> =>
  fetch(server.url + path, {
    method,
    headers: { Authorization: `Bearer ${server.token}`, "Content-Type": "application/json" },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });

test("a book that the server has deleted is still on the device, with its name, its readers and what was never sent", async () => {
  await tenant.chooseTenant(tenantId, ADA);
  await inStep();
  await onServer("DELETE", `/tenants/${tenantId}`);
  await tenant.service!.add("tags", tag("x"), "a");
  await vi.waitFor(() => expect([sync.status.state, tenant.tenant]).toEqual(["stopped", undefined]), {
    timeout: 20_000,
  });
  expect(tenant.name).toBe("Another"); // no longer listed, and called what it was called
  expect(await shelved()).toMatchObject({ name: "Another", readers: [ADA], unsent: 1, isLoaded: true });
});

test("what a book is called and who reads it here does not depend on who comes later", async () => {
  await tenant.chooseTenant(tenantId, ADA);
  await tenant.leaveTenant();
  await tenant.chooseTenant(tenantId, BEN);
  await tenant.leaveTenant();
  await tenant.chooseTenant(tenantId, ADA);
  expect((await shelved())?.readers).toEqual([ADA, BEN]);
});

test("looking at the shelf opens nothing that was removed", async () => {
  await tenant.chooseTenant(tenantId, ADA);
  await tenant.removeFromDevice(tenantId);
  expect(await shelved()).toBeUndefined();
  expect((await indexedDB.databases()).filter(({ name }) => name?.includes(tenantId))).toEqual([]);
});

test("a first load that is cut off leaves a book that is not loaded, and one that is complete is so from then on", async () => {
  ask = async (url, init) =>
    String(url).includes("/sync/initial/") ? Promise.reject(new TypeError("cut off")) : fetch(url, init);
  await tenant.chooseTenant(tenantId, ADA);
  await vi.waitFor(() => expect(sync.status.state).toBe("offline"), { timeout: 20_000 });
  await tenant.service!.add("tags", tag("x"), "a"); // an edit is no load
  expect([sync.isLoaded, (await shelved())?.isLoaded]).toEqual([false, false]);
  ask = fetch;
  await sync.syncNow();
  await vi.waitFor(() => expect(sync.isLoaded).toBe(true), { timeout: 20_000 });
  // An entity type that a newer version of the program adds has no cursor yet, and the book stays one that is loaded.
  await tenant.db!.syncMetadata.put({ entity_type: "tags", digest: "0".repeat(16) });
  expect(await isLoaded(tenant.db!)).toBe(true);
});

test("a name that was changed elsewhere is there after the next sync that somebody asks for", async () => {
  await tenant.chooseTenant(tenantId, ADA);
  await inStep();
  await onServer("PATCH", `/tenants/${tenantId}`, { name: "Flat" });
  await sync.syncNow();
  expect([tenant.name, tenant.tenant?.name]).toEqual(["Flat", "Flat"]);
  await vi.waitFor(async () => expect((await shelved())?.name).toBe("Flat"));
});

test("while the person wants to be offline, nobody asks for names and roles either", async () => {
  vi.stubGlobal("localStorage", { getItem: () => null, setItem: () => undefined });
  await tenant.chooseTenant(tenantId, ADA);
  await inStep();
  sync.setOffline(true);
  const asked: string[] = [];
  ask = (url, init) => (asked.push(String(url)), fetch(url, init));
  await sync.syncNow();
  expect(asked).toEqual([]);
  vi.unstubAllGlobals();
});

test("the books of somebody who has logged out meanwhile are not kept", async () => {
  let answer: (() => void) | undefined;
  ask = (url, init) => new Promise((resolve) => (answer = () => resolve(fetch(url, init))));
  const asking = tenant.fetchTenants();
  tenant.tenants = [];
  token = "fwt_of_somebody_else";
  answer!();
  await asking;
  expect(tenant.tenants).toEqual([]);
});

test("an edit through a book that was closed fails, and reaches neither that book nor the one that is open now", async () => {
  const other = await server.tenant();
  await tenant.chooseTenant(tenantId, ADA);
  await inStep();
  const before = tenant.service!;
  await tenant.chooseTenant(other, ADA);
  await inStep();
  await expect(before.add("tags", tag("x"), "late")).rejects.toThrow();
  await expect(before.together(async () => before.put("tags", "late", tag("x")))).rejects.toThrow();
  expect(await tenant.db!.tags.count()).toBe(0);
  await tenant.chooseTenant(tenantId, ADA);
  expect(await tenant.db!.tags.count()).toBe(0);
});

test("a book that another tab removes is closed here, and does not come back empty", async () => {
  await tenant.chooseTenant(tenantId, ADA);
  await inStep();
  await new FinwiseTenantSpecificDB(tenantId).delete();
  await vi.waitFor(() => expect([tenant.isRemoved, tenant.tenantId]).toEqual([true, undefined]));
  expect(await shelved()).toBeUndefined();
});
