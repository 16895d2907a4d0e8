import { amountFields, kindOf, type Kind, type TransactionData } from "./transaction.ts";
import { isDay, type Day } from "./days.ts";
import type { Transaction } from "./ledger.ts";
import { fromCents, toCents, type Cents } from "./money.ts";
import type { Words } from "../words/en.ts";

/** A transaction as a form shows it. Of a transfer, `accountId` is the account that the money leaves. */
export interface TransactionForm {
  /** As the switch says; `kindShown` minds the sign that was typed before the amount. */
  kind: Kind;
  amount: string;
  payee: string;
  description: string;
  categoryId: string;
  accountId: string;
  toAccountId: string;
  date: Day;
  valueDate: Day;
  note: string;
}

export const EMPTY: Readonly<TransactionForm> = {
  kind: "expense",
  amount: "",
  payee: "",
  description: "",
  categoryId: "",
  accountId: "",
  toAccountId: "",
  date: "",
  valueDate: "",
  note: "",
};

/** Reads an amount as somebody types it; null: it is none. */
export type Parse = (typed: string) => Cents | null;

const PLUS = /[+\uff0b]/;
const MINUS = /[-\u2010-\u2015\u2212\ufe63\uff0d]/;

/** The kind that would be stored: a plus at the amount makes it an income, a minus an expense. */
export function kindShown({ kind, amount }: Pick<TransactionForm, "kind" | "amount">): Kind {
  if (kind === "transfer") return kind;
  if (PLUS.test(amount)) return "income";
  return MINUS.test(amount) ? "expense" : kind;
}

/** Follows the switch; a sign that might say something else goes. */
export function chooseKind(form: TransactionForm, kind: Kind): void {
  form.amount = form.amount.replace(PLUS, "").replace(MINUS, "").trim();
  form.kind = kind;
}

/** The amount without its sign; null: none. */
export function centsTyped({ amount }: Pick<TransactionForm, "amount">, parse: Parse): Cents | null {
  const cents = parse(amount);
  return cents ? Math.abs(cents) : null;
}

/** What is wrong with a form, in words; empty: nothing. What was not touched since `before` is not judged. */
export function problemOf(form: TransactionForm, parse: Parse, words: Words, before?: TransactionForm): string {
  const isTouched = (...names: (keyof TransactionForm)[]): boolean =>
    !before || names.some((name) => form[name] !== before[name]);
  if (isTouched("amount")) {
    if (centsTyped(form, parse) === null) return words.badAmount;
    if (form.kind === "transfer" && MINUS.test(form.amount)) return words.transferSign;
  }
  if (!isDay(form.date) || !isDay(form.valueDate || form.date)) return words.badDate;
  if (!isTouched("accountId", "toAccountId")) return "";
  if (!form.accountId || (form.kind === "transfer" && !form.toAccountId)) return words.chooseAccount;
  return form.kind === "transfer" && form.toAccountId === form.accountId ? words.sameAccount : "";
}

/** A stored transaction in a form; `typed` writes an amount as somebody would type it. */
export function formOf(transaction: Transaction, typed: (cents: Cents) => string): TransactionForm {
  const kind = kindOf(transaction);
  const comesIn = kind === "transfer" && transaction.amount > 0;
  const day = transaction.oddDay === undefined ? transaction.date : ""; // a person has to choose one
  const [from, to] = comesIn
    ? [transaction.transferToAccountId, transaction.accountId]
    : [transaction.accountId, transaction.transferToAccountId];
  return {
    kind,
    amount: typed(Math.abs(toCents(transaction.amount))),
    payee: transaction.payee ?? "",
    description: transaction.description,
    categoryId: transaction.categoryId ?? "",
    accountId: from ?? "",
    toAccountId: to ?? "",
    date: day,
    valueDate: transaction.valueDate === transaction.date ? day : transaction.valueDate,
    note: transaction.note ?? "",
  };
}

/**
 * Fields that say the same are one in a form, as they were when they were entered: the payee is then the description,
 * too, and the date the value date.
 */
export function isOneText(before: TransactionForm): boolean {
  return before.payee === before.description;
}
export function isOneDay(before: TransactionForm): boolean {
  return before.date === before.valueDate;
}

/** The fields of a transaction that were touched in its form, with their new values; nothing else. */
export function touched(
  transaction: Transaction,
  before: TransactionForm,
  form: TransactionForm,
  parse: Parse,
): Partial<TransactionData> {
  const has = (name: keyof TransactionForm): boolean => form[name] !== before[name];
  const payee = form.payee.trim();
  const comesIn = before.kind === "transfer" && transaction.amount > 0;
  const [own, other] = comesIn
    ? (["transferToAccountId", "accountId"] as const)
    : (["accountId", "transferToAccountId"] as const);
  return {
    ...(isAmountTouched(before, form) &&
      amountFields(transaction, kindShown(form), amountOf(transaction, before, form, parse))),
    ...(has("payee") && { payee: payee || null, ...(isOneText(before) && { description: payee }) }),
    ...(has("description") && { description: form.description.trim() }),
    ...(has("categoryId") && { categoryId: form.categoryId || null }),
    ...(has("accountId") && { [own]: form.accountId }),
    ...(has("toAccountId") && { [other]: form.toAccountId }),
    ...(has("date") && { date: form.date, ...(isOneDay(before) && { valueDate: form.date }) }),
    ...(has("valueDate") && { valueDate: form.valueDate }),
    ...(has("note") && { note: form.note.trim() || null }),
  };
}

function isAmountTouched(before: TransactionForm, form: TransactionForm): boolean {
  return form.amount !== before.amount || kindShown(form) !== before.kind;
}

/** The stored amount, to its last decimal, unless another one was typed. */
function amountOf(transaction: Transaction, before: TransactionForm, form: TransactionForm, parse: Parse): number {
  if (form.amount === before.amount) return transaction.amount;
  return fromCents(centsTyped(form, parse) ?? 0);
}
