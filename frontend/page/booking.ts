import type { Day } from "./days.ts";
import { fromCents, type Cents } from "./money.ts";

/** What a booking is to whoever enters it. */
export const KINDS = ["expense", "income", "transfer"] as const;
export type Kind = (typeof KINDS)[number];

/** A booking as it is entered; `cents` has its sign, and of a transfer it is what leaves the account. */
export interface Entry {
  kind: Kind;
  cents: Cents;
  date: Day;
  payee: string;
  note: string;
  accountId: string;
  categoryId: string | null;
  toAccountId: string | null;
}

export const TYPES = { expense: "EXPENSE", income: "INCOME", transfer: "ACCOUNTTRANSFER", opening: "RECONCILE" } as const;

export function signOf(kind: Kind): 1 | -1 {
  return kind === "income" ? 1 : -1;
}

export function kindOf(type: string, amount: number): Kind {
  if (type === TYPES.transfer) return "transfer";
  return amount > 0 ? "income" : "expense";
}

/** The fields of a new booking, as the catalogue wants them. `runningBalance` is a copy for other programs. */
export function fieldsOf(entry: Entry, recipientId: string | null, balance: Cents): Record<string, unknown> {
  return {
    accountId: entry.accountId,
    categoryId: entry.categoryId,
    recipientId,
    date: entry.date,
    valueDate: entry.date,
    amount: fromCents(entry.cents),
    description: entry.payee,
    payee: entry.payee || null,
    note: entry.note || null,
    tagIds: [],
    type: TYPES[entry.kind],
    runningBalance: fromCents(balance),
    transferToAccountId: entry.toAccountId,
  };
}

/** Both sides of a transfer, each naming the other. */
export function sidesOf(entry: Entry & { toAccountId: string }, ids: [string, string]): [Entry & Side, Entry & Side] {
  const there = { ...entry, id: ids[0], counterTransactionId: ids[1] };
  const here = { ...entry, cents: -entry.cents, accountId: entry.toAccountId, toAccountId: entry.accountId, id: ids[1], counterTransactionId: ids[0] };
  return [there, here];
}

interface Side {
  id: string;
  counterTransactionId: string;
}
