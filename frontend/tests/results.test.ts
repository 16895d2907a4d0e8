/** What a device does with the results of a push, and with what it has set aside (docs/protocol.md 7.2 to 7.5). */

import { beforeEach, describe, expect, test } from "vitest";
import type { ServerError } from "../src/client";
import type { Row } from "../src/database";
import { Desk } from "./desk";
import { FakeServer, problem } from "./fake_server";

let server: FakeServer;
let desk: Desk;

beforeEach(() => {
  server = new FakeServer();
  desk = new Desk(server.fetch, () => server.now);
});

const asked = (path: string) => server.requests.filter((request) => request.path.startsWith(path));
const pushes = () => asked("/sync/changes").filter(({ method }) => method === "POST");
const sent = (place = -1) => pushes().at(place)!.body!["changes"] as Record<string, unknown>[];
const queued = () => desk.db.syncQueue.orderBy("place").toArray();
const rejected = () => desk.db.syncRejected.toArray();
const tag = (id: string) => desk.db.tags.get(id) as Promise<Row<"tags"> | undefined>;
const failure = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error as ServerError,
  );

/** An answer to the next push, as a server would give it at the device's cursor. */
async function answerNext(more: Record<string, unknown>): Promise<void> {
  const next_since = (await desk.db.syncMetadata.get("tags"))!.last_synced_at;
  const header = {
    protocol: 1,
    server_version: "0.1.0",
    server_time: new Date(server.now).toISOString(),
    epoch: server.epoch,
  };
  server.next("/sync/changes", {
    status: 200,
    body: { ...header, changes: [], next_since, has_more: false, digest: server.digest(), ...more },
  });
}

describe("a server without room", () => {
  beforeEach(async () => {
    server.edit("tags", "old", { name: "x" });
    await desk.sync();
    await desk.tag("new", "y");
    await desk.book.delete("tags", "old");
  });

  test("is asked once more, for the deletions, and then left in peace", async () => {
    for (let i = 0; i < 5; i++) server.next("/sync/changes", problem(507, "quota_exceeded"));
    expect(await failure(desk.sync())).toMatchObject({ status: 507 });
    expect(pushes().map(({ body }) => (body!["changes"] as { id: string }[]).map(({ id }) => id))).toEqual([
      ["new", "old"],
      ["old"],
    ]);
    expect((await queued()).map(({ id }) => id)).toEqual(["new", "old"]);
  });

  test("that takes no deletion of this person either is not asked again", async () => {
    server.next("/sync/changes", problem(507, "storage_full"));
    for (let i = 0; i < 5; i++) server.next("/sync/changes", problem(403, "forbidden"));
    expect(await failure(desk.sync())).toMatchObject({ status: 403 });
    expect(pushes()).toHaveLength(2);
  });

  test("is sent everything again by the next sync", async () => {
    server.next("/sync/changes", problem(507, "quota_exceeded"));
    await failure(desk.sync());
    await desk.sync();
    expect(server.living()).toEqual({ "tags/new": { name: "y" } });
    expect(await queued()).toEqual([]);
  });
});

describe("a tombstone", () => {
  beforeEach(async () => {
    server.edit("tags", "a", { name: "x" });
    await desk.sync();
    server.now += 1_000;
    await desk.book.delete("tags", "a");
    await desk.sync();
    server.now += 1_000;
  });

  const tombstones = () => desk.db.syncTombstones.toCollection().primaryKeys();

  test("takes the place of the entity", async () => {
    expect(await tombstones()).toEqual([["tags", "a"]]);
    expect(await tag("a")).toBeUndefined();
  });

  test("goes when the entity lives again by an edit made here", async () => {
    await desk.tag("a", "again");
    expect(await tombstones()).toEqual([]);
  });

  test("goes when the entity lives again by an edit made elsewhere, and is not given to a restored server", async () => {
    server.edit("tags", "a", { name: "again" });
    await desk.sync();
    expect(await tombstones()).toEqual([]);
    server.snapshot()();
    await desk.sync();
    expect(await desk.names()).toEqual({ a: "again" });
    expect(server.living()).toEqual({ "tags/a": { name: "again" } });
  });

  test("goes with what the server has purged since", async () => {
    await desk.book.put("tags", "b", { name: "x" });
    await desk.sync();
    await desk.book.delete("tags", "b");
    const [entry] = await queued();
    server.entities.delete("tags/b");
    await answerNext({ results: [{ change_id: entry!.change_id, status: "superseded", entity: null }] });
    await desk.sync();
    expect(await tombstones()).toEqual([["tags", "a"]]);
  });
});

describe("what was rejected", () => {
  beforeEach(() => {
    server.reject = ({ data }) =>
      (data as { name: string }).name === "mine" ? { code: "unknown_entity_type", errors: {} } : undefined;
  });

  test("stays here when the book is loaded again", async () => {
    await desk.tag("bad", "mine");
    await desk.sync();
    await desk.sync();
    server.next("/sync/changes", problem(410, "cursor_expired", { action: "initial" }));
    await desk.sync();
    expect(asked("/sync/initial")).toHaveLength(2);
    expect(await desk.names()).toEqual({ bad: "mine" });
    expect(await rejected()).toMatchObject([{ id: "bad", data: { name: "mine" } }]);
  });

  test("has a base that no version of the new life has once the server was restored, as what waits", async () => {
    server.edit("tags", "bad", { name: "theirs" });
    await desk.sync();
    server.now += 1_000;
    await desk.tag("bad", "mine");
    await desk.sync();
    const base = (await rejected())[0]!.base_updated_at!;
    server.snapshot()();
    await desk.sync();
    const marked = `9${base.slice(1)}`;
    expect((await rejected())[0]!.base_updated_at).toBe(marked);
    server.reject = () => undefined;
    server.serverVersion = "0.2.0";
    await desk.sync();
    expect(sent()).toMatchObject([{ id: "bad", base_updated_at: marked }]);
  });

  test("keeps its base when the book is loaded again in the same life of the server", async () => {
    server.edit("tags", "bad", { name: "theirs" });
    await desk.sync();
    const base = (await tag("bad"))!.base_updated_at;
    server.now += 1_000;
    await desk.tag("bad", "mine");
    await desk.sync();
    server.next("/sync/changes", problem(410, "cursor_expired", { action: "initial" }));
    await desk.sync();
    expect((await rejected())[0]!.base_updated_at).toBe(base);
  });

  test("is not given back to a restored server, which never had it, and neither is what both have", async () => {
    await desk.tag("good", "theirs, too");
    await desk.tag("bad", "mine");
    await desk.sync();
    server.snapshot()();
    server.reject = () => undefined;
    await desk.sync();
    expect(pushes()).toHaveLength(1);
    expect(server.living()).toEqual({ "tags/good": { name: "theirs, too" } });
    expect(await rejected()).toHaveLength(1);
  });
});

describe("a stored change", () => {
  const first = "2026-01-09T08:00:00.000Z"; // when the entity came to be, on another device

  beforeEach(async () => {
    await desk.sync();
    server.edit("tags", "a", { name: "theirs" }, first);
  });

  test("adopts the server's created_at", async () => {
    await desk.tag("a", "mine");
    await desk.sync();
    expect(await tag("a")).toMatchObject({ name: "mine", created_at: first });
  });

  test("keeps its own created_at if the answer names none", async () => {
    await desk.tag("b", "mine");
    const { created_at, updated_at } = (await tag("b"))!;
    const [entry] = await queued();
    await answerNext({ results: [{ change_id: entry!.change_id, status: "applied", updated_at }], digest: undefined });
    await desk.sync();
    expect(await tag("b")).toMatchObject({ created_at, base_updated_at: updated_at });
  });

  test("hands the server's created_at and the stored time to the edit that was made meanwhile", async () => {
    const whilePushing = ["mine too"];
    desk = new Desk(
      async (url, init) => {
        const meanwhile = init?.method === "POST" ? whilePushing.shift() : undefined;
        if (meanwhile) await desk.tag("a", meanwhile);
        const answer = await server.fetch(url, init);
        if (meanwhile) server.next("/sync/changes", "request lost");
        return answer;
      },
      () => (server.now += 10),
    );
    await desk.tag("a", "mine");
    const { updated_at } = (await tag("a"))!;
    expect(await failure(desk.sync())).toMatchObject({ code: "network" });
    expect(await tag("a")).toMatchObject({ name: "mine too", created_at: first, base_updated_at: updated_at });
    await desk.sync();
    expect(sent()).toMatchObject([
      { id: "a", created_at: first, base_updated_at: updated_at, data: { name: "mine too" } },
    ]);
    expect(server.conflicts).toMatchObject([{ reason: "overwritten" }]); // what was there before, and nothing of one's own
  });
});

test("results are taken before the versions that come with them, or a version would be left out for the entry that has lost against it", async () => {
  server.edit("tags", "a", { name: "zero" });
  await desk.sync();
  server.now += 86_400_000; // this device's clock runs a day ahead
  await desk.tag("a", "mine");
  server.now -= 86_399_000;
  server.edit("tags", "a", { name: "theirs" });
  const [entry] = await queued();
  const { stamp: _, change_id: __, ...theirs } = server.entities.get("tags/a")!;
  await answerNext({ results: [{ change_id: entry!.change_id, status: "superseded" }], changes: [theirs] });
  await desk.sync();
  expect(await desk.names()).toEqual({ a: "theirs" });
  expect(asked("/sync/initial")).toHaveLength(1);
});

test("an entity that was purged stays here as long as another edit of it waits", async () => {
  await desk.sync();
  await desk.tag("a", "one");
  server.next("/sync/changes", "request lost");
  await failure(desk.sync());
  await desk.tag("a", "two");
  const [entry, next] = await queued();
  await answerNext({
    results: [
      { change_id: entry!.change_id, status: "superseded", entity: null },
      { change_id: next!.change_id, status: "rejected", code: "invalid_data" },
    ],
  });
  await desk.sync();
  expect(await desk.names()).toEqual({ a: "two" });
});

test("a version that lost and is in no part of the answer makes the device load the book again; what is here stays until then", async () => {
  server.edit("tags", "a", { name: "zero" });
  await desk.sync();
  await desk.tag("a", "mine");
  server.now += 1_000;
  server.edit("tags", "a", { name: "theirs" });
  const [entry] = await queued();
  await answerNext({ results: [{ change_id: entry!.change_id, status: "superseded" }] });
  server.next("/sync/initial", "request lost");
  await failure(desk.sync());
  expect(await desk.names()).toEqual({ a: "mine" });
  await desk.sync();
  expect(await desk.names()).toEqual({ a: "theirs" });
});

test("an edit that is made while two others of its entity are on their way is one of what was stored last", async () => {
  server.edit("tags", "a", { name: "zero" });
  const whilePushing = ["three"];
  desk = new Desk(
    async (url, init) => {
      const isSecond =
        init?.method === "POST" && (JSON.parse(String(init.body)) as { changes: unknown[] }).changes.length === 2;
      if (isSecond && whilePushing.length) await desk.tag("a", whilePushing.shift()!);
      return server.fetch(url, init);
    },
    () => (server.now += 10),
  );
  await desk.sync();
  await desk.tag("a", "one");
  server.next("/sync/changes", "request lost");
  await failure(desk.sync());
  await desk.tag("a", "two");
  await desk.sync();
  expect(server.living()).toEqual({ "tags/a": { name: "three" } });
  expect(sent()).toMatchObject([{ data: { name: "three" }, base_updated_at: sent(-2)[1]!["updated_at"] }]);
  expect(server.conflicts).toEqual([]);
});
