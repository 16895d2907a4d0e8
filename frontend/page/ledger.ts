import { addDays, toNumber, type Day } from "./days.ts";
import { toCents, type Cents } from "./money.ts";

/** A booking, as far as lists, sums and plots need it. */
export interface Booking {
  id: string;
  accountId: string;
  date: Day;
  amount: number;
  description: string;
  type: string;
  payee?: string | null;
  note?: string | null;
  categoryId?: string | null;
  recipientId?: string | null;
  transferToAccountId?: string | null;
  counterTransactionId?: string | null;
  created_at?: string;
  updated_at: string;
}

/** A booking in a list, with what the list's accounts held after it. */
export interface Line {
  booking: Booking;
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
 * All bookings of a book in memory, newest first.
 *
 * The balance of an account is its `offset` and all its bookings up to a day. Its field `balance` is a copy that
 * other programs may have left there; a sum over bookings is the same on every device that has the same bookings, while
 * two devices that each wrote a new balance would overwrite one another.
 */
export class Ledger {
  private readonly byId = new Map<string, Booking>();
  private order: Booking[] | null = [];

  get size(): number {
    return this.byId.size;
  }

  get(id: string): Booking | undefined {
    return this.byId.get(id);
  }

  clear(): void {
    this.byId.clear();
    this.order = [];
  }

  put(bookings: Iterable<Booking>): void {
    for (const booking of bookings) this.byId.set(booking.id, booking);
    this.order = null;
  }

  delete(ids: Iterable<string>): void {
    for (const id of ids) this.byId.delete(id);
    this.order = null;
  }

  /** All bookings, newest first; of one day, what was entered last comes first. */
  all(): readonly Booking[] {
    this.order ??= [...this.byId.values()].sort(newestFirst);
    return this.order;
  }

  /** The bookings of some accounts, newest first, each with the balance after it. */
  lines(accounts: Offsets): Line[] {
    const lines: Line[] = [];
    for (const booking of this.all()) {
      if (accounts.has(booking.accountId)) lines.push({ booking, cents: toCents(booking.amount), balance: 0 });
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
    for (const { accountId, date, amount } of this.byId.values()) {
      const before = held.get(accountId);
      if (before !== undefined && date <= day) held.set(accountId, before + toCents(amount));
    }
    return held;
  }

  /** What some accounts held together at the end of every day from the first to the last. */
  series(accounts: Offsets, first: Day, last: Day): Point[] {
    const length = toNumber(last) - toNumber(first) + 1;
    const changes = new Array<Cents>(Math.max(0, length)).fill(0);
    let balance = sumOf(accounts);
    for (const { accountId, date, amount } of this.byId.values()) {
      if (!accounts.has(accountId) || date > last) continue;
      if (date < first) balance += toCents(amount);
      else changes[toNumber(date) - toNumber(first)]! += toCents(amount);
    }
    return changes.map((change, at) => ({ day: addDays(first, at), balance: (balance += change) }));
  }
}

function sumOf(accounts: Offsets): Cents {
  return [...accounts.values()].reduce((sum, offset) => sum + toCents(offset), 0);
}

function newestFirst(a: Booking, b: Booking): number {
  return compare(b.date, a.date) || compare(b.created_at ?? "", a.created_at ?? "") || compare(a.id, b.id);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
