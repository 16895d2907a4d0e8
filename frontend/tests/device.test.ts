/** What one device does, rule by rule (docs/protocol.md 7), against a server that can be told what to do wrong. */

import { beforeEach, describe, expect, test } from "vitest";
import { reactive } from "vue";
import type { ServerError } from "../src/client";
import type { Row } from "../src/database";
import { device } from "../src/device";
import { discard } from "../src/queue";
import { offsetAfter } from "../src/time";
import { Desk } from "./desk";
import { FakeServer, problem } from "./fake_server";

let server: FakeServer;
let desk: Desk;

beforeEach(() => {
  server = new FakeServer();
  desk = another();
});

function another(ahead = 0): Desk {
  return new Desk(server.fetch, () => server.now + ahead);
}

const pushes = () => server.requests.filter(({ method, path }) => method === "POST" && path === "/sync/changes");
const sent = (place = -1) => pushes().at(place)!.body!["changes"] as Record<string, unknown>[];
const queued = () => desk.db.syncQueue.orderBy("place").toArray();
const tag = (id: string) => desk.db.tags.get(id) as Promise<Row<"tags"> | undefined>;
const failure = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error as ServerError,
  );

describe("editing", () => {
  test("writes the entity and its queue entry together, or neither", async () => {
    await desk.tag("a", "one");
    expect((await tag("a"))!.name).toBe("one");
    expect(await queued()).toMatchObject([
      { entity_type: "tags", id: "a", data: { name: "one" }, base_updated_at: null, sent: 0 },
    ]);
    desk.db.syncQueue.hook("creating", () => {
      throw new Error("no room");
    });
    await expect(desk.tag("b", "two")).rejects.toThrow();
    expect(await tag("b")).toBeUndefined();
  });

  test("is later than what it replaces, even when the clock stands still or went back", async () => {
    await desk.tag("a", "one");
    const first = (await tag("a"))!.updated_at;
    server.now -= 60_000;
    await desk.tag("a", "two");
    expect((await tag("a"))!.updated_at).toBe(new Date(Date.parse(first) + 1).toISOString());
  });

  test("is merged into an entry that was not sent, and never into one that was", async () => {
    await desk.tag("a", "one");
    await desk.tag("a", "two");
    expect(await queued()).toHaveLength(1);
    server.next("/sync/changes", "answer lost");
    await failure(desk.sync());
    await desk.tag("a", "three");
    expect((await queued()).map(({ data, sent }) => [(data as { name: string }).name, sent])).toEqual([
      ["two", 1],
      ["three", 0],
    ]);
  });

  test("is not merged into an entry that was made on another base", async () => {
    server.edit("tags", "a", { name: "theirs" });
    await desk.sync();
    const { updated_at } = (await tag("a"))!;
    const unsent = {
      change_id: crypto.randomUUID(),
      entity_type: "tags" as const,
      id: "a",
      created_at: updated_at,
      updated_at,
      data: { name: "mine before" } as never,
    };
    await desk.db.syncQueue.add({ ...unsent, base_updated_at: "2026-01-09T00:00:00.000Z", sent: 0 });
    await desk.tag("a", "mine now");
    expect(
      (await queued()).map(({ data, base_updated_at }) => [(data as { name: string }).name, base_updated_at]),
    ).toEqual([
      ["mine before", "2026-01-09T00:00:00.000Z"],
      ["mine now", updated_at],
    ]);
  });

  test("keeps unknown fields and those that are called as a stamp is", async () => {
    await desk.book.put("tags", "a", {
      name: "one",
      id: "own",
      updated_at: 7,
      later: { x: [1] },
      $own: { name: "two" },
    });
    await desk.book.change("tags", "a", { color: "red" });
    await desk.sync();
    expect(server.living()).toEqual({
      "tags/a": { name: "one", id: "own", updated_at: 7, later: { x: [1] }, $own: { name: "two" }, color: "red" },
    });
    const other = another();
    await other.sync();
    expect(await other.living()).toEqual(server.living());
  });

  test("uses the server's clock once it knows it", async () => {
    desk = another(-3_600_000);
    await desk.sync();
    await desk.tag("a", "one");
    expect((await tag("a"))!.updated_at).toBe(new Date(server.now).toISOString());
  });

  test("does not trust a slow answer more than a clock that may be right", () => {
    expect(offsetAfter(0, 1_000, 1_900, 3_000)).toBe(0);
    expect(offsetAfter(0, 1_000, 5_000, 1_200)).toBe(3_900);
    expect(offsetAfter(3_900, 10_000, 13_950, 10_100)).toBe(3_900);
    expect(offsetAfter(3_900, 10_000, 10_050, 10_100)).toBe(0);
  });

  test("that changes what is not there, or adds what is, is refused", async () => {
    await expect(desk.book.change("tags", "nobody", { name: "x" })).rejects.toThrow("There is no tags nobody");
    expect(await queued()).toEqual([]);
    await desk.book.add("tags", { name: "x" }, "a");
    await expect(desk.book.add("tags", { name: "y" }, "a")).rejects.toThrow("There is a tags a in this book already.");
    expect(await desk.names()).toEqual({ a: "x" });
  });

  test("keeps what the server will have: reactive objects as plain ones, dates as text; and refuses what cannot be sent", async () => {
    await desk.book.put(
      "tags",
      "a",
      reactive({ name: "x", colors: ["red"], since: new Date(0), gone: undefined }) as never,
    );
    expect(await desk.living()).toEqual({
      "tags/a": { name: "x", colors: ["red"], since: "1970-01-01T00:00:00.000Z" },
    });
    await desk.sync();
    expect(server.living()).toEqual(await desk.living());
    await expect(desk.book.change("tags", "a", { size: 1n })).rejects.toThrow(TypeError);
    expect(await queued()).toEqual([]);
    expect((await tag("a"))!.name).toBe("x");
  });

  test("several as one: all are stored, or none", async () => {
    const both = desk.book.together(async () => {
      await desk.tag("a", "x");
      await desk.book.change("tags", "nobody", { name: "x" });
    });
    await expect(both).rejects.toThrow("There is no tags nobody");
    expect(await desk.names()).toEqual({});
    expect(await queued()).toEqual([]);
  });
});

describe("pushing", () => {
  test("sends the queue with the cursor, pulls in the same round trip and ends equal", async () => {
    await desk.sync();
    await desk.tag("a", "one");
    server.edit("tags", "b", { name: "theirs" });
    await desk.sync();
    expect(pushes()).toHaveLength(1);
    expect(pushes()[0]!.body).toMatchObject({
      since: expect.stringContaining(server.epoch),
      device_id: (await device(desk.db)).device_id,
    });
    expect(await desk.names()).toEqual({ a: "one", b: "theirs" });
    expect(await queued()).toEqual([]);
  });

  test("repeats what got no answer under the same change_id, and nothing is stored twice", async () => {
    await desk.sync();
    await desk.tag("a", "one");
    server.next("/sync/changes", "answer lost");
    expect((await failure(desk.sync()))!.code).toBe("network");
    const first = sent()[0]!;
    await desk.sync();
    expect(sent()[0]).toEqual(first);
    expect(await queued()).toEqual([]);
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
    expect(pushes().length).toBeGreaterThanOrEqual(3);
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
    const [first] = await queued();
    await desk.sync();
    expect(sent(0).map(({ change_id }) => change_id)).toEqual([first!.change_id]);
    expect(sent(1).map(({ base_updated_at }) => base_updated_at)).toEqual([base, first!.updated_at, other]);
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
    const [entry] = await queued();
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
    expect(pushes()).toHaveLength(1);
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
    expect(pushes().length).toBeLessThanOrEqual(2);
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
    expect((await queued()).map(({ id }) => id)).toEqual(["new"]);
    expect(await desk.names()).toMatchObject({ theirs: "z", new: "y" });
  });

  test("keeps the queue and still pulls where the role does not allow to write", async () => {
    await desk.sync();
    await desk.tag("a", "x");
    server.edit("tags", "theirs", { name: "z" });
    server.next("/sync/changes", problem(403, "forbidden"));
    expect((await failure(desk.sync()))!.code).toBe("forbidden");
    expect(await queued()).toHaveLength(1);
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
    expect(await queued()).toHaveLength(1);
    expect(await desk.names()).toEqual({ a: "x" });
    expect(await queued()).toHaveLength(1);
    await desk.sync();
    expect(server.living()).toEqual({ "tags/a": { name: "x" } });
  });
});

describe("taking what the server has", () => {
  test("leaves an unsent edit alone that is newer, and takes everything else, ties included", async () => {
    server.edit("tags", "a", { name: "zero" });
    await desk.sync();
    server.next("/sync/changes", "request lost");
    server.now += 1_000;
    await desk.tag("a", "mine");
    await failure(desk.sync());
    server.edit("tags", "a", { name: "older" }, new Date(server.now - 500).toISOString());
    server.next("/sync/changes", problem(403, "forbidden"));
    await failure(desk.sync());
    expect(await desk.names()).toEqual({ a: "mine" });
    await desk.sync();
    expect(server.living()).toEqual({ "tags/a": { name: "mine" } });
    expect(server.conflicts).toMatchObject([{ reason: "overwritten" }]);
  });

  test.each([
    ["newer", 1_000],
    ["of the very same time", 0],
  ])("shows a version of the server's that is %s, though an edit waits", async (_, later) => {
    server.edit("tags", "a", { name: "zero" });
    await desk.sync();
    server.now += 1_000;
    await desk.tag("a", "mine");
    const { updated_at } = (await tag("a"))!;
    server.now += 5_000;
    server.edit("tags", "a", { name: "theirs" }, new Date(Date.parse(updated_at) + later).toISOString());
    server.next("/sync/changes", problem(403, "forbidden"));
    await failure(desk.sync());
    expect(await desk.names()).toEqual({ a: "theirs" });
    expect(await queued()).toHaveLength(1);
  });

  test("follows pages to their end, and loses none when one is lost in between", async () => {
    await desk.sync();
    for (let i = 0; i < 25; i++) server.edit("tags", `t${i}`, { name: String(i) });
    server.pageSize = 10;
    server.next("/sync/changes", { status: 503, body: {} });
    await failure(desk.sync());
    await desk.sync();
    expect(Object.keys(await desk.names())).toHaveLength(25);
    expect(desk.exchange).toBeDefined();
  });

  test("loads a book as a whole or not at all", async () => {
    server.edit("tags", "a", { name: "x" });
    const line = JSON.stringify({
      entity_type: "tags",
      id: "a",
      created_at: "2026-01-01T00:00:00.000Z",
      updated_at: "2026-01-01T00:00:00.000Z",
      deleted_at: null,
      data: { name: "half" },
    });
    for (const brokenOff of [`${line}\n${line.slice(0, 40)}`, `${line}\n`, ""]) {
      server.next("/sync/initial", { status: 200, body: brokenOff });
      expect((await failure(desk.sync()))!.code).toBe("network");
      expect(await desk.names()).toEqual({});
    }
    await desk.sync();
    expect(await desk.names()).toEqual({ a: "x" });
  });

  test("tells how a load goes on, and when it has ended", async () => {
    for (let i = 0; i < 2_500; i++) server.edit("tags", `t${i}`, { name: "x" });
    await desk.sync();
    expect(desk.progress.filter(Boolean).at(-1)).toEqual({ received: 2_500, stored: 2_500, total: 2_500 });
    expect(desk.progress.at(-1)).toBeUndefined();
  });

  test("catches up on a type that it learns of later, without loading the others again", async () => {
    server.edit("tags", "a", { name: "x" });
    await desk.sync();
    await desk.db.syncMetadata.delete("recipients");
    server.edit("recipients", "r", { name: "Baker" });
    await desk.sync();
    expect(server.requests.filter(({ path }) => path.startsWith("/sync/initial"))).toHaveLength(2);
    expect(await desk.db.recipients.count()).toBe(1);
  });

  test("notices by the digest that it holds something else, and heals", async () => {
    server.edit("tags", "a", { name: "x" });
    server.edit("tags", "b", { name: "y" });
    await desk.sync();
    await desk.db.tags.delete("a");
    await desk.db.tags.update("b", { updated_at: "2025-01-01T00:00:00.000Z" });
    desk.restart();
    await desk.sync();
    expect(await desk.names()).toEqual({ a: "x", b: "y" });
    expect(await desk.living()).toEqual(server.living());
  });

  test("a cursor of a type that this program does not know any more holds nothing up", async () => {
    server.edit("tags", "a", { name: "x" });
    await desk.sync();
    await desk.db.syncMetadata.put({
      entity_type: "formerly" as never,
      last_synced_at: "1970-01-01T00:00:00.000000Z~0a0a0a0a",
      digest: "0",
    });
    await desk.tag("b", "y");
    await desk.sync();
    expect(pushes()[0]!.body!["since"]).not.toContain("1970");
  });

  test("takes no answer of another protocol, and nothing that is none", async () => {
    await desk.sync();
    const before = await device(desk.db);
    server.next("/sync/changes", { status: 200, body: { protocol: 2, changes: [], has_more: false } });
    expect((await failure(desk.sync()))!.code).toBe("protocol");
    server.next("/sync/changes", { status: 200, body: "<html>Please log in to this hotel's network</html>" });
    expect((await failure(desk.sync()))!.code).toBe("network");
    await desk.db.syncMetadata.clear();
    server.next("/sync/initial", { status: 200, body: "<html>\n</html>\n" });
    expect((await failure(desk.sync()))!.code).toBe("network");
    expect(await device(desk.db)).toEqual(before);
  });

  test("gives a request up when it is told to; the queue stays", async () => {
    await desk.sync();
    await desk.tag("a", "x");
    server.next("/sync/changes", "no answer");
    const wish = new AbortController();
    const ended = failure(desk.exchange.sync(wish.signal));
    await expect.poll(() => pushes().length).toBe(1);
    wish.abort();
    expect((await ended)!.code).toBe("network");
    expect(await queued()).toHaveLength(1);
    await desk.sync();
    expect(server.living()).toEqual({ "tags/a": { name: "x" } });
  });

  test("fetches the conflicts with the next sync where that failed after something had moved", async () => {
    await desk.sync();
    await desk.tag("a", "mine");
    server.now += 5_000;
    server.edit("tags", "a", { name: "theirs" });
    server.next("/sync/conflicts", problem(503, "busy"));
    await failure(desk.sync());
    expect(await desk.db.syncConflicts.count()).toBe(0);
    await desk.sync();
    expect(await desk.db.syncConflicts.count()).toBe(1);
  });

  test("sees after a while what others have lost or decided, though nothing else has moved", async () => {
    await desk.sync();
    const conflicts = () => server.requests.filter(({ path }) => path.startsWith("/sync/conflicts")).length;
    server.conflicts.push({ reason: "older", entity_type: "tags", id: "a", change_id: "theirs" });
    await desk.sync();
    expect(conflicts()).toBe(1);
    server.now += 11 * 60_000;
    await desk.sync();
    expect(conflicts()).toBe(2);
    expect(await desk.db.syncConflicts.toArray()).toMatchObject([{ id: "a" }]);
  });

  test("does not load again and again from a server whose digest never fits", async () => {
    server.edit("tags", "a", { name: "x" });
    const digest = server.digest.bind(server);
    server.digest = () => ({ ...digest(), tags: "0123456789abcdef" });
    expect((await failure(desk.sync()))!.code).toBe("digest");
    expect(server.requests.filter(({ path }) => path.startsWith("/sync/initial")).length).toBeLessThanOrEqual(3);
  });
});

describe("when the server cannot go on from the cursor", () => {
  test("cursor_expired: everything but what the queue names is replaced, bases stay", async () => {
    server.edit("tags", "kept", { name: "x" });
    server.edit("tags", "gone", { name: "x" });
    await desk.sync();
    const base = (await tag("kept"))!.base_updated_at;
    server.now += 1_000;
    await desk.tag("kept", "mine");
    server.edit("tags", "gone", null);
    server.purge();
    server.edit("tags", "new", { name: "z" });
    await desk.tag("made here", "l");
    server.next("/sync/changes", problem(410, "cursor_expired", { action: "initial" }));
    server.next("/sync/changes", "request lost");
    await failure(desk.sync());
    expect(await desk.names()).toEqual({ kept: "mine", new: "z", "made here": "l" });
    await desk.sync();
    expect(sent()[0]).toMatchObject({ id: "kept", base_updated_at: base });
    expect(server.living()).toEqual({
      "tags/kept": { name: "mine" },
      "tags/new": { name: "z" },
      "tags/made here": { name: "l" },
    });
  });

  test("epoch_changed: what the restored server lacks, or has in an older version, is given back, deletions included", async () => {
    server.edit("tags", "old", { name: "before" });
    server.edit("tags", "deleted", { name: "x" });
    await desk.sync();
    const restore = server.snapshot();
    server.now += 1_000;
    await desk.tag("since", "new");
    await desk.tag("old", "after");
    await desk.book.delete("tags", "deleted");
    await desk.sync();
    restore();
    expect(server.living()).toMatchObject({ "tags/old": { name: "before" }, "tags/deleted": { name: "x" } });
    await desk.sync();
    expect(server.living()).toEqual({ "tags/old": { name: "after" }, "tags/since": { name: "new" } });
    expect(await desk.living()).toEqual(server.living());
    expect(sent().map(({ base_updated_at }) => base_updated_at)).toEqual([null, null, null]);
  });

  test("epoch_changed: what waits is on no base of the new life, though another version has its time by chance, so nothing is overwritten unseen", async () => {
    server.edit("tags", "a", { name: "before" });
    const restore = server.snapshot();
    server.now += 1_000;
    server.edit("tags", "a", { name: "since" });
    await desk.sync();
    await desk.tag("a", "mine");
    restore();
    const base = (await queued())[0]!.base_updated_at!;
    server.edit("tags", "a", { name: "in the new life, at that very time" }, base);
    server.next("/sync/changes", problem(410, "epoch_changed", { action: "initial", give_back: true }));
    server.now += 1_000;
    await desk.tag("a", "mine too");
    await desk.sync();
    expect(server.living()).toEqual({ "tags/a": { name: "mine too" } });
    expect(server.conflicts).toMatchObject([{ reason: "overwritten", id: "a" }]);
    await desk.tag("a", "mine again");
    await desk.sync();
    expect(server.conflicts).toHaveLength(1);
  });

  test("epoch_changed: edits of what waits or is given back are on no base of the new life either", async () => {
    const restore = server.snapshot();
    server.edit("tags", "waits", { name: "x" });
    server.edit("tags", "given back", { name: "x" });
    await desk.sync();
    server.now += 1_000;
    await desk.tag("waits", "mine");
    const former = (await queued())[0]!.base_updated_at!.replace(/^2/, "9");
    restore();
    server.next("/sync/changes", problem(410, "epoch_changed", { action: "initial", give_back: true }));
    server.next("/sync/changes", "request lost");
    await failure(desk.sync());
    for (const id of ["waits", "given back"]) await desk.tag(id, "mine too");
    expect((await queued()).map(({ id, base_updated_at }) => [id, base_updated_at])).toEqual([
      ["waits", former],
      ["given back", null],
      ["waits", former],
      ["given back", null],
    ]);
    await desk.sync();
    expect(server.living()).toEqual({ "tags/waits": { name: "mine too" }, "tags/given back": { name: "mine too" } });
    expect(server.conflicts).toEqual([]);
  });

  test("epoch_changed: of two edits that were made from different versions, the one that the other did not know is kept", async () => {
    const restore = server.snapshot();
    server.edit("tags", "a", { name: "first" });
    await desk.sync();
    await desk.tag("a", "upon the first");
    server.now += 1_000;
    server.edit("tags", "a", { name: "second" });
    server.next("/sync/changes", problem(507, "quota_exceeded"));
    await failure(desk.sync()); // so it takes the second version, and its own edit waits
    expect(await desk.names()).toEqual({ a: "second" });
    server.now += 1_000;
    await desk.tag("a", "upon the second");
    restore();
    server.next("/sync/changes", problem(410, "epoch_changed", { action: "initial", give_back: true }));
    await desk.sync();
    expect(server.living()).toEqual({ "tags/a": { name: "upon the second" } });
    expect(server.conflicts).toMatchObject([{ reason: "overwritten", id: "a" }]);
  });

  test("epoch_changed: is noticed by a device that only learns of another type meanwhile", async () => {
    await desk.sync();
    const restore = server.snapshot();
    server.now += 1_000;
    await desk.tag("since", "x");
    await desk.sync();
    restore();
    await desk.db.syncMetadata.delete("recipients");
    await desk.sync();
    expect(server.living()).toEqual({ "tags/since": { name: "x" } });
  });

  test("epoch_changed: what is to be given back is not forgotten when a rejected change is discarded before the load", async () => {
    server.reject = ({ id }) => (id === "bad" ? { code: "invalid_data", errors: {} } : undefined);
    await desk.sync();
    const restore = server.snapshot();
    server.now += 1_000;
    await desk.tag("since", "x");
    await desk.tag("bad", "x");
    await desk.sync();
    restore();
    server.next("/sync/initial", "request lost");
    await failure(desk.sync());
    await discard(desk.db, (await desk.db.syncRejected.toArray())[0]!.change_id);
    await desk.sync();
    expect(server.living()).toMatchObject({ "tags/since": { name: "x" } });
  });

  test("epoch_changed without give_back: what the server lacks may be a deletion, and goes", async () => {
    server.edit("tags", "a", { name: "x" });
    await desk.sync();
    server.now += 1_000;
    server.edit("tags", "a", null);
    server.purge();
    server.snapshot()();
    await desk.sync();
    expect(await desk.names()).toEqual({});
    expect(server.living()).toEqual({});
  });

  test("a load that is due is not forgotten when the program ends before it came", async () => {
    server.edit("tags", "a", { name: "x" });
    await desk.sync();
    await desk.tag("mine", "y");
    await desk.sync();
    server.entities.clear();
    server.snapshot()();
    server.next("/sync/initial", "request lost");
    await failure(desk.sync());
    desk.restart();
    await desk.sync();
    expect(server.living()).toEqual({ "tags/a": { name: "x" }, "tags/mine": { name: "y" } });
  });

  test("the queue is kept through any of it", async () => {
    await desk.sync();
    await desk.tag("a", "x");
    server.snapshot()();
    server.next("/sync/initial", problem(503, "busy"));
    await failure(desk.sync());
    expect(await queued()).toHaveLength(1);
    server.next("/sync/changes", "request lost");
    await failure(desk.sync());
    expect(await desk.names()).toEqual({ a: "x" });
    expect(await queued()).toHaveLength(1);
    await desk.sync();
    expect(server.living()).toEqual({ "tags/a": { name: "x" } });
  });
});
