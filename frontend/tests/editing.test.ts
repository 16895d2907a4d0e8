/** Edits on a device: stored and queued together, in the right order, on the right base (docs/protocol.md 7). */

import { beforeEach, describe, expect, test } from "vitest";
import { reactive } from "vue";
import type { Row } from "../src/database";
import { offsetAfter } from "../src/time";
import { Desk } from "./desk";
import { failure } from "./failure";
import { FakeServer } from "./fake_server";

let server: FakeServer;
let desk: Desk;

beforeEach(() => {
  server = new FakeServer();
  desk = another();
});

function another(ahead = 0): Desk {
  return new Desk(server.fetch, () => server.now + ahead);
}

const tag = (id: string) => desk.db.tags.get(id) as Promise<Row<"tags"> | undefined>;

describe("editing", () => {
  test("writes the entity and its queue entry together, or neither", async () => {
    await desk.tag("a", "one");
    expect((await tag("a"))!.name).toBe("one");
    expect(await desk.queued()).toMatchObject([
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
    expect(await desk.queued()).toHaveLength(1);
    server.next("/sync/changes", "answer lost");
    await failure(desk.sync());
    await desk.tag("a", "three");
    expect((await desk.queued()).map(({ data, sent }) => [(data as { name: string }).name, sent])).toEqual([
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
      (await desk.queued()).map(({ data, base_updated_at }) => [(data as { name: string }).name, base_updated_at]),
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
    expect(await desk.queued()).toEqual([]);
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
    expect(await desk.queued()).toEqual([]);
    expect((await tag("a"))!.name).toBe("x");
  });

  test("several as one: all are stored, or none", async () => {
    const both = desk.book.together(async () => {
      await desk.tag("a", "x");
      await desk.book.change("tags", "nobody", { name: "x" });
    });
    await expect(both).rejects.toThrow("There is no tags nobody");
    expect(await desk.names()).toEqual({});
    expect(await desk.queued()).toEqual([]);
  });
});
