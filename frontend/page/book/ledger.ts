import { addDays, toNumber, type Day } from "./days.ts";
import { toCents, type Cents } from "./money.ts";

/** A booking, as far as lists, sums and plots need it. */
export interface Booking {
  id: string;
  accountId: string;
  date: Day;
  valueDate: Day;
  /** What is written instead of a day, if that is no day; `date` is another one then. */
  oddDay?: string;
  amount: number;
  description: string;
  type: string;
  /** Its amount is what the account held before the bookings of its day, older ones included. */
  opensAccount?: boolean;
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
 * The balance of an account is its `offset` and all its bookings up to a day. The booking that opens it counts as what
 * it takes to get from all older ones to its amount, so older bookings change nothing from its day on. Its field `balance` is a copy that
 * other programs may have left there; a sum over bookings is the same on every device that has the same bookings, while
 * two devices that each wrote a new balance would overwrite one another.
 */
export class Ledger {
  private readonly byId = new Map<string, Booking>();
  private order: Booking[] | null = [];
  private openings: Map<string, Cents> | null = null;

  get size(): number {
    return this.byId.size;
  }

  get(id: string): Booking | undefined {
    return this.byId.get(id);
  }

  /** The other side of a transfer, if both are there and name each other. */
  counterOf(id: string): Booking | undefined {
    const counter = this.byId.get(this.byId.get(id)?.counterTransactionId ?? "");
    return counter?.counterTransactionId === id ? counter : undefined;
  }

  clear(): void {
    this.byId.clear();
    this.order = this.openings = null;
  }

  put(bookings: Iterable<Booking>): void {
    for (const booking of bookings) this.byId.set(booking.id, booking);
    this.order = this.openings = null;
  }

  delete(ids: Iterable<string>): void {
    for (const id of ids) this.byId.delete(id);
    this.order = this.openings = null;
  }

  /** All bookings, newest first; of one day, what was entered last comes first. */
  all(): readonly Booking[] {
    this.order ??= [...this.byId.values()].sort(newestFirst);
    return this.order;
  }

  /** The accounts that bookings name, whether they are there or not. */
  accountIds(): Set<string> {
    const named = new Set([...this.byId.values()].map(({ accountId }) => accountId));
    named.delete(""); // what moves a budget from one category to another is in no account
    return named;
  }

  /** What a booking changes in the balance of its account. */
  centsOf(booking: Booking): Cents {
    this.openings ??= openingsOf(this.byId.values());
    return this.openings.get(booking.id) ?? toCents(booking.amount);
  }

  /** The booking that opens an account, if a day is before its own. */
  openingAfter(accountId: string, day: Day): Booking | undefined {
    return [...firstOpenings(this.byId.values()).values()].find(
      (opening) => opening.accountId === accountId && opening.date > day,
    );
  }

  /** The bookings of some accounts, newest first, each with the balance after it. */
  lines(accounts: Offsets): Line[] {
    const lines: Line[] = [];
    for (const booking of this.all()) {
      if (accounts.has(booking.accountId)) lines.push({ booking, cents: this.centsOf(booking), balance: 0 });
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
    for (const booking of this.byId.values()) {
      const before = held.get(booking.accountId);
      if (before !== undefined && booking.date <= day) held.set(booking.accountId, before + this.centsOf(booking));
    }
    return held;
  }

  /** What some accounts held together at the end of every day from the first to the last. */
  series(accounts: Offsets, first: Day, last: Day): Point[] {
    const length = toNumber(last) - toNumber(first) + 1;
    const changes = Array.from({ length: Math.max(0, length) }, () => 0);
    let balance = sumOf(accounts);
    for (const booking of this.byId.values()) {
      const { accountId, date } = booking;
      if (!accounts.has(accountId) || date > last) continue;
      if (date < first) balance += this.centsOf(booking);
      else changes[toNumber(date) - toNumber(first)]! += this.centsOf(booking);
    }
    return changes.map((change, at) => ({ day: addDays(first, at), balance: (balance += change) }));
  }
}

/** What the bookings that open accounts change, by their ids. */
function openingsOf(bookings: Iterable<Booking>): Map<string, Cents> {
  const all = [...bookings];
  const first = firstOpenings(all);
  const changes = new Map([...first.values()].map(({ id, amount }) => [id, toCents(amount)]));
  if (!first.size) return changes;
  for (const { accountId, date, amount } of all) {
    const opening = first.get(accountId);
    if (opening && date < opening.date) changes.set(opening.id, (changes.get(opening.id) ?? 0) - toCents(amount));
  }
  return changes;
}

/** By account the booking that opens it: the oldest, should there be several. */
function firstOpenings(bookings: Iterable<Booking>): Map<string, Booking> {
  const first = new Map<string, Booking>();
  for (const booking of bookings) {
    if (!booking.opensAccount) continue;
    const known = first.get(booking.accountId);
    if (!known || newestFirst(known, booking) < 0) first.set(booking.accountId, booking);
  }
  return first;
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
