/** What a device takes of what the server has, in pages and in loads (docs/protocol.md 7). */

import { beforeEach, describe, expect, test } from "vitest";
import type { Row } from "../src/database";
import { device } from "../src/device";
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
    expect(await desk.queued()).toHaveLength(1);
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
    expect(server.pushes()[0]!.body!["since"]).not.toContain("1970");
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
    await expect.poll(() => server.pushes().length).toBe(1);
    wish.abort();
    expect((await ended)!.code).toBe("network");
    expect(await desk.queued()).toHaveLength(1);
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
