/** Runs inside the browser: the same rows stored in several ways, by turns, each time in a new database. */

import { type Data, FinwiseTenantSpecificDB, newId, type Row, TenantDbService } from "../src/index.ts";

/** What each way took, in ms, round by round. */
export type Times = Record<string, number[]>;

type Way = (db: FinwiseTenantSpecificDB, book: TenantDbService, rows: Row<"transactions">[]) => Promise<unknown>;

const GROUP = 500;

const WAYS: Record<string, Way> = {
  "Dexie bulkPut": (db, _, rows) => db.transactions.bulkPut(rows),
  addMany: (_, book, rows) => book.addMany("transactions", rows.map(toEntity)),
  putMany: (_, book, rows) => book.putMany("transactions", rows.map(toEntity)),
  "add, one by one, 500 together": async (_, book, rows) => {
    for (let at = 0; at < rows.length; at += GROUP) {
      await book.together(async () => {
        for (const row of rows.slice(at, at + GROUP)) await book.add("transactions", toEntity(row).data, row.id);
      });
    }
  },
};

/** Then, of rows that are there and wait to be sent. */
const LATER: Record<string, Way> = {
  "changeMany, 500 together": async (_, book, rows) => {
    for (let at = 0; at < rows.length; at += GROUP) {
      const changes = rows.slice(at, at + GROUP).map(({ id }) => ({ id, fields: { accountId: "other" } }));
      await book.together(() => book.changeMany("transactions", changes));
    }
  },
  deleteMany: (_, book, rows) =>
    book.deleteMany(
      "transactions",
      rows.map(({ id }) => id),
    ),
};

Object.assign(globalThis, { measure });

async function measure(count: number, rounds: number): Promise<Times> {
  const times: Times = Object.fromEntries([...Object.keys(WAYS), ...Object.keys(LATER)].map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, way] of Object.entries(WAYS)) {
      await inNewBook(count, async (db, book, rows) => {
        times[name]?.push(await timed(() => way(db, book, rows)));
        if (name !== "putMany") return;
        for (const [later, wayLater] of Object.entries(LATER)) {
          times[later]?.push(await timed(() => wayLater(db, book, rows)));
        }
      });
    }
  }
  return times;
}

async function inNewBook(count: number, work: (...given: Parameters<Way>) => Promise<void>): Promise<void> {
  const db = new FinwiseTenantSpecificDB(newId());
  await db.open();
  await work(
    db,
    new TenantDbService(db),
    Array.from({ length: count }, (_, place) => row(place)),
  );
  await db.delete();
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

function row(place: number): Row<"transactions"> {
  const at = new Date(Date.UTC(2026, 0, 1) + place).toISOString();
  return { id: newId(), created_at: at, updated_at: at, base_updated_at: null, ...transaction(place) };
}

function transaction(place: number): Data<"transactions"> {
  return {
    accountId: `account-${place % 7}`,
    type: "EXPENSE",
    amount: -(place % 90) - 0.5,
    date: `2026-${String(1 + (place % 12)).padStart(2, "0")}-${String(1 + (place % 28)).padStart(2, "0")}`,
    valueDate: "2026-01-09",
    payee: `Payee ${place % 400}`,
    description: "",
    note: "Imported from the bank's statement",
    runningBalance: 0,
    tagIds: [],
    categoryId: `category-${place % 30}`,
    recipientId: `recipient-${place % 400}`,
  };
}

function toEntity({ id, created_at, updated_at, base_updated_at, ...data }: Row<"transactions">): {
  id: string;
  data: Data<"transactions">;
} {
  return { id, data };
}
