import { expect, test } from "vitest";
import { Ledger, type Transaction } from "../../book/ledger.ts";

function transaction(id: string, date: string, amount: number, accountId = "giro"): Transaction {
  return {
    id,
    date,
    valueDate: date,
    amount,
    accountId,
    description: id,
    type: "EXPENSE",
    created_at: `${date}T12:00:00.000Z`,
    updated_at: "",
  };
}

const GIRO = new Map([["giro", 100]]);

test("a balance is the account's offset and its transactions up to the day", () => {
  const ledger = new Ledger();
  ledger.put([
    transaction("a", "2026-01-01", -10.1),
    transaction("b", "2026-01-02", -0.2),
    transaction("c", "2026-02-01", 50),
    transaction("x", "2026-01-01", 7, "cash"),
  ]);
  expect(ledger.balances(GIRO, "2026-01-31")).toEqual(new Map([["giro", 8970]]));
  expect(ledger.balances(GIRO, "2026-02-01")).toEqual(new Map([["giro", 13970]]));
});

test("each line has the balance after it, the newest first, whichever order they came in", () => {
  const [a, b, c] = [
    transaction("a", "2026-01-01", 1),
    transaction("b", "2026-01-02", 2),
    transaction("c", "2026-01-02", 4),
  ];
  c.created_at = "2026-01-02T13:00:00.000Z";
  for (const order of [
    [a, b, c],
    [c, a, b],
    [b, c, a],
  ]) {
    const ledger = new Ledger();
    ledger.put(order);
    expect(ledger.lines(GIRO).map((line) => [line.transaction.id, line.balance])).toEqual([
      ["c", 10700],
      ["b", 10300],
      ["a", 10100],
    ]);
  }
});

test("a transaction that is changed moves, and one that is deleted goes", () => {
  const ledger = new Ledger();
  ledger.put([transaction("a", "2026-01-01", 1), transaction("b", "2026-01-02", 2)]);
  ledger.all();
  ledger.put([transaction("a", "2026-01-03", 5)]);
  expect(ledger.all().map(({ id }) => id)).toEqual(["a", "b"]);
  ledger.delete(["b"]);
  expect(ledger.lines(GIRO).map((line) => line.balance)).toEqual([10500]);
});

test("a series has every day, begins with what was before, and ends with the balance of its last day", () => {
  const ledger = new Ledger();
  ledger.put([
    transaction("before", "2025-12-31", 1),
    transaction("in", "2026-01-02", 2),
    transaction("after", "2026-01-05", 4),
  ]);
  expect(ledger.series(GIRO, "2026-01-01", "2026-01-03").map(({ day, balance }) => [day, balance])).toEqual([
    ["2026-01-01", 10100],
    ["2026-01-02", 10300],
    ["2026-01-03", 10300],
  ]);
});

test("an account holds what it was opened with, whatever older transactions come; those of its first day and later ones count", () => {
  const ledger = new Ledger();
  const opening = { ...transaction("opening", "2026-01-10", 100), opensAccount: true };
  ledger.put([
    opening,
    transaction("older", "2026-01-05", -20),
    transaction("same day", "2026-01-10", -5),
    transaction("later", "2026-01-12", -1),
    transaction("other", "2026-01-01", 7, "cash"),
  ]);
  const none = new Map([["giro", 0]]);
  expect([...ledger.balances(none, "2026-01-09").values(), ...ledger.balances(none, "2026-01-12").values()]).toEqual([
    -2000, 9400,
  ]);
  expect(ledger.lines(none).map(({ transaction: { id }, cents, balance }) => [id, cents, balance])).toEqual([
    ["later", -100, 9400],
    ["opening", 12000, 9500],
    ["same day", -500, -2500],
    ["older", -2000, -2000],
  ]);
  expect(ledger.series(none, "2026-01-04", "2026-01-12").at(-1)).toEqual({ day: "2026-01-12", balance: 9400 });
  expect(ledger.openingAfter("giro", "2026-01-09")?.id).toBe("opening");
  expect(ledger.openingAfter("giro", "2026-01-10")).toBeUndefined();
  ledger.delete(["older"]);
  expect(ledger.centsOf(opening)).toBe(10000);
  ledger.delete(["opening"]);
  expect([...ledger.balances(none, "2026-01-12").values()]).toEqual([-600]);
});

test("of two transactions that open an account, as after a conflict, the older one does; the other counts as it is", () => {
  const ledger = new Ledger();
  ledger.put([
    { ...transaction("second", "2026-02-01", 10), opensAccount: true },
    { ...transaction("first", "2026-01-10", 100), opensAccount: true },
    transaction("older", "2026-01-01", 30),
  ]);
  expect([...ledger.balances(new Map([["giro", 0]]), "2026-02-01").values()]).toEqual([11000]);
});
