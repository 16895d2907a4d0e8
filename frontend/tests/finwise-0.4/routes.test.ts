/** The routes of the app's own backend, over a real server. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { type Finwise04, finwise04 } from "../../src/finwise-0.4/index";
import { RealServer } from "../real_server";
import { SmallApp } from "./small_app";

let server: RealServer;
let tenantId: string;
let app: SmallApp;
let finwise: Finwise04;

beforeAll(async () => {
  server = await new RealServer().start();
});
afterAll(() => server.stop());

beforeEach(async () => {
  const kept = new Map([["finwise-0.4 tokens", JSON.stringify({ last: "ada", tokens: { ada: server.token } })]]);
  const setItem = (key: string, value: string) => kept.set(key, value);
  vi.stubGlobal("localStorage", { getItem: (key: string) => kept.get(key) ?? null, setItem });
  tenantId = await server.tenant();
  finwise = finwise04({ baseUrl: server.url, askPassword: () => Promise.resolve(undefined) });
  app = await new SmallApp(tenantId, finwise).connect();
});
afterEach(async () => {
  await app.close();
  vi.unstubAllGlobals();
});

function ask(method: string, path: string, body?: object): Promise<Response> {
  const content = body === undefined || body instanceof FormData ? body : JSON.stringify(body);
  const headers = { "X-User-Id": "ada", "X-Tenant-Id": tenantId };
  return finwise.fetch(`http://localhost:8000${path}`, {
    method,
    headers,
    ...(content !== undefined && { body: content }),
  });
}

async function answer(method: string, path: string, body?: object): Promise<unknown> {
  const response = await ask(method, path, body);
  expect(response.status, `${method} ${path}`).toBe(200);
  return response.json();
}

const drained = () => vi.waitFor(async () => expect(await app.queue()).toEqual([]), { timeout: 60_000 });

describe("tenants", () => {
  test("belong to the person who asks, and say when they were made and renamed", async () => {
    const [before] = (await answer("GET", "/tenants?user_id=ada")) as { createdAt: string; updatedAt: string }[];
    const renamed = (await answer("PUT", `/tenants/${tenantId}?user_id=ada`, { name: "Boat" })) as typeof before;
    const tenants = (await answer("GET", "/tenants?user_id=ada")) as object[];
    expect(tenants).toContainEqual({ ...before, ...renamed, uuid: tenantId, name: "Boat", user_id: "ada" });
    expect(Date.parse(renamed!.updatedAt)).toBeGreaterThanOrEqual(Date.parse(renamed!.createdAt));
    expect(Date.parse(renamed!.createdAt)).toBeGreaterThan(Date.parse("2020-01-01"));
  });

  test("are emptied for all devices", async () => {
    await app.edit("Tag", { id: "a", name: "a" }, "create");
    await drained();
    expect((await ask("POST", `/tenants/${tenantId}/reset-to-initial?user_id=ada`, {})).status).toBe(204);
    expect(await server.living(tenantId)).toEqual({});
    expect((await ask("POST", "/tenants/unknown/reset-database?user_id=ada", {})).status).toBe(404);
  });

  test("are exported as a SQLite file, from which another is made", async () => {
    await app.edit("Tag", { id: "a", name: "a" }, "create");
    await drained();
    const exported = await ask("GET", `/api/v1/tenant/export-database?tenant_id=${tenantId}`);
    const file = await exported.blob();
    expect(await file.slice(0, 15).text()).toBe("SQLite format 3");
    const form = new FormData();
    form.append("database_file", file, "book.sqlite");
    form.append("new_tenant_name", "Copy");
    const made = (await answer("POST", "/api/v1/tenant/import-database", form)) as { tenant_id: string };
    expect(made).toMatchObject({ tenant_name: "Copy" });
    expect(await server.living(made.tenant_id)).toEqual(await server.living(tenantId));
  });

  test("are not made from a file that is no book", async () => {
    const before = (await answer("GET", "/tenants")) as object[];
    const form = new FormData();
    form.append("database_file", new Blob(["SQLite format 3\0 and no more"]), "book.sqlite");
    form.append("new_tenant_name", "Copy");
    expect((await ask("POST", "/api/v1/tenant/import-database", form)).status).toBe(422);
    expect(await answer("GET", "/tenants")).toHaveLength(before.length);
  });
});

describe("settings of a person", () => {
  const path = "/api/v1/user/settings/ada";
  const sent = { log_level: "DEBUG", log_categories: ["ui"], history_retention_days: 7 };

  test("are not there before something is set, so that the app keeps its own", async () => {
    expect((await ask("GET", path)).status).toBe(404);
  });

  test("come back, and go to the other devices with the book", async () => {
    expect(await answer("PUT", path, sent)).toMatchObject({ user_id: "ada", ...sent });
    expect(await answer("GET", path)).toMatchObject(sent);
    await vi.waitFor(async () => expect(JSON.stringify(await server.living(tenantId))).toContain("DEBUG"));
  });

  test("can be reset", async () => {
    await answer("PUT", path, sent);
    await answer("POST", `${path}/reset`, {});
    expect(await answer("GET", path)).toMatchObject({ log_level: "INFO", history_retention_days: 60 });
  });
});

test("an app whose database was deleted is told everything again", async () => {
  await app.edit("Tag", { id: "a", name: "a" }, "create");
  await drained();
  await app.close();
  await app.db.delete();
  finwise = finwise04({ baseUrl: server.url, askPassword: () => Promise.resolve(undefined) });
  app = await (await new SmallApp(tenantId, finwise).load()).connect();
  await vi.waitFor(async () => expect(await app.db.table("tags").get("a")).toMatchObject({ name: "a" }), 60_000);
});
