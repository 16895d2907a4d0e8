/** When the server cannot go on from the cursor: what is loaded, given back and kept (docs/protocol.md 7). */

import { beforeEach, describe, expect, test } from "vitest";
import type { Row } from "../src/database";
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
    expect(server.sent()[0]).toMatchObject({ id: "kept", base_updated_at: base });
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
    expect(server.sent().map(({ base_updated_at }) => base_updated_at)).toEqual([null, null, null]);
  });

  test("epoch_changed: what waits is on no base of the new life, though another version has its time by chance, so nothing is overwritten unseen", async () => {
    server.edit("tags", "a", { name: "before" });
    const restore = server.snapshot();
    server.now += 1_000;
    server.edit("tags", "a", { name: "since" });
    await desk.sync();
    await desk.tag("a", "mine");
    restore();
    const base = (await desk.queued())[0]!.base_updated_at!;
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
    const former = (await desk.queued())[0]!.base_updated_at!.replace(/^2/, "9");
    restore();
    server.next("/sync/changes", problem(410, "epoch_changed", { action: "initial", give_back: true }));
    server.next("/sync/changes", "request lost");
    await failure(desk.sync());
    for (const id of ["waits", "given back"]) await desk.tag(id, "mine too");
    expect((await desk.queued()).map(({ id, base_updated_at }) => [id, base_updated_at])).toEqual([
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
    expect(await desk.queued()).toHaveLength(1);
    server.next("/sync/changes", "request lost");
    await failure(desk.sync());
    expect(await desk.names()).toEqual({ a: "x" });
    expect(await desk.queued()).toHaveLength(1);
    await desk.sync();
    expect(server.living()).toEqual({ "tags/a": { name: "x" } });
  });
});
