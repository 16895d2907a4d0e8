/** What of a book is to be looked at again. */

import { Dexie } from "dexie";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FinwiseTenantSpecificDB } from "../../src/database";
import { Changed } from "../../src/finwise-0.4/changed";

const MANY = 200; // of so many at once Dexie does not name the keys

let book: FinwiseTenantSpecificDB;
let changed: Changed;

beforeEach(() => {
  book = new FinwiseTenantSpecificDB(crypto.randomUUID());
  changed = new Changed(book.name, () => undefined);
});
afterEach(async () => {
  changed.end();
  await book.delete();
});

const at = "2026-01-01T00:00:00.000000Z";
const tag = (id: string) => ({ id, name: id, created_at: at, updated_at: at, base_updated_at: at });
const looked = () => changed.take("tags");

test("is everything at first, and then what was written and deleted since", async () => {
  await book.tags.bulkPut([tag("a"), tag("b")]);
  expect(looked()).toBeUndefined();
  await book.tags.put(tag("c"));
  await book.tags.delete("a");
  expect(looked()).toEqual(new Set(["a", "c"]));
  expect(looked()).toEqual(new Set());
});

test("is everything after many were written at once, or the table was cleared", async () => {
  for (const write of [
    () => book.tags.bulkPut(Array.from({ length: MANY }, (_, i) => tag(`t${i}`))),
    () => book.tags.clear(),
  ]) {
    looked();
    await write();
    const ids = looked();
    expect(ids === undefined || ids.size === MANY).toBe(true);
  }
});

test("is nothing of what another book, another type or an undone transaction has written", async () => {
  const other = new FinwiseTenantSpecificDB(crypto.randomUUID());
  await Promise.all([book.open(), other.open()]);
  looked();
  await other.tags.put(tag("a"));
  await book.recipients.put(tag("a"));
  const undone = book.transaction("rw", book.tags, async () => {
    await book.tags.put(tag("a"));
    throw new RangeError("undone");
  });
  await expect(undone).rejects.toThrow("undone");
  expect(looked()).toEqual(new Set());
  await other.delete();
});

test("is also what was seen but could not be told yet", () => {
  looked();
  changed.note("tags", ["held"]);
  expect(changed.isEmpty).toBe(false);
  expect(looked()).toEqual(new Set(["held"]));
});

test("is everything after the page slept, for it has not heard what other tabs did", () => {
  looked();
  Dexie.on.storagemutated.fire({ all: { d: 0 } });
  expect(looked()).toBeUndefined();
});
