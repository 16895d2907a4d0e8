import { addDays, toNumber, type Day } from "./days.ts";
import { toCents, type Cents } from "./money.ts";

/** A transaction, as far as lists, sums and plots need it. */
export interface Transaction {
  id: string;
  accountId: string;
  date: Day;
  valueDate: Day;
  /** What is written instead of a day, if that is no day; `date` is another one then. */
  oddDay?: string;
  amount: number;
  description: string;
  type: string;
  /** Its amount is what the account held before the transactions of its day, older ones included. */
  opensAccount?: boolean;
  /** It moves a budget from one category to another, and no money. */
  isBudgetMove?: boolean;
  payee?: string | null;
  note?: string | null;
  categoryId?: string | null;
  recipientId?: string | null;
  transferToAccountId?: string | null;
  counterTransactionId?: string | null;
  created_at?: string;
  updated_at: string;
}

/** A transaction in a list, with what the list's accounts held after it. */
export interface Line {
  transaction: Transaction;
  cents: Cents;
  balance: Cents;
}

export interface Point {
  day: Day;
  balance: Cents;
}

/** The opening sums of accounts: their field `offset`. */
export type Offsets = ReadonlyMap<string, number>;

/**
 * All transactions of a book in memory, newest first.
 *
 * The balance of an account is its `offset` plus all its transactions up to a day. The transaction that opens it counts
 * as what it takes to get from all older ones to its amount, so older transactions change nothing from its day on. The
 * account's field `balance` is a copy that other programs may have left there. A sum over transactions is the same on
 * every device that has the same transactions, while two devices that each wrote a new balance would overwrite each other.
 */
export class Ledger {
  private readonly byId = new Map<string, Transaction>();
  private order: Transaction[] | null = [];
  private openings: Map<string, Cents> | null = null;

  get size(): number {
    return this.byId.size;
  }

  get(id: string): Transaction | undefined {
    return this.byId.get(id);
  }

  /** The other side of a transfer, if both are there and name each other. */
  counterOf(id: string): Transaction | undefined {
    const counter = this.byId.get(this.byId.get(id)?.counterTransactionId ?? "");
    return counter?.counterTransactionId === id ? counter : undefined;
  }

  clear(): void {
    this.byId.clear();
    this.order = this.openings = null;
  }

  put(transactions: Iterable<Transaction>): void {
    for (const transaction of transactions) this.byId.set(transaction.id, transaction);
    this.order = this.openings = null;
  }

  delete(ids: Iterable<string>): void {
    for (const id of ids) this.byId.delete(id);
    this.order = this.openings = null;
  }

  /** All transactions, newest first; of one day, what was entered last comes first. */
  all(): readonly Transaction[] {
    this.order ??= [...this.byId.values()].sort(newestFirst);
    return this.order;
  }

  /** The accounts that transactions name, whether they are there or not. */
  accountIds(): Set<string> {
    const named = new Set([...this.byId.values()].map(({ accountId }) => accountId));
    named.delete("");
    return named;
  }

  /** What a transaction changes in the balance of its account. */
  centsOf(transaction: Transaction): Cents {
    this.openings ??= openingsOf(this.byId.values());
    return this.openings.get(transaction.id) ?? toCents(transaction.amount);
  }

  /** The transaction that opens an account, if a day is before its own. */
  openingAfter(accountId: string, day: Day): Transaction | undefined {
    return [...firstOpenings(this.byId.values()).values()].find(
      (opening) => opening.accountId === accountId && opening.date > day,
    );
  }

  /** The transactions of some accounts, newest first, each with the balance after it. */
  lines(accounts: Offsets): Line[] {
    const lines: Line[] = [];
    for (const transaction of this.all()) {
      if (isIn(accounts, transaction)) lines.push({ transaction, cents: this.centsOf(transaction), balance: 0 });
    }
    let balance = sumOf(accounts);
    for (let at = lines.length - 1; at >= 0; at--) {
      const line = lines[at] as Line;
      line.balance = balance += line.cents;
    }
    return lines;
  }

  /** What each account holds at the end of a day. */
  balances(accounts: Offsets, day: Day): Map<string, Cents> {
    const held = new Map([...accounts].map(([id, offset]) => [id, toCents(offset)]));
    for (const transaction of this.byId.values()) {
      const before = held.get(transaction.accountId);
      if (before !== undefined && isIn(accounts, transaction) && transaction.date <= day)
        held.set(transaction.accountId, before + this.centsOf(transaction));
    }
    return held;
  }

  /** What some accounts held together at the end of every day from the first to the last. */
  series(accounts: Offsets, first: Day, last: Day): Point[] {
    const length = toNumber(last) - toNumber(first) + 1;
    const changes = Array.from({ length: Math.max(0, length) }, () => 0);
    let balance = sumOf(accounts);
    for (const transaction of this.byId.values()) {
      const { date } = transaction;
      if (!isIn(accounts, transaction) || date > last) continue;
      if (date < first) balance += this.centsOf(transaction);
      else changes[toNumber(date) - toNumber(first)]! += this.centsOf(transaction);
    }
    return changes.map((change, at) => ({ day: addDays(first, at), balance: (balance += change) }));
  }
}

function isIn(accounts: Offsets, { accountId, isBudgetMove }: Transaction): boolean {
  return accounts.has(accountId) && !isBudgetMove;
}

/** What the transactions that open accounts change, by their ids. */
function openingsOf(transactions: Iterable<Transaction>): Map<string, Cents> {
  const all = [...transactions];
  const first = firstOpenings(all);
  const changes = new Map([...first.values()].map(({ id, amount }) => [id, toCents(amount)]));
  if (!first.size) return changes;
  for (const { accountId, date, amount } of all) {
    const opening = first.get(accountId);
    if (opening && date < opening.date) changes.set(opening.id, (changes.get(opening.id) ?? 0) - toCents(amount));
  }
  return changes;
}

/** By account the transaction that opens it: the oldest, should there be several. */
function firstOpenings(transactions: Iterable<Transaction>): Map<string, Transaction> {
  const first = new Map<string, Transaction>();
  for (const transaction of transactions) {
    if (!transaction.opensAccount) continue;
    const known = first.get(transaction.accountId);
    if (!known || newestFirst(known, transaction) < 0) first.set(transaction.accountId, transaction);
  }
  return first;
}

function sumOf(accounts: Offsets): Cents {
  return [...accounts.values()].reduce((sum, offset) => sum + toCents(offset), 0);
}

function newestFirst(a: Transaction, b: Transaction): number {
  return compare(b.date, a.date) || compare(b.created_at ?? "", a.created_at ?? "") || compare(a.id, b.id);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
