import type { Data } from "../../src/index.ts";
import type { Day } from "./days.ts";
import type { Transaction } from "./ledger.ts";
import { fromCents, type Cents } from "./money.ts";

export type TransactionData = Data<"transactions">;

/** What a transaction is to the person who enters it. */
export const KINDS = ["expense", "income", "transfer"] as const;
export type Kind = (typeof KINDS)[number];

/** A transaction as it is entered; `cents` is positive: the kind says what it means. */
export interface Entry {
  kind: Kind;
  cents: Cents;
  date: Day;
  payee: string;
  accountId: string;
  categoryId: string | null;
  toAccountId: string | null;
}

export const TYPES = {
  expense: "EXPENSE",
  income: "INCOME",
  transfer: "ACCOUNTTRANSFER",
  opening: "RECONCILE",
} as const;

export function signOf(kind: Kind): 1 | -1 {
  return kind === "income" ? 1 : -1;
}

/** The kind of a stored transaction. Sums go by the amount, so its sign decides; the type does if there is no amount. */
export function kindOf({ type, amount }: Pick<Transaction, "type" | "amount">): Kind {
  if (type === TYPES.transfer) return "transfer";
  if (amount === 0) return type === TYPES.income ? "income" : "expense";
  return amount > 0 ? "income" : "expense";
}

/** The amount and, if it says the same, the type of a transaction of this kind. A transfer keeps its direction. */
export function amountFields(
  transaction: Pick<Transaction, "type" | "amount">,
  kind: Kind,
  amount: number,
): Partial<TransactionData> {
  const sign = kind === "transfer" && transaction.amount > 0 ? 1 : signOf(kind);
  const hasKind = transaction.type === TYPES.expense || transaction.type === TYPES.income;
  return { amount: sign * Math.abs(amount), ...(hasKind && { type: TYPES[kind] }) };
}

/** What the other side of a transfer has to have in common: the amount, negated, and the accounts, crosswise. */
export function mirrored(fields: Partial<TransactionData>): Partial<TransactionData> {
  return {
    ...(typeof fields.amount === "number" && { amount: -fields.amount }),
    ...(fields.accountId && { transferToAccountId: fields.accountId }),
    ...(fields.transferToAccountId && { accountId: fields.transferToAccountId }),
  };
}

/** The fields of a new transaction, as the catalogue wants them. `balance`, what the account then holds, is a copy for other programs. */
export function fieldsOf(entry: Entry, recipientId: string | null, balance: Cents): TransactionData {
  return {
    accountId: entry.accountId,
    categoryId: entry.categoryId,
    recipientId,
    date: entry.date,
    valueDate: entry.date,
    amount: signOf(entry.kind) * fromCents(entry.cents),
    description: entry.payee,
    payee: entry.payee || null,
    note: null,
    tagIds: [],
    type: TYPES[entry.kind],
    runningBalance: fromCents(balance),
    transferToAccountId: entry.toAccountId,
  };
}
