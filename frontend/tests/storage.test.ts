/** A book that the browser takes away while it is open. */

import { afterEach, beforeEach, expect, test } from "vitest";
import { FinwiseTenantSpecificDB } from "../src/database";
import { openBook, storageCode, type StorageCode } from "../src/storage";

let db: FinwiseTenantSpecificDB;
let lost: StorageCode[];

beforeEach(async () => {
  db = new FinwiseTenantSpecificDB(crypto.randomUUID());
  lost = [];
  await openBook(db, (code) => lost.push(code));
  await db.tags.put({ id: "a", name: "x" } as never);
});
afterEach(() => new FinwiseTenantSpecificDB(db.tenantId).delete());

/** As browsers do when site data is cleared; they tell the page a moment later. */
async function clearSiteData(): Promise<void> {
  db.backendDB().close();
  await new Promise((resolve) => (indexedDB.deleteDatabase(db.name).onsuccess = resolve));
}

const codeOf = (read: PromiseLike<unknown>) => read.then(() => "an answer", storageCode);

test("answers nothing once the browser has deleted it, and is not made again as an empty book", async () => {
  await clearSiteData();
  expect(await codeOf(db.tags.toArray())).toBe("storage_lost");
  expect(await codeOf(db.transaction("rw", db.tags, () => db.tags.toArray()))).toBe("storage_lost");
  expect(lost).toEqual(["storage_lost"]);
  expect((await indexedDB.databases()).map(({ name }) => name)).not.toContain(db.name);
});

test("answers nothing either if another tab has begun to load it again", async () => {
  await clearSiteData();
  const other = await new FinwiseTenantSpecificDB(db.tenantId).open();
  expect(await codeOf(db.tags.toArray())).toBe("storage_lost");
  expect(await codeOf(db.tags.toArray())).toBe("storage_lost");
  other.close();
});

test("answers nothing once the browser has said that it was closed", async () => {
  const { onclose } = db.backendDB();
  db.backendDB().close();
  onclose?.call(db.backendDB(), new Event("close"));
  expect(await codeOf(db.tags.toArray())).toBe("storage_lost");
  expect(lost).toEqual(["storage_lost"]);
});

test("makes room for a newer version of the page, and says so", async () => {
  const newer = await new Promise<IDBDatabase>((resolve) => {
    const opening = indexedDB.open(db.name, 1000);
    opening.onsuccess = () => resolve(opening.result);
  });
  expect(lost).toEqual(["storage_newer"]);
  expect(await codeOf(db.tags.toArray())).toBe("storage_newer");
  newer.close();
});
