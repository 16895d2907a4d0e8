/** What an app sees: the stores, over a book of a real server. */

import { createPinia, defineStore, setActivePinia } from "pinia";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { Data } from "../src/catalogue";
import { type ServerError, FinwiseClient } from "../src/client";
import { useSyncStore, useTenantStore } from "../src/pinia";
import { Desk } from "./desk";
import { RealServer } from "./real_server";

let server: RealServer;
let tenant: ReturnType<typeof useTenantStore>;
let sync: ReturnType<typeof useSyncStore>;
let tenantId: string;
let token: string | undefined;
let isReachable: boolean;

beforeAll(async () => {
  server = await new RealServer().start();
});
afterAll(() => server.stop());

/** The program is opened: stores that know nothing, over what the device has kept. */
function open(): void {
  setActivePinia(createPinia());
  tenant = useTenantStore();
  sync = useSyncStore();
  const ask = (url: string | URL | Request, init?: RequestInit) =>
    isReachable ? fetch(url, init) : Promise.reject(new TypeError("no network"));
  tenant.connect({ baseUrl: server.url, token: () => token, fetch: ask });
}

beforeEach(async () => {
  const kept = new Map<string, string>();
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
  });
  token = server.token;
  isReachable = true;
  tenantId = await server.tenant();
  open();
});

afterEach(async () => {
  await tenant.leaveTenant();
  vi.unstubAllGlobals();
});

const tag = (name: string) => ({ name }) as Data<"tags">;
const state = (wanted: string) => vi.waitFor(() => expect(sync.status.state).toBe(wanted), { timeout: 20_000 });
const inStep = () =>
  vi.waitFor(() => expect([sync.status.state, sync.waitingCount]).toEqual(["idle", 0]), { timeout: 20_000 });

/** Another device of the same person. */
function another(): Desk {
  return new Desk(fetch, Date.now, { tenantId, baseUrl: server.url, token: server.token });
}

describe("a book", () => {
  test("is loaded when it is chosen for the first time, edited, sent, and there again when the program is opened again", async () => {
    const other = another();
    await other.tag("theirs", "x");
    await other.sync();
    await tenant.fetchTenants();
    await tenant.chooseTenant(tenantId);
    expect(tenant.tenant?.uuid).toBe(tenantId);
    await vi.waitFor(async () => expect(await tenant.db!.tags.count()).toBe(1), { timeout: 20_000 });
    await tenant.service!.add("tags", tag("y"), "mine");
    await inStep();
    expect(await server.living(tenantId)).toEqual({ "tags/theirs": { name: "x" }, "tags/mine": { name: "y" } });
    expect(sync.lastSync!.valueOf()).toBeGreaterThan(Date.now() - 60_000);
    await tenant.leaveTenant();
    isReachable = false;
    open();
    await tenant.chooseTenant(tenantId);
    expect((await tenant.service!.list("tags")).map(({ id }) => id)).toEqual(["mine", "theirs"]);
    await state("offline");
  });

  test("that is new is created, and another one is opened in its place", async () => {
    const made = await tenant.createTenant("Second");
    expect(tenant.tenants.at(-1)).toMatchObject({ uuid: made.uuid, name: "Second" });
    await Promise.all([tenant.chooseTenant(tenantId), tenant.chooseTenant(made.uuid), tenant.chooseTenant(tenantId)]);
    expect(tenant.db!.tenantId).toBe(tenantId);
    await tenant.service!.add("tags", tag("x"), "a");
    await inStep();
    expect(await server.living(made.uuid)).toEqual({});
    expect(Object.keys(await server.living(tenantId))).toEqual(["tags/a"]);
  });

  test("is removed from the device with all it has there, and nowhere else", async () => {
    await tenant.chooseTenant(tenantId);
    await tenant.service!.add("tags", tag("x"), "a");
    await inStep();
    await tenant.removeFromDevice(tenantId);
    expect(tenant.db).toBeUndefined();
    expect((await indexedDB.databases()).filter(({ name }) => name?.includes(tenantId))).toEqual([]);
    expect(Object.keys(await server.living(tenantId))).toEqual(["tags/a"]);
  });
});

test("an app's own stores called tenant and sync stay its own", () => {
  const own = defineStore("tenant", { state: () => ({ isOwn: true }) })();
  const ownSync = defineStore("sync", { state: () => ({ isOwn: true }) })();
  expect([own.isOwn, ownSync.isOwn]).toEqual([true, true]);
  expect([useTenantStore(), useSyncStore()]).not.toEqual(expect.arrayContaining([own, ownSync]));
});

describe("the sync", () => {
  test("is off while the person wants to be offline, also after a restart, and goes on afterwards", async () => {
    sync.setOffline(true);
    await tenant.chooseTenant(tenantId);
    await tenant.service!.add("tags", tag("x"), "a");
    await vi.waitFor(() => expect(sync.waiting).toMatchObject([{ entity_type: "tags", id: "a" }]));
    expect(sync.status.state).toBe("paused");
    await tenant.leaveTenant();
    open();
    expect(sync.isOffline).toBe(true);
    await tenant.chooseTenant(tenantId);
    await vi.waitFor(() => expect(sync.waitingCount).toBe(1));
    expect(await server.living(tenantId)).toEqual({});
    sync.setOffline(false);
    await inStep();
    expect(Object.keys(await server.living(tenantId))).toEqual(["tags/a"]);
  });

  test("keeps everything when the token is not taken any more, and goes on when somebody has logged in", async () => {
    await tenant.chooseTenant(tenantId);
    await inStep();
    token = "fwt_unknown";
    await tenant.service!.add("tags", tag("x"), "a");
    await state("logged_out");
    expect(sync.waitingCount).toBe(1);
    expect(await tenant.db!.tags.count()).toBe(1);
    token = server.token;
    await tenant.chooseTenant(tenantId);
    await inStep();
    expect(Object.keys(await server.living(tenantId))).toEqual(["tags/a"]);
  });

  test("shows what the server does not take, until it is discarded or edited", async () => {
    await tenant.chooseTenant(tenantId);
    await inStep();
    await tenant.service!.put("tags", "bad", { name: 7 } as never);
    await tenant.service!.put("tags", "mended", { name: 8 } as never);
    await vi.waitFor(() => expect(sync.rejectedCount).toBe(2), { timeout: 20_000 });
    expect(sync.rejected.find(({ id }) => id === "bad")).toMatchObject({
      code: "invalid_data",
      errors: { "data.name": expect.any(Array) },
    });
    await tenant.service!.change("tags", "mended", { name: "mended" });
    await vi.waitFor(() => expect(sync.rejectedCount).toBe(1));
    await sync.discardRejected(sync.rejected[0]!.change_id);
    await vi.waitFor(() => expect(sync.rejectedCount).toBe(0));
    await inStep();
    await vi.waitFor(async () => expect(await tenant.db!.tags.toCollection().primaryKeys()).toEqual(["mended"]), {
      timeout: 20_000,
    });
    expect(await server.living(tenantId)).toEqual({ "tags/mended": { name: "mended" } });
  });

  test("shows what the server finds odd, until it is edited", async () => {
    await tenant.chooseTenant(tenantId);
    await inStep();
    await tenant.service!.add("transactions", { date: "2025-02-31", amount: -1 }, "odd");
    const warnings = { "data.date": ["Give a day such as 2026-01-09."] };
    await vi.waitFor(() => expect(sync.oddEntities).toMatchObject([{ id: "odd", warnings }]), { timeout: 20_000 });
    await tenant.service!.change("transactions", "odd", { date: "2025-02-28" });
    await vi.waitFor(() => expect(sync.oddEntities).toEqual([]), { timeout: 20_000 });
  });

  test("shows conflicts, and has either version win", async () => {
    const other = another();
    for (const id of ["a", "b"]) await other.tag(id, "first");
    await other.sync();
    await tenant.chooseTenant(tenantId);
    await vi.waitFor(async () => expect(await tenant.db!.tags.count()).toBe(2), { timeout: 20_000 });
    await inStep();
    sync.setOffline(true);
    for (const id of ["a", "b"]) await tenant.service!.change("tags", id, { name: "mine" });
    for (const id of ["a", "b"]) await other.tag(id, "theirs");
    await other.sync();
    sync.setOffline(false);
    await vi.waitFor(() => expect(sync.conflicts).toHaveLength(2), { timeout: 20_000 });
    const of = (id: string) => sync.conflicts.find((each) => each.id === id)!;
    const expected = { "tags/a": of("a").loser.data, "tags/b": of("b").entity!.data };
    const stale = { ...of("a"), entity: { ...of("a").entity!, updated_at: "2026-01-01T00:00:00.000Z" } };
    const refused = await sync.resolveConflict(stale, "loser").then(
      () => undefined,
      (error: unknown) => error as ServerError,
    );
    expect(refused).toMatchObject({ status: 409 });
    await sync.resolveConflict(of("a"), "loser");
    await sync.resolveConflict(of("b"), "stored");
    await vi.waitFor(() => expect(sync.conflicts).toEqual([]), { timeout: 20_000 });
    await inStep();
    expect(await server.living(tenantId)).toEqual(expected);
    expect(await tenant.service!.get("tags", "a")).toMatchObject(expected["tags/a"]!);
  });

  test("stops where the book was deleted, and what is here stays", async () => {
    await tenant.chooseTenant(tenantId);
    await tenant.service!.add("tags", tag("x"), "a");
    await inStep();
    await fetch(`${server.url}/tenants/${tenantId}`, {
      method: "DELETE",
      headers: { Authorization: `Bearer ${token}` },
    });
    await tenant.service!.add("tags", tag("y"), "b");
    await state("stopped");
    expect(sync.status.code).toBe("tenant_deleted");
    expect(await tenant.db!.tags.count()).toBe(2);
    expect(sync.waitingCount).toBe(1);
  });
});

test("the client signs up, logs in and out, lists devices and fetches the book as a file", async () => {
  const email = `${crypto.randomUUID()}@example.org`;
  let secret: string | undefined;
  const client = new FinwiseClient({ baseUrl: `${server.url}/`, token: () => secret });
  const failure = (work: Promise<unknown>) =>
    work.then(
      () => undefined,
      (error: unknown) => error as ServerError,
    );
  expect((await client.health()).protocol).toBe(1);
  await client.signUp({ uuid: crypto.randomUUID(), name: "Grace", email, password: "correct horse battery" });
  const wrong = { email, password: "wrong password here", device_name: "phone" };
  expect(await failure(client.logIn(wrong))).toMatchObject({ status: 401, code: "unauthorized" });
  const issued = await client.logIn({ ...wrong, password: "correct horse battery" });
  secret = issued.token;
  const { uuid } = await client.createTenant({ uuid: crypto.randomUUID(), name: "Flat" });
  expect((await client.listTenants()).map((each) => each.uuid)).toEqual([uuid]);
  const desk = new Desk(fetch, Date.now, { tenantId: uuid, baseUrl: server.url, token: secret });
  await desk.tag("a", "x");
  await desk.sync();
  expect(await client.devices(uuid)).toMatchObject([{ device_name: "phone" }]);
  expect(JSON.parse(await (await client.exportBook(uuid, "json")).text())).toMatchObject({
    tags: [{ id: "a", name: "x" }],
  });
  expect(await (await client.exportBook(uuid, "sqlite")).slice(0, 15).text()).toBe("SQLite format 3");
  await client.logOut(issued.id);
  expect(await failure(client.listTenants())).toMatchObject({ status: 401 });
});
