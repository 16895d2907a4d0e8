/** What a device keeps of the server's warnings: by entity, until it changes, and never more than some. */

import { beforeEach, expect, test } from "vitest";
import { oddEntities } from "../src/index";
import { Desk } from "./desk";
import { FakeServer, problem } from "./fake_server";

let server: FakeServer;
let desk: Desk;
const ODD = { "data.name": ["Give a string of at most 200 characters."] };

beforeEach(() => {
  server = new FakeServer();
  server.warn = ({ data }) => ((data as { name?: string } | null)?.name === "odd" ? ODD : undefined);
  desk = new Desk(server.fetch, () => server.now);
});

const found = async () => (await oddEntities(desk.db)).map(({ id, warnings }) => ({ id, warnings }));

test("an entity with a warning is listed with it, as it is here", async () => {
  await desk.tag("a", "odd");
  await desk.tag("b", "fine");
  await desk.sync();
  const [odd, ...others] = await oddEntities(desk.db);
  expect(others).toEqual([]);
  expect(odd).toMatchObject({ entity_type: "tags", id: "a", warnings: ODD, row: { name: "odd" } });
});

test("an edit takes it off the list before the server has seen it, and another warning puts it back", async () => {
  await desk.tag("a", "odd");
  await desk.sync();
  await desk.tag("a", "fine");
  expect(await found()).toEqual([]);
  await desk.sync();
  expect(await desk.db.syncWarnings.count()).toBe(0);
  await desk.tag("a", "odd");
  await desk.sync();
  expect(await found()).toEqual([{ id: "a", warnings: ODD }]);
});

test("a version of another device, or a deletion, takes it off the list", async () => {
  for (const id of ["a", "b", "c"]) await desk.tag(id, "odd");
  await desk.sync();
  server.now += 1000;
  server.edit("tags", "a", { name: "odd" }); // the server warned somebody else
  server.edit("tags", "b", null);
  await desk.book.delete("tags", "c");
  await desk.sync();
  expect(await found()).toEqual([]);
  expect(await desk.db.syncWarnings.count()).toBe(0);
});

test("a load of the whole book leaves warnings of what has not changed", async () => {
  await desk.tag("a", "odd");
  await desk.sync();
  server.next("/sync/changes", problem(410, "cursor_expired", { action: "initial" }));
  await desk.sync();
  expect(server.requests.filter(({ path }) => path.startsWith("/sync/initial/"))).toHaveLength(2);
  expect(await found()).toEqual([{ id: "a", warnings: ODD }]);
});

test("the newest 200 are kept", async () => {
  const ids = Array.from({ length: 250 }, (_, at) => `t${at}`);
  await desk.book.putMany(
    "tags",
    ids.map((id) => ({ id, data: { name: "odd" } })),
  );
  await desk.sync();
  server.now += 1000;
  await desk.tag("last", "odd");
  await desk.sync();
  expect((await found())[0]?.id).toBe("last");
  expect(await desk.db.syncWarnings.count()).toBe(200);
});
