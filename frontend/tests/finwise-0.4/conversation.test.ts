/** A small app of FinWise 0.4's form, over a real server. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { databaseName } from "../../src/database";
import { type Finwise04, finwise04 } from "../../src/finwise-0.4/index";
import { Desk } from "../desk";
import { RealServer } from "../real_server";
import { SmallApp } from "./small_app";

let server: RealServer;
let tenantId: string;
let app: SmallApp;
let finwise: Finwise04;
let isReachable: boolean;

beforeAll(async () => {
  server = await new RealServer().start();
});
afterAll(() => server.stop());

beforeEach(async () => {
  const kept = new Map([["finwise-0.4 tokens", JSON.stringify({ last: "ada", tokens: { ada: server.token } })]]);
  const setItem = (key: string, value: string) => kept.set(key, value);
  vi.stubGlobal("localStorage", { getItem: (key: string) => kept.get(key) ?? null, setItem });
  isReachable = true;
  tenantId = await server.tenant();
});
afterEach(async () => {
  await app.close();
  vi.unstubAllGlobals();
});

function makeFinwise(): Finwise04 {
  const ask = (url: string | URL | Request, init?: RequestInit) =>
    isReachable ? fetch(url, init) : Promise.reject(new TypeError("no network"));
  return (finwise = finwise04({ baseUrl: server.url, askPassword: () => Promise.resolve(undefined), fetch: ask }));
}

function start(): Promise<SmallApp> {
  app = new SmallApp(tenantId, makeFinwise());
  return app.connect();
}

const another = (): Desk => new Desk(fetch, Date.now, { tenantId, baseUrl: server.url, token: server.token });
const transaction = {
  accountId: "a",
  date: "2026-01-01",
  valueDate: "2026-01-01",
  amount: -1,
  description: "",
  tagIds: [],
  type: "EXPENSE",
  runningBalance: 0,
};
const funds = {
  name: "Verfügbare Mittel",
  budgeted: 0,
  activity: 0,
  available: 0,
  isIncomeCategory: false,
  isHidden: false,
  isActive: true,
  sortOrder: 0,
};
const isTold = (what: () => Promise<void>) => vi.waitFor(what, { timeout: 60_000 });

const drained = () => isTold(async () => expect(await app.queue()).toEqual([]));

/** The app looks again, as it does once a minute by itself. */
async function syncNow(): Promise<void> {
  await app.edit("Tag", { id: "poke", name: String(Math.random()) });
  await drained();
}

describe("the app", () => {
  test("has its changes stored and acknowledged, without its stamps, whatever table they are of", async () => {
    await start();
    await app.edit("AccountGroup", { id: "g", name: "Bank", sortOrder: 0 }, "create");
    await app.edit("Transaction", { id: "t", ...transaction }, "create");
    await drained();
    expect(await server.living(tenantId)).toMatchObject({
      "account_groups/g": { name: "Bank", sortOrder: 0 },
      "transactions/t": transaction,
    });
    expect(app.messages.filter(({ type }) => type === "sync_ack")).toHaveLength(2);
    await app.edit("Transaction", { id: "t" }, "delete");
    await drained();
    expect(Object.keys(await server.living(tenantId))).toEqual(["account_groups/g"]);
    expect(app.messages.filter(({ type }) => type === "data_update")).toEqual([]);
  });

  test("that is new on a device gets the whole book at once, and afterwards what others change and delete", async () => {
    const other = another();
    for (const id of ["a", "b"]) await other.tag(id, "first");
    await other.sync();
    await start();
    await isTold(async () => expect(await app.rows("Tag").count()).toBe(2));
    expect(app.messages.filter(({ type }) => type === "initial_data_load")).toHaveLength(1);
    await other.tag("a", "second");
    await other.tag("c", "first");
    await other.book.delete("tags", "b");
    await other.sync();
    await syncNow();
    await isTold(async () => expect(await app.rows("Tag").get("c")).toMatchObject({ name: "first" }));
    expect(app.messages.filter(({ operation_type }) => operation_type === "create")).toHaveLength(1);
    await isTold(async () => expect(await app.rows("Tag").get("a")).toMatchObject({ name: "second" }));
    await isTold(async () => expect(await app.rows("Tag").get("b")).toBeUndefined());
  });

  test("is told of one change without the whole book being read again", async () => {
    const other = another();
    await other.book.putMany(
      "tags",
      ["a", "b", "c"].map((id) => ({ id, data: { name: "first" } })),
    );
    await other.sync();
    await start();
    await isTold(async () => expect(await app.rows("Tag").count()).toBe(3));
    await syncNow();
    const read = vi.spyOn(IDBObjectStore.prototype, "getAll");
    await other.tag("a", "second");
    await other.book.delete("tags", "b");
    await other.sync();
    await syncNow();
    await isTold(async () => expect(await app.rows("Tag").get("a")).toMatchObject({ name: "second" }));
    await isTold(async () => expect(await app.rows("Tag").get("b")).toBeUndefined());
    const stores = (read.mock.contexts as IDBObjectStore[]).map(
      (store) => `${store.transaction.db.name} ${store.name}`,
    );
    expect(stores).not.toContain(`${databaseName(tenantId)} tags`);
    read.mockRestore();
  });

  test("tells from which version an edit was made: one built on its own is no conflict, one that saw nothing is", async () => {
    const other = another();
    await start();
    for (const name of ["one", "two", "three"]) await app.edit("Tag", { id: "own", name });
    await app.edit("Tag", { id: "shared", name: "first" });
    await drained();
    await app.edit("Tag", { id: "own", name: "four" });
    await drained();
    expect(await other.client.conflicts(tenantId)).toEqual([]);
    await other.sync();
    isReachable = false;
    await app.edit("Tag", { id: "shared", name: "mine" });
    await other.tag("shared", "theirs");
    await other.sync();
    isReachable = true;
    await syncNow();
    expect((await other.client.conflicts(tenantId)).map(({ id }) => id)).toEqual(["shared"]);
    await isTold(async () => expect(await app.rows("Tag").get("shared")).toMatchObject({ name: "theirs" }));
  });

  test("is not held up by what the server does not take: it is set aside with its reasons", async () => {
    await start();
    await app.edit("Tag", { id: "no spaces", name: "bad" }, "create");
    await app.edit("Tag", { id: "good", name: "good" }, "create");
    await drained();
    expect(Object.keys(await server.living(tenantId))).toEqual(["tags/good"]);
    expect(await finwise.rejected(tenantId)).toMatchObject([{ id: "no spaces", code: "invalid_id" }]);
  });

  test("that lost its connection before it was answered is answered on the next one, for it does not ask again", async () => {
    const other = another();
    await other.tag("a", "first");
    await other.sync();
    app = new SmallApp(tenantId, makeFinwise());
    app.isUnlucky = true;
    await app.connect();
    await isTold(async () => expect(app.messages).toMatchObject([{ type: "status", status: "online" }]));
    app.isUnlucky = false;
    await app.connect();
    await isTold(async () => expect(await app.rows("Tag").get("a")).toMatchObject({ name: "first" }));
    app.disconnect();
    await other.tag("b", "first");
    await other.sync();
    await app.connect();
    await isTold(async () => expect(await app.rows("Tag").get("b")).toMatchObject({ name: "first" }));
    expect(app.messages.filter(({ type }) => type === "initial_data_load")).toHaveLength(2);
  });

  test("gets a version of another device's although its own row has a later time", async () => {
    await start();
    await app.edit("Tag", { id: "a", name: "mine" }, "create", Date.now() + 3_600_000);
    await drained();
    const other = another();
    await other.sync();
    await other.tag("a", "theirs");
    await other.sync();
    await syncNow();
    await isTold(async () => expect(await app.rows("Tag").get("a")).toMatchObject({ name: "theirs" }));
  });
});

describe("the move", () => {
  test("sends once what the app had before, unsent entries included, and takes the newer of two versions", async () => {
    const before = new SmallApp(tenantId, undefined);
    await before.db.open();
    await before.rows("Tag").bulkPut([
      { id: "old", name: "old", updatedAt: "2025-01-01T00:00:00.000Z" },
      { id: "older", name: "here", updatedAt: "2025-01-01T00:00:00.000Z" },
    ]);
    await before.rows("Category").put({ id: "funds-here", ...funds });
    await before.edit("Tag", { id: "unsent", name: "unsent" }, "create");
    before.db.close();
    const other = another();
    await other.tag("older", "there");
    await other.book.put("categories", "funds", funds);
    await other.sync();
    await start();
    await drained();
    await isTold(async () => expect(await app.rows("Tag").get("older")).toMatchObject({ name: "there" }));
    await isTold(async () => {
      const living = await server.living(tenantId);
      expect(Object.keys(living).sort()).toEqual(["categories/funds", "tags/old", "tags/older", "tags/unsent"]);
    });
  });

  test("is not repeated: what another device deletes afterwards stays deleted", async () => {
    await start();
    await app.edit("Tag", { id: "a", name: "a" }, "create");
    await drained();
    await app.close();
    const other = another();
    await other.sync();
    await other.book.delete("tags", "a");
    await other.sync();
    await start();
    await isTold(async () => expect(await app.rows("Tag").count()).toBe(0));
    expect(await server.living(tenantId)).toEqual({});
  });
});

describe("people", () => {
  test("log in by name on a device that has never seen them, if the server lets them", async () => {
    const byName = await new RealServer({ FINWISE_LOGIN_NAMES: "1" }).start();
    const logIn = async (baseUrl: string): Promise<Response> => {
      vi.stubGlobal("localStorage", memory());
      const { fetch } = finwise04({ baseUrl, askPassword: () => Promise.resolve(undefined) });
      const send = (path: string, body: object) => fetch(path, { method: "POST", body: JSON.stringify(body) });
      const password = "correct horse battery";
      await send("/register", { name: `Grace ${tenantId}`, email: `${tenantId}@example.org`, password });
      vi.stubGlobal("localStorage", memory());
      return send("/login", { username_or_email: `Grace ${tenantId}`, password });
    };
    await start();
    try {
      expect(await (await logIn(byName.url)).json()).toMatchObject({ email: `${tenantId}@example.org` });
      expect((await logIn(server.url)).status).toBe(401);
    } finally {
      await byName.stop();
    }
  });

  test("made without a network finish signing up with their password, and nothing that is queued is lost", async () => {
    vi.stubGlobal("localStorage", memory());
    const asked: string[] = [];
    let typed: string | undefined;
    const askPassword = (_: unknown, why: string) => Promise.resolve((asked.push(why), typed));
    finwise = finwise04({ baseUrl: server.url, askPassword });
    const [uuid, tenant] = [crypto.randomUUID(), crypto.randomUUID()];
    app = await new SmallApp(tenant, finwise).connect();
    await app.edit("Tag", { id: "a", name: "offline" }, "create");
    const headers = { "Content-Type": "application/json", "X-User-Id": uuid };
    const send = (path: string, body: object) =>
      finwise.fetch(`http://localhost:8000${path}`, { method: "POST", headers, body: JSON.stringify(body) });
    const user = { uuid, name: "Grace", email: `${uuid}@example.org`, hashed_password: "$2b$09$x" };
    expect((await send("/users", user)).status).toBe(401); // not now
    expect(await app.queue()).toHaveLength(1);
    typed = "correct horse battery";
    expect(await (await send("/users", user)).json()).toMatchObject({ uuid, name: "Grace" });
    expect(asked).toEqual(["log-in", "log-in", "sign-up"]);
    expect((await send("/tenants/", { uuid: tenant, name: "Flat", user_id: uuid })).status).toBe(200);
    await app.close();
    app = await new SmallApp(tenant, (finwise = finwise04({ baseUrl: server.url, askPassword }))).connect();
    await drained();
    const { tokens } = JSON.parse(localStorage.getItem("finwise-0.4 tokens")!) as { tokens: Record<string, string> };
    const Authorization = `Bearer ${tokens[uuid]}`;
    const stored = await fetch(`${server.url}/sync/initial/${tenant}`, { headers: { Authorization } });
    expect(await stored.json()).toMatchObject({ changes: [{ id: "a", data: { name: "offline" } }] });
    const login = await finwise.fetch("http://localhost:8000/login", {
      method: "POST",
      body: JSON.stringify({ username_or_email: user.email, password: "wrong" }),
    });
    expect(login.status).toBe(401);
  });
});

function memory(): Pick<Storage, "getItem" | "setItem"> {
  const kept = new Map<string, string>();
  return { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value) };
}
