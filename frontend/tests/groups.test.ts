/** Edits that belong together: the server stores all of them or none, and the device sends, sets aside and discards them as one. */

import { beforeEach, describe, expect, test } from "vitest";
import type { Data } from "../src/catalogue";
import { TooManyTogether } from "../src/index";
import { discard } from "../src/queue";
import { Desk } from "./desk";
import { FakeServer, problem } from "./fake_server";

let server: FakeServer;
let desk: Desk;

beforeEach(() => {
  server = new FakeServer();
  desk = new Desk(server.fetch, () => server.now);
});

const queued = () => desk.db.syncQueue.orderBy("place").toArray();
const rejected = async () => (await desk.db.syncRejected.toArray()).sort((a, b) => a.place - b.place);
const pushed = () =>
  server.requests
    .filter(({ method, path }) => method === "POST" && path === "/sync/changes")
    .map(({ body }) => body!["changes"] as Record<string, string>[]);
const tags = (...ids: string[]) =>
  desk.book.together(async () => {
    for (const id of ids) await desk.tag(id, "x");
  });
const refuse = (bad: string) =>
  (server.reject = ({ id, data }) =>
    id === bad && (data as { name: string } | null)?.name === "x" ? { code: "invalid_data", errors: {} } : undefined);

describe("edits that are made together", () => {
  test("have one group, which the push names; a single edit has none", async () => {
    await desk.tag("alone", "x");
    await tags("a", "b");
    await tags("c", "d");
    const groups = (await queued()).map(({ group }) => group);
    expect(groups).toEqual([undefined, groups[1], groups[1], groups[3], groups[3]]);
    expect(new Set(groups).size).toBe(3);
    await desk.sync();
    expect(pushed()[0]!.map(({ group }) => group)).toEqual(groups);
    expect(Object.keys(pushed()[0]![0]!)).not.toContain("group");
  });

  test("have one group if they are nested, and others that are made meanwhile do not join it", async () => {
    await Promise.all([desk.book.together(() => tags("a", "b")), desk.tag("meanwhile", "x")]);
    const groups = Object.fromEntries((await queued()).map(({ id, group }) => [id, group]));
    expect(groups["a"]).toBeDefined();
    expect(groups["b"]).toBe(groups["a"]);
    expect(groups["meanwhile"]).toBeUndefined();
  });

  test("change no entry of another group, though a single edit is still merged into the entry that waits", async () => {
    await tags("a", "b");
    await tags("b", "c");
    await desk.tag("b", "later");
    expect((await queued()).map(({ id }) => id)).toEqual(["a", "b", "b", "c"]);
    expect((await queued()).map(({ data }) => (data as Data<"tags">).name)).toEqual(["x", "x", "later", "x"]);
    await desk.sync();
    expect(await desk.names()).toEqual({ a: "x", b: "later", c: "x" });
    expect(server.living()).toEqual(await desk.living());
    expect(server.conflicts).toEqual([]);
  });

  test("are at most 500; with one more nothing is stored", async () => {
    const ids = Array.from({ length: 501 }, (_, i) => `t${i}`);
    await expect(tags(...ids)).rejects.toThrow(TooManyTogether);
    expect(await queued()).toEqual([]);
    expect(await desk.names()).toEqual({});
  });
});

describe("pushing groups", () => {
  test("never splits one, however many changes or bytes one push may have", async () => {
    await desk.sync();
    for (let i = 0; i < 498; i++) await desk.db.syncQueue.add(entry(`t${i}`));
    await tags("a", "b", "c");
    await desk.sync();
    expect(pushed().map((changes) => changes.length)).toEqual([498, 3]);

    const large = "x".repeat(200_000);
    await desk.book.together(async () => {
      for (const id of ["d", "e"]) await desk.tag(id, large);
    });
    await desk.sync();
    expect(
      pushed()
        .slice(2)
        .map((changes) => changes.map(({ id }) => id)),
    ).toEqual([["d", "e"]]);
  });

  test("sets a whole group aside that is too large for the server", async () => {
    await desk.sync();
    await tags("a", "b", "c");
    await desk.tag("alone", "x");
    server.maxChanges = 2;
    await desk.sync();
    expect((await rejected()).map(({ id, code }) => [id, code])).toEqual([
      ["a", "too_large"],
      ["b", "too_large"],
      ["c", "too_large"],
    ]);
    expect(server.living()).toEqual({ "tags/alone": { name: "x" } });
  });

  test("sends no deletion without the rest of its group if there is no room on the server", async () => {
    for (const id of ["old", "older"]) server.edit("tags", id, { name: "x" });
    await desk.sync();
    await desk.book.together(async () => {
      await desk.tag("new", "x");
      await desk.book.delete("tags", "old");
    });
    await desk.book.together(() => desk.book.delete("tags", "older"));
    server.next("/sync/changes", problem(507, "quota_exceeded"));
    await expect(desk.sync()).rejects.toThrow("quota_exceeded");
    expect(Object.keys(server.living())).toEqual(["tags/old"]);
    expect((await queued()).map(({ id }) => id)).toEqual(["new", "old"]);
  });

  test("sets aside all of a group of which one is rejected, and nothing else", async () => {
    refuse("a");
    await tags("a", "b");
    await tags("c", "d");
    await desk.sync();
    expect(server.living()).toEqual({ "tags/c": { name: "x" }, "tags/d": { name: "x" } });
    expect((await rejected()).map(({ id, code }) => [id, code])).toEqual([
      ["a", "invalid_data"],
      ["b", "group"],
    ]);
  });
});

describe("a group that was set aside", () => {
  beforeEach(async () => {
    refuse("a");
    await tags("a", "b", "c");
    await desk.sync();
  });

  test("is discarded as a whole", async () => {
    await discard(desk.db, (await rejected())[1]!.change_id);
    await desk.sync();
    expect(await rejected()).toEqual([]);
    expect(await desk.names()).toEqual({});
  });

  test("is sent again as a whole once the entity that was wrong is edited", async () => {
    await desk.tag("a", "right");
    expect(await rejected()).toEqual([]);
    await desk.sync();
    expect(server.living()).toEqual({ "tags/a": { name: "right" }, "tags/b": { name: "x" }, "tags/c": { name: "x" } });
    const last = pushed().at(-1)!;
    expect(new Set(last.map(({ group }) => group)).size).toBe(1);
  });

  test("is sent again as one with the edits among which the right one is", async () => {
    await desk.book.together(async () => {
      await desk.tag("d", "x");
      await desk.tag("a", "right");
    });
    const groups = new Set((await queued()).map(({ group }) => group));
    expect(groups.size).toBe(1);
    await desk.sync();
    expect(Object.keys(server.living())).toHaveLength(4);
  });

  test("is sent again as one if what stands with it is of a type that a newer server knows", async () => {
    await discard(desk.db, (await rejected())[0]!.change_id);
    server.reject = ({ id }) => (id === "e" ? { code: "unknown_entity_type", errors: {} } : undefined);
    await tags("d", "e");
    await desk.sync();
    expect((await rejected()).map(({ code }) => code)).toEqual(["group", "unknown_entity_type"]);
    server.reject = () => undefined;
    server.serverVersion = "0.2.0";
    await desk.sync();
    expect(Object.keys(server.living())).toEqual(["tags/d", "tags/e"]);
  });
});

function entry(id: string) {
  const time = new Date(server.now).toISOString();
  return {
    change_id: crypto.randomUUID(),
    entity_type: "tags" as const,
    id,
    created_at: time,
    updated_at: time,
    base_updated_at: null,
    data: { name: "x" } as Data<"tags">,
    sent: 0 as const,
  };
}
