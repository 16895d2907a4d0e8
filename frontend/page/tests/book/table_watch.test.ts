/** A large table that the page follows. */

import Dexie, { RangeSet } from "dexie";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FinwiseTenantSpecificDB } from "../../../src/index.ts";
import { followTable } from "../../book/table_watch.ts";

let db: FinwiseTenantSpecificDB;
let shown: Set<string>;
let stop: () => void;

beforeEach(() => {
  db = new FinwiseTenantSpecificDB(crypto.randomUUID());
  shown = new Set();
});
afterEach(async () => {
  stop();
  await db.delete();
});

const add = (id: string) => db.transactions.put({ id } as never);

function follow(): void {
  stop = followTable(db.transactions, {
    loaded: (rows, isFirst) => (shown = new Set([...(isFirst ? [] : shown), ...rows.map(({ id }) => id)])),
    changed: (rows) => rows.forEach((row, id) => (row ? shown.add(id) : shown.delete(id))),
  });
}

test("is read again with the next change if the browser has cut a read off", async () => {
  await add("a");
  vi.spyOn(db.transactions, "where").mockImplementationOnce(() => {
    throw new DOMException("The connection was closed.", "AbortError");
  });
  follow();
  await add("b");
  await vi.waitFor(() => expect([...shown]).toEqual(["a", "b"]));
});

test("is read as a whole when the page comes back that was put away", async () => {
  await add("a");
  follow();
  await vi.waitFor(() => expect([...shown]).toEqual(["a"]));
  db.backendDB().transaction("transactions", "readwrite").objectStore("transactions").put({ id: "b" }); // which nobody tells
  Dexie.on.storagemutated.fire({ all: new RangeSet(-Infinity, [[]]) }); // as Dexie says it then
  await vi.waitFor(() => expect([...shown]).toEqual(["a", "b"]));
});
