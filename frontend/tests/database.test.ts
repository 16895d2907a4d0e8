/** The tables of a book, and what becomes of a book that an earlier version of the program made. */

import Dexie from "dexie";
import { expect, test } from "vitest";
import { ENTITY_TYPES } from "../src/catalogue";
import { FinwiseTenantSpecificDB, databaseName } from "../src/database";

test("has a table per entity type, the queue and the metadata", async () => {
  const db = new FinwiseTenantSpecificDB(crypto.randomUUID());
  await db.open();
  expect(db.tables.map(({ name }) => name)).toEqual(
    expect.arrayContaining([...ENTITY_TYPES, "syncQueue", "syncMetadata"]),
  );
  expect(db.accounts.name).toBe("accounts");
  await db.delete();
});

test("a book from before a type or an index was known keeps what it has and gets what it lacks", async () => {
  const tenantId = crypto.randomUUID();
  const old = new Dexie(databaseName(tenantId));
  old.version(1).stores({ tags: "id", transactions: "id", syncQueue: "++place" });
  await old.table("tags").put({ id: "a", name: "x" });
  await old.table("transactions").put({ id: "b", accountId: "giro", date: "2026-01-09" });
  await old
    .table("syncQueue")
    .add({ change_id: "c", entity_type: "tags", id: "a", updated_at: "2026-01-09T00:00:00.000Z" });
  old.close();

  const db = new FinwiseTenantSpecificDB(tenantId);
  expect(await db.tags.toArray()).toMatchObject([{ id: "a", name: "x" }]);
  expect(await db.syncQueue.where({ entity_type: "tags", id: "a" }).count()).toBe(1);
  expect(await db.transactions.where("[accountId+date]").between(["giro", "2026"], ["giro", "2027"]).count()).toBe(1);
  expect(await db.recipients.count()).toBe(0);
  await db.delete();
});
