import { expect, test } from "vitest";
import { Ledger } from "../../book/ledger.ts";
import { shownAccount, shownTransaction, shownCategory, shownCategoryGroup, shownGroup } from "../../book/shown.ts";

const STAMPS = {
  id: "e1",
  created_at: "2026-03-05T12:00:00.000Z",
  updated_at: "2026-03-05T12:00:00.000Z",
  base_updated_at: null,
};

const transaction = (fields: object) => shownTransaction({ ...STAMPS, ...fields });

test("what another program left out of an entry has a value", () => {
  expect(shownAccount(STAMPS)).toMatchObject({ name: "", sortOrder: 0, accountGroupId: "", isActive: true, offset: 0 });
  expect(shownGroup(STAMPS)).toMatchObject({ name: "", sortOrder: 0 });
  expect(shownCategory(STAMPS)).toMatchObject({ name: "", isActive: true, isHidden: false, isIncomeCategory: false });
  expect(shownCategoryGroup({ ...STAMPS, sortOrder: "" })).toMatchObject({ sortOrder: 0, isIncomeGroup: false });
  expect(transaction({ date: "2026-03-01" })).toMatchObject({ accountId: "", amount: 0, description: "", type: "" });
});

test("an edit starts from the entry as it is stored", () => {
  const row = { ...STAMPS, name: null, more: 1 };
  expect(shownAccount(row).stored).toBe(row);
});

test.each([
  ["2026-02-30", "2026-03-05"],
  ["26-02-01", "2026-03-05"],
  ["", "2026-03-05"],
  ["2026-02-03T10:00:00.000Z", "2026-02-03"],
])("a transaction of the day %s is listed on %s, and says what is written", (date, day) => {
  expect(transaction({ date })).toMatchObject({ date: day, valueDate: day, oddDay: date });
});

test("a day that exists is not odd", () => {
  expect(transaction({ date: "2026-02-28", valueDate: "" })).not.toHaveProperty("oddDay");
  expect(transaction({ date: "2026-02-28", valueDate: "" }).valueDate).toBe("2026-02-28");
});

test("sums and lists count transactions whose day or amount is odd", () => {
  const ledger = new Ledger();
  ledger.put([
    transaction({ id: "a", accountId: "giro", date: "2026-02-30", amount: -5 }),
    transaction({ id: "b", accountId: "giro", date: "2026-03-01", amount: null }),
    transaction({ id: "c", accountId: "", date: "2026-03-01", amount: -7 }),
  ]);
  expect(ledger.accountIds()).toEqual(new Set(["giro"]));
  expect(ledger.balances(new Map([["giro", 0]]), "2026-03-31").get("giro")).toBe(-500);
  expect(ledger.lines(new Map([["giro", 0]])).map(({ balance }) => balance)).toEqual([-500, 0]);
});

test("a move of budget is distinguished from a transaction whose account is missing", () => {
  expect(transaction({ accountId: "", isCategoryTransfer: true }).isBudgetMove).toBe(true);
  expect(transaction({ accountId: "", type: "CATEGORYTRANSFER" }).isBudgetMove).toBe(true);
  expect(transaction({ accountId: "" }).isBudgetMove).toBe(false);
  expect(transaction({ accountId: "giro", isCategoryTransfer: true }).isBudgetMove).toBe(false);
});

test("the lists of all transactions have those without an account, and no moves of budget", () => {
  const ledger = new Ledger();
  ledger.put([
    transaction({ id: "lost", amount: -1, date: "2026-01-01" }),
    transaction({ id: "move", amount: -5, date: "2026-01-01", type: "CATEGORYTRANSFER" }),
  ]);
  const all = new Map([["", 0]]);
  expect(ledger.lines(all).map(({ transaction: { id } }) => id)).toEqual(["lost"]);
  expect(ledger.balances(all, "2026-01-02").get("")).toBe(-100);
  expect(ledger.series(all, "2026-01-02", "2026-01-02")).toEqual([{ day: "2026-01-02", balance: -100 }]);
});
