/** Many edits at once do what the same edits do one by one: the same rows, digests, bases and queue; all or none. */

import { beforeEach, expect, test } from "vitest";
import { EntityExists, NoSuchEntity, TenantDbService, TooManyTogether } from "../src/index";
import { Desk } from "./desk";
import { FakeServer } from "./fake_server";

const MANY = 250; // more than are read one by one
const IDS = Array.from({ length: MANY }, (_, at) => `t${String(at).padStart(3, "0")}`);

let server: FakeServer;
let desk: Desk;

beforeEach(() => {
  server = new FakeServer();
  desk = new Desk(server.fetch, () => server.now);
});

const all = (ids: string[], name: string) => ids.map((id) => ({ id, data: { name } }));
const every = (nth: number) => IDS.filter((_, at) => at % nth === 0);
const queued = (of: Desk) => of.db.syncQueue.orderBy("place").toArray();

/** Everything that a device holds, but for the names that it made up. */
async function held(of: Desk): Promise<unknown> {
  const queue = (await queued(of)).map(({ change_id, place, group, ...entry }) => ({ ...entry, group: !!group }));
  const [rows, tombstones, digests] = await Promise.all([
    of.db.tags.toArray(),
    of.db.syncTombstones.toArray(),
    of.db.syncMetadata.toArray(),
  ]);
  return { rows, tombstones, digests, queue };
}

/** What the same steps leave behind, each time with a sync in their middle; the second way must be like the first. */
async function compare(one: (book: TenantDbService) => Promise<unknown>, many: typeof one): Promise<void> {
  const other = new Desk(new FakeServer().fetch, () => server.now);
  for (const [each, edit] of [
    [desk, one],
    [other, many],
  ] as const) {
    await each.book.putMany("tags", all(every(2), "synced"));
    await each.book.deleteMany("tags", every(10));
    await each.sync();
    await each.book.putMany("tags", all(every(3), "waits"));
    await edit(each.book);
  }
  expect(await held(other)).toEqual(await held(desk));
  await Promise.all([desk.sync(), other.sync()]);
  expect(await other.living()).toEqual(await desk.living());
}

test("putMany leaves what as many puts leave: of new, synced, deleted and waiting entities", () =>
  compare(
    async (book) => {
      for (const id of IDS) await book.put("tags", id, { name: "put" });
    },
    (book) => book.putMany("tags", all(IDS, "put")),
  ));

test("deleteMany leaves what as many deletions leave", () =>
  compare(
    async (book) => {
      for (const id of IDS) await book.delete("tags", id);
    },
    (book) => book.deleteMany("tags", IDS),
  ));

test("changeMany changes the named fields alone, as change does", () =>
  compare(
    async (book) => {
      for (const id of every(3)) await book.change("tags", id, { color: "red" });
    },
    (book) =>
      book.changeMany(
        "tags",
        every(3).map((id) => ({ id, fields: { color: "red" } })),
      ),
  ));

test("addMany adds under given and new ids, and returns the rows in their order", async () => {
  const rows = await desk.book.addMany("tags", [{ id: "b", data: { name: "one" } }, { data: { name: "two" } }]);
  expect(rows.map(({ name }) => name)).toEqual(["one", "two"]);
  expect(await desk.db.tags.bulkGet(rows.map(({ id }) => id))).toEqual(rows);
  expect((await queued(desk)).map(({ id }) => id)).toEqual(rows.map(({ id }) => id));
});

test("an id that comes twice is one entry with what it becomes last", async () => {
  await desk.book.putMany("tags", [...all(["a"], "first"), ...all(["b"], "other"), ...all(["a"], "last")]);
  expect(await desk.names()).toEqual({ a: "last", b: "other" });
  expect((await queued(desk)).map(({ id }) => id)).toEqual(["a", "b"]);
});

test("one edit that cannot be made, or stored, undoes all of them", async () => {
  await desk.tag("there", "x");
  const before = await held(desk);
  const failing: [Promise<unknown>, unknown][] = [
    [desk.book.addMany("tags", all(["a", "there"], "y")), EntityExists],
    [desk.book.addMany("tags", all(["a", "a"], "y")), EntityExists],
    [
      desk.book.changeMany("tags", [
        { id: "there", fields: { name: "y" } },
        { id: "missing", fields: {} },
      ]),
      NoSuchEntity,
    ],
    [desk.book.putMany("tags", [{ id: "a", data: { name: 1n as never } }, ...all(["b"], "y")]), TypeError],
  ];
  for (const [attempt, error] of failing) await expect(attempt).rejects.toThrow(error as typeof Error);
  desk.db.syncQueue.hook("creating", () => {
    throw new Error("no room");
  });
  await expect(desk.book.putMany("tags", all(IDS, "y"))).rejects.toThrow();
  expect(await held(desk)).toEqual(before);
});

test("inside together they belong to its group, beside single edits, and count as many", async () => {
  await desk.book.together(async () => {
    await desk.book.putMany("tags", all(IDS.slice(0, 2), "x"));
    await desk.tag("single", "x");
  });
  const groups = (await queued(desk)).map(({ group }) => group);
  expect(groups).toEqual([groups[0], groups[0], groups[0]]);
  expect(groups[0]).toBeTypeOf("string");
  const tooMany = desk.book.together(async () => {
    await desk.book.putMany("tags", all(IDS, "y"));
    await desk.book.putMany(
      "tags",
      all(
        [...IDS, "another"].map((id) => `2${id}`),
        "y",
      ),
    );
  });
  await expect(tooMany).rejects.toThrow(TooManyTogether);
  expect(await desk.names()).toEqual({ t000: "x", t001: "x", single: "x" });
});

test("edits that run beside each other inside together lose nothing of each other", async () => {
  await desk.tag("a", "x");
  await desk.book.together(async () => {
    await Promise.all([
      desk.book.change("tags", "a", { name: "y" }),
      desk.book.change("tags", "a", { color: "red" }),
      desk.tag("b", "z"),
    ]);
  });
  expect(await desk.db.tags.get("a")).toMatchObject({ name: "y", color: "red" });
  await desk.sync();
  expect(server.living()).toEqual(await desk.living());
  const loads = server.requests.filter(({ path }) => path.startsWith("/sync/initial/"));
  expect(loads.length).toBe(1); // the digests agree: the book was not loaded a second time
});

test("many edits tell once that something has changed, and none if nothing has", async () => {
  let told = 0;
  const book = new TenantDbService(desk.db, () => told++);
  await book.putMany("tags", all(IDS, "x"));
  await book.together(() => book.deleteMany("tags", every(2)));
  await book.deleteMany("tags", every(2));
  expect(told).toBe(2);
});

test("what was rejected is overtaken by an edit of many, and its group is queued again", async () => {
  server.reject = (change) => (change["id"] === "t000" ? { code: "invalid_data", errors: {} } : undefined);
  await desk.book.together(() => desk.book.putMany("tags", all(["t000", "other"], "x")));
  await desk.sync();
  expect(await desk.db.syncRejected.count()).toBe(2);
  await desk.book.putMany("tags", all(IDS, "mended"));
  expect(await desk.db.syncRejected.count()).toBe(0);
  expect(
    (await queued(desk))
      .filter(({ group }) => group)
      .map(({ id }) => id)
      .sort(),
  ).toEqual(["other", "t000"]);
});
