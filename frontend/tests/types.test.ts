/** What the editor takes and gives by its types: an app's own interfaces go in, and exact fields come out. */

import { expect, expectTypeOf, test } from "vitest";
import type { Data, Row } from "../src/index";
import { Desk } from "./desk";
import { FakeServer } from "./fake_server";

enum Kind {
  Expense = "EXPENSE",
}
interface OwnTransaction {
  accountId: string;
  categoryId?: string;
  recipientId: string | null;
  counterTransactionId?: string | null;
  date: string;
  amount: number;
  tagIds: string[];
  type: Kind;
  readByBank?: { at: string };
}
interface Condition {
  type: string;
  operator: string;
  value: string | number | string[];
}
interface Rule {
  readonly name: string;
  readonly conditions: readonly Condition[];
  priority: number | "";
}

const OWN: OwnTransaction = {
  accountId: "",
  recipientId: null,
  date: "2026-01-09",
  amount: 1,
  tagIds: [],
  type: Kind.Expense,
};

test("an app's own interfaces are taken, without an index signature, with optional and with null fields", async () => {
  const { book, db } = new Desk(new FakeServer().fetch, () => 0);
  const rule: Rule = { name: "R", conditions: [{ type: "a", operator: "is", value: 5 }], priority: "" };
  const edit: Partial<OwnTransaction> = { amount: 2 };
  await book.put("transactions", "a", OWN);
  await book.add("transactions", OWN, "b");
  await book.putMany("transactions", [{ id: "c", data: OWN }]);
  await book.addMany("transactions", [{ data: OWN, id: "d" }, { data: { ...OWN, own: 1 } }]);
  await book.change("transactions", "a", edit);
  await book.changeMany("transactions", [{ id: "b", fields: { ...edit, categoryId: undefined, own: [1] } }]);
  await book.add("automation_rules", rule);
  await book.add("tags", { name: "x", own: { deep: true } });
  await book.add("tags", {});
  expect(await db.transactions.count()).toBe(5);
});

test("a field of another type than the document's is not taken", () => {
  const { book } = new Desk(new FakeServer().fetch, () => 0);
  const wrong: { amount: string } = { amount: "1" };
  const never = [
    // @ts-expect-error -- an amount is a number
    () => book.put("transactions", "a", wrong),
    // @ts-expect-error -- ids are a list
    () => book.add("transactions", { tagIds: "a" }),
    // @ts-expect-error -- a name is a text
    () => book.change("tags", "a", { name: 1 }),
    // @ts-expect-error -- there is no such type
    () => book.add("transactionz", OWN),
  ];
  expect(never).toHaveLength(4);
});

test("rows come out with the fields that the document promises", () => {
  expectTypeOf<Row<"transactions">["amount"]>().toEqualTypeOf<number | null | undefined>();
  expectTypeOf<Row<"transactions">["id"]>().toEqualTypeOf<string>();
  expectTypeOf<Row<"transactions">["base_updated_at"]>().toEqualTypeOf<string | null>();
  expectTypeOf<Row<"planning_transactions">["executionDay"]>().toEqualTypeOf<number | string | null | undefined>();
  expectTypeOf<Data<"transactions">["tagIds"]>().toEqualTypeOf<string[] | null | undefined>();
  expectTypeOf<Row<"tags">["unknown"]>().toEqualTypeOf<unknown>();
});
