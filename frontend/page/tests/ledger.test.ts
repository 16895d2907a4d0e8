import { expect, test } from "vitest";
import { Ledger, type Booking } from "../ledger.ts";

function booking(id: string, date: string, amount: number, accountId = "giro"): Booking {
  return { id, date, amount, accountId, description: id, type: "EXPENSE", created_at: `${date}T12:00:00.000Z`, updated_at: "" };
}

const GIRO = new Map([["giro", 100]]);

test("a balance is the account's offset and its bookings up to the day", () => {
  const ledger = new Ledger();
  ledger.put([booking("a", "2026-01-01", -10.1), booking("b", "2026-01-02", -0.2), booking("c", "2026-02-01", 50), booking("x", "2026-01-01", 7, "cash")]);
  expect(ledger.balances(GIRO, "2026-01-31")).toEqual(new Map([["giro", 8970]]));
  expect(ledger.balances(GIRO, "2026-02-01")).toEqual(new Map([["giro", 13970]]));
});

test("each line has the balance after it, the newest first, whichever order they came in", () => {
  const [a, b, c] = [booking("a", "2026-01-01", 1), booking("b", "2026-01-02", 2), booking("c", "2026-01-02", 4)];
  c.created_at = "2026-01-02T13:00:00.000Z";
  for (const order of [[a, b, c], [c, a, b], [b, c, a]]) {
    const ledger = new Ledger();
    ledger.put(order);
    expect(ledger.lines(GIRO).map((line) => [line.booking.id, line.balance])).toEqual([["c", 10700], ["b", 10300], ["a", 10100]]);
  }
});

test("a booking that is changed moves, and one that is deleted goes", () => {
  const ledger = new Ledger();
  ledger.put([booking("a", "2026-01-01", 1), booking("b", "2026-01-02", 2)]);
  ledger.all();
  ledger.put([booking("a", "2026-01-03", 5)]);
  expect(ledger.all().map(({ id }) => id)).toEqual(["a", "b"]);
  ledger.delete(["b"]);
  expect(ledger.lines(GIRO).map((line) => line.balance)).toEqual([10500]);
});

test("a series has every day, begins with what was before, and ends with the balance of its last day", () => {
  const ledger = new Ledger();
  ledger.put([booking("before", "2025-12-31", 1), booking("in", "2026-01-02", 2), booking("after", "2026-01-05", 4)]);
  expect(ledger.series(GIRO, "2026-01-01", "2026-01-03").map(({ day, balance }) => [day, balance])).toEqual([
    ["2026-01-01", 10100],
    ["2026-01-02", 10300],
    ["2026-01-03", 10300],
  ]);
});
