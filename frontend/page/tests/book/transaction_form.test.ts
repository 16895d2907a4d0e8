import { describe, expect, test } from "vitest";
import { mirrored } from "../../book/transaction.ts";
import {
  chooseKind,
  EMPTY,
  formOf,
  kindShown,
  problemOf,
  touched,
  type TransactionForm,
} from "../../book/transaction_form.ts";
import type { Transaction } from "../../book/ledger.ts";
import { en } from "../../words/en.ts";

const typed = (cents: number): string => (cents / 100).toFixed(2);
const parse = (text: string): number | null => (/^\s*[+-]?[\d.]+$/.test(text) ? Math.round(Number(text) * 100) : null);

const STORED: Transaction & Record<string, unknown> = {
  id: "t",
  updated_at: "",
  accountId: "giro",
  categoryId: "food",
  date: "2026-01-05",
  valueDate: "2026-01-07",
  amount: -0.021385479,
  payee: "REWE",
  description: "KARTENZAHLUNG REWE SAGT DANKE 4711",
  note: null,
  type: "EXPENSE",
  transferToAccountId: null,
  unknown: { kept: [1] },
};

/** What is written if somebody opens a transaction, changes some fields and saves. */
function written(transaction: Transaction, changes: Partial<TransactionForm>): object {
  const before = formOf(transaction, typed);
  return touched(transaction, before, { ...before, ...changes }, parse);
}

describe("editing a transaction writes the field that was touched and no other", () => {
  test.each<[Partial<TransactionForm>, object]>([
    [{}, {}],
    [{ note: " new " }, { note: "new" }],
    [{ payee: "ALDI" }, { payee: "ALDI" }],
    [{ payee: " " }, { payee: null }],
    [{ description: "by card" }, { description: "by card" }],
    [{ date: "2026-01-06" }, { date: "2026-01-06" }],
    [{ valueDate: "2026-01-08" }, { valueDate: "2026-01-08" }],
    [{ categoryId: "" }, { categoryId: null }],
    [{ accountId: "cash" }, { accountId: "cash" }],
    [{ amount: "25" }, { amount: -25, type: "EXPENSE" }],
    [{ kind: "income" }, { amount: 0.021385479, type: "INCOME" }],
  ])("%j", (changes, expected) => {
    expect(written(STORED, changes)).toEqual(expected);
  });

  test.each([null, undefined, ""])(
    "an empty payee (%s) is not filled with the description, nor an empty note with another emptiness",
    (nothing) => {
      const transaction = { ...STORED, payee: nothing, note: nothing } as Transaction;
      expect(written(transaction, { categoryId: "fun" })).toEqual({ categoryId: "fun" });
    },
  );

  test("what says the same in two fields is one in the form, and stays the same in both", () => {
    const transaction = { ...STORED, description: "REWE", valueDate: STORED.date };
    expect(written(transaction, { payee: "Rewe", date: "2026-01-06" })).toEqual({
      payee: "Rewe",
      description: "Rewe",
      date: "2026-01-06",
      valueDate: "2026-01-06",
    });
  });
});

describe("amount and type", () => {
  test.each([
    ["EXPENSE", 25, { note: "x" }, { note: "x" }], // contradictory, and left alone
    ["EXPENSE", 25, { amount: "30" }, { amount: 30, type: "INCOME" }],
    ["EXPENSE", 25, { kind: "expense" }, { amount: -25, type: "EXPENSE" }],
    ["INCOME", 25, { amount: "-30" }, { amount: -30, type: "EXPENSE" }],
    ["EXPENSE", -20, { amount: "25" }, { amount: -25, type: "EXPENSE" }],
    ["EXPENSE", -20, { amount: "+25" }, { amount: 25, type: "INCOME" }],
    ["INCOME", 0, { amount: "5" }, { amount: 5, type: "INCOME" }],
    ["RECONCILE", 100, { amount: "90" }, { amount: 90 }],
    ["CATEGORYTRANSFER", -3, { kind: "income" }, { amount: 3 }],
  ] as [string, number, Partial<TransactionForm>, object][])("%s of %d, %j: %j", (type, amount, changes, expected) => {
    expect(written({ ...STORED, type, amount }, changes)).toEqual(expected);
  });

  test("a form shows a positive amount, and the switch follows a typed sign", () => {
    expect(formOf(STORED, typed)).toMatchObject({ amount: "0.02", kind: "expense" });
    expect(["5", "+5", "-5", "−5", "5-"].map((amount) => kindShown({ kind: "income", amount }))).toEqual([
      "income",
      "income",
      "expense",
      "expense",
      "expense",
    ]);
    const form = { ...EMPTY, amount: "- 5" };
    chooseKind(form, "income");
    expect([form.amount, kindShown(form)]).toEqual(["5", "income"]);
  });
});

describe("a transfer", () => {
  const out: Transaction = { ...STORED, type: "ACCOUNTTRANSFER", amount: -100, transferToAccountId: "cash" };
  const into: Transaction = {
    ...STORED,
    type: "ACCOUNTTRANSFER",
    amount: 100,
    accountId: "cash",
    transferToAccountId: "giro",
  };

  test("shows where the money goes from and to, from either side, and keeps its direction", () => {
    for (const side of [out, into])
      expect(formOf(side, typed)).toMatchObject({
        kind: "transfer",
        amount: "100.00",
        accountId: "giro",
        toAccountId: "cash",
      });
    expect(written(out, { amount: "40" })).toEqual({ amount: -40 });
    expect(written(into, { amount: "40" })).toEqual({ amount: 40 });
    expect(written(out, { toAccountId: "safe" })).toEqual({ transferToAccountId: "safe" });
    expect(written(into, { toAccountId: "safe" })).toEqual({ accountId: "safe" });
  });

  test("gives its other side the negated amount and the accounts crosswise, and nothing else", () => {
    expect(
      mirrored({
        amount: -40,
        accountId: "a",
        transferToAccountId: "b",
        note: "x",
        date: "2026-01-01",
        payee: "y",
        categoryId: null,
      }),
    ).toEqual({ amount: 40, accountId: "b", transferToAccountId: "a" });
    expect(mirrored({ note: "x" })).toEqual({});
  });

  test("refuses a minus sign and one account on both sides, but only if that was touched", () => {
    const before = formOf(out, typed);
    expect(problemOf({ ...before, amount: "-5" }, parse, en, before)).toBe(en.transferSign);
    expect(problemOf({ ...before, toAccountId: "giro" }, parse, en, before)).toBe(en.sameAccount);
    const odd = { ...before, amount: "0.00", toAccountId: "" };
    expect(problemOf({ ...odd, note: "x" }, parse, en, odd)).toBe("");
    expect(problemOf({ ...before, amount: "0" }, parse, en, before)).toBe(en.badAmount);
  });
});
