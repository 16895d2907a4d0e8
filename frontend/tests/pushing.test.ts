/** What becomes of the queue in a push: each entry is settled by its result, none is sent twice (docs/protocol.md 7). */

import { beforeEach, describe, expect, test } from "vitest";
import type { Row } from "../src/database";
import { device } from "../src/device";
import { discard } from "../src/queue";
import { Desk } from "./desk";
import { failure } from "./failure";
import { FakeServer, problem } from "./fake_server";

let server: FakeServer;
let desk: Desk;

beforeEach(() => {
  server = new FakeServer();
  desk = new Desk(server.fetch, () => server.now);
});

const tag = (id: string) => desk.db.tags.get(id) as Promise<Row<"tags"> | undefined>;

describe("pushing", () => {
  test("sends the queue with the cursor, pulls in the same round trip and ends equal", async () => {
    await desk.sync();
    await desk.tag("a", "one");
    server.edit("tags", "b", { name: "theirs" });
    await desk.sync();
    expect(server.pushes()).toHaveLength(1);
    expect(server.pushes()[0]!.body).toMatchObject({
      since: expect.stringContaining(server.epoch),
      device_id: (await device(desk.db)).device_id,
    });
    expect(await desk.names()).toEqual({ a: "one", b: "theirs" });
    expect(await desk.queued()).toEqual([]);
  });

  test("repeats what got no answer under the same change_id, and nothing is stored twice", async () => {
    await desk.sync();
    await desk.tag("a", "one");
    server.next("/sync/changes", "answer lost");
    expect((await failure(desk.sync()))!.code).toBe("network");
    const first = server.sent()[0]!;
    await desk.sync();
    expect(server.sent()[0]).toEqual(first);
    expect(await desk.queued()).toEqual([]);
    expect(server.conflicts).toEqual([]);
  });

  test("makes edits that came while it was pushing ones of what was stored, so that nobody conflicts with oneself", async () => {
    server.edit("tags", "a", { name: "zero" });
    const whilePushing = ["two", "three"];
    desk = new Desk(
      async (url, init) => {
        if (init?.method === "POST" && whilePushing.length) await desk.tag("a", whilePushing.shift()!);
        return server.fetch(url, init);
      },
      () => (server.now += 10),
    );
    await desk.sync();
    await desk.tag("a", "one");
    await desk.sync();
    expect(server.living()).toEqual({ "tags/a": { name: "three" } });
    expect(server.conflicts).toEqual([]);
    expect(server.pushes().length).toBeGreaterThanOrEqual(3);
    await desk.tag("a", "four");
    await desk.sync();
    expect(server.conflicts).toEqual([]);
  });

  test("gives the new base to all unsent entries that name the acknowledged one's, and to no other", async () => {
    server.edit("tags", "a", { name: "zero" });
    await desk.sync();
    const base = (await tag("a"))!.base_updated_at!;
    const other = "2026-01-09T00:00:00.000Z";
    const entry = (name: string, base_updated_at: string, sent: 0 | 1) => {
      const updated_at = new Date((server.now += 1_000)).toISOString();
      return {
        change_id: crypto.randomUUID(),
        entity_type: "tags" as const,
        id: "a",
        created_at: base,
        updated_at,
        base_updated_at,
        data: { name } as never,
        sent,
      };
    };
    const large = "one".repeat(100_000); // goes alone
    await desk.db.syncQueue.bulkAdd([
      entry(large, base, 0),
      entry("sent", base, 1),
      entry("unsent", base, 0),
      entry("elsewhere", other, 0),
    ]);
    const [first] = await desk.queued();
    await desk.sync();
    expect(server.sent(0).map(({ change_id }) => change_id)).toEqual([first!.change_id]);
    expect(server.sent(1).map(({ base_updated_at }) => base_updated_at)).toEqual([base, first!.updated_at, other]);
  });

  test("does not take a result for an entry that another tab has settled", async () => {
    await desk.sync();
    await desk.tag("a", "one");
    const tab = desk.tab();
    let late: Promise<Response> | undefined;
    const slow = new Desk(
      async (url, init) => {
        const answer = await server.fetch(url, init);
        if (init?.method !== "POST" || late) return answer;
        late = tab
          .sync()
          .then(() => desk.tag("a", "two"))
          .then(() => tab.sync())
          .then(() => answer);
        return late;
      },
      desk.now,
      {},
      tab.owner,
    );
    await slow.sync();
    expect(await desk.names()).toEqual({ a: "two" });
    await slow.sync();
    expect(server.living()).toEqual({ "tags/a": { name: "two" } });
    expect(await desk.names()).toEqual({ a: "two" });
    expect(server.conflicts).toEqual([]);
  });

  test("adopts what won over its own change, and the loser is a conflict", async () => {
    server.edit("tags", "a", { name: "zero" });
    await desk.sync();
    await desk.tag("a", "mine");
    server.now += 5_000;
    server.edit("tags", "a", { name: "theirs" });
    await desk.sync();
    expect(await desk.names()).toEqual({ a: "theirs" });
    expect(server.conflicts).toMatchObject([{ reason: "older", id: "a" }]);
    expect(await desk.db.syncConflicts.toArray()).toMatchObject([{ reason: "older", id: "a" }]);
  });

  test("drops what was deleted and purged since", async () => {
    server.edit("tags", "a", { name: "zero" });
    await desk.sync();
    await desk.tag("a", "mine");
    server.next("/sync/changes", { status: 200, body: {} });
    const [entry] = await desk.queued();
    const answer = {
      protocol: 1,
      server_version: "0.1.0",
      server_time: new Date(server.now).toISOString(),
      epoch: server.epoch,
      changes: [],
      has_more: false,
      next_since: (await desk.db.syncMetadata.get("tags"))!.last_synced_at,
    };
    server.next("/sync/changes", {
      status: 200,
      body: { ...answer, results: [{ change_id: entry!.change_id, status: "superseded", entity: null }] },
    });
    await failure(desk.sync());
    await failure(desk.sync());
    expect(await tag("a")).toBeUndefined();
  });

  test("sets aside what is rejected, sends the rest, and does not send it again", async () => {
    server.reject = ({ id }) =>
      id === "bad" ? { code: "invalid_data", errors: { "data.name": ["Give a string."] } } : undefined;
    await desk.tag("bad", "x");
    await desk.tag("good", "y");
    await desk.sync();
    await desk.sync();
    expect(server.living()).toEqual({ "tags/good": { name: "y" } });
    expect(await desk.db.syncRejected.toArray()).toMatchObject([
      { id: "bad", code: "invalid_data", errors: { "data.name": ["Give a string."] } },
    ]);
    expect(await desk.names()).toEqual({ bad: "x", good: "y" });
    expect(server.pushes()).toHaveLength(1);
  });

  test("sends a rejected entity again when it was edited", async () => {
    server.reject = ({ data }) =>
      (data as { name: string }).name === "x" ? { code: "invalid_data", errors: {} } : undefined;
    await desk.tag("a", "x");
    await desk.sync();
    await desk.tag("a", "y");
    await desk.sync();
    expect(server.living()).toEqual({ "tags/a": { name: "y" } });
    expect(await desk.db.syncRejected.count()).toBe(0);
  });

  test("brings the server's version back where a rejected change is discarded", async () => {
    server.edit("tags", "a", { name: "theirs" });
    await desk.sync();
    server.reject = () => ({ code: "too_large", errors: {} });
    await desk.tag("a", "x");
    await desk.tag("new", "x");
    await desk.sync();
    for (const { change_id } of await desk.db.syncRejected.toArray()) await discard(desk.db, change_id);
    await desk.sync();
    expect(await desk.names()).toEqual({ a: "theirs" });
  });

  test("asks a newer server again about a type that the older one did not know", async () => {
    server.reject = () => ({ code: "unknown_entity_type", errors: {} });
    await desk.tag("a", "x");
    await desk.sync();
    server.reject = () => undefined;
    await desk.sync();
    expect(server.living()).toEqual({});
    server.serverVersion = "0.2.0";
    await desk.sync();
    expect(server.living()).toEqual({ "tags/a": { name: "x" } });
  });

  test("asks no more than once in a sync, however often the version changes, as where two servers take turns", async () => {
    await desk.sync();
    server.reject = () => {
      server.serverVersion += "1";
      return { code: "unknown_entity_type", errors: {} };
    };
    await desk.tag("a", "x");
    await desk.sync();
    expect(server.pushes().length).toBeLessThanOrEqual(2);
    expect(await desk.db.syncRejected.count()).toBe(1);
  });

  test("sends less at once after 413, and sets aside a single change that still gets it", async () => {
    await desk.sync();
    for (let i = 0; i < 5; i++) await desk.tag(`t${i}`, "x");
    server.maxChanges = 2;
    await desk.sync();
    expect(Object.keys(server.living())).toHaveLength(5);
    server.maxChanges = 0;
    await desk.tag("huge", "x");
    await desk.sync();
    expect(await desk.db.syncRejected.toArray()).toMatchObject([{ id: "huge", code: "too_large" }]);
  });

  test("sends deletions alone where the quota is used up, keeps the rest and still pulls", async () => {
    server.edit("tags", "old", { name: "x" });
    await desk.sync();
    await desk.tag("new", "y");
    await desk.book.delete("tags", "old");
    server.edit("tags", "theirs", { name: "z" });
    server.next("/sync/changes", problem(507, "quota_exceeded"));
    const error = await failure(desk.sync());
    expect(error!.code).toBe("quota_exceeded");
    expect(server.living()).toEqual({ "tags/theirs": { name: "z" } });
    expect((await desk.queued()).map(({ id }) => id)).toEqual(["new"]);
    expect(await desk.names()).toMatchObject({ theirs: "z", new: "y" });
  });

  test("keeps the queue and still pulls where the role does not allow to write", async () => {
    await desk.sync();
    await desk.tag("a", "x");
    server.edit("tags", "theirs", { name: "z" });
    server.next("/sync/changes", problem(403, "forbidden"));
    expect((await failure(desk.sync()))!.code).toBe("forbidden");
    expect(await desk.queued()).toHaveLength(1);
    expect(await desk.names()).toEqual({ a: "x", theirs: "z" });
  });

  test.each([
    [400, "bad_request"],
    [401, "unauthorized"],
    [404, "not_found"],
    [410, "tenant_deleted"],
    [422, "invalid"],
    [429, "slow_down"],
    [500, "internal"],
    [503, "busy"],
    [503, "quarantined"],
  ])("keeps book and queue on %i %s", async (status, code) => {
    await desk.sync();
    await desk.tag("a", "x");
    server.next("/sync/changes", problem(status, code, {}, { "Retry-After": "7" }));
    expect(await failure(desk.sync())).toMatchObject({ status, code, retryAfter: 7 });
    expect(await desk.queued()).toHaveLength(1);
    expect(await desk.names()).toEqual({ a: "x" });
    expect(await desk.queued()).toHaveLength(1);
    await desk.sync();
    expect(server.living()).toEqual({ "tags/a": { name: "x" } });
  });
});
