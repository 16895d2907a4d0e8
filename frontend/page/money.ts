/** Amounts: the book has JSON numbers with two decimals; sums are made in whole cents, so that nothing drifts. */
export type Cents = number;

const MOST = 1e13; // cents; above it a number would lose them

export function toCents(amount: number): Cents {
  return Math.round(amount * 100);
}

export function fromCents(cents: Cents): number {
  return cents / 100;
}

const PLAIN = /^(\d*)(?:[.,](\d{1,2}))?$/;
const GROUPED = /^(\d{1,3}([.,])\d{3}(?:\2\d{3})*)(?:(?!\2)[.,](\d{1,2}))?$/;

/**
 * An amount as somebody types it: `12`, `12,5`, `1.234,56`, `1,234.56`, `-3`, `+ 20 €`; null: none.
 * Both `.` and `,` are decimal signs, before one or two digits. `1.234` is a thousand and more where `.` groups
 * thousands, and no amount of money where it is the decimal sign.
 */
export function parseAmount(typed: string, decimalSign: string): Cents | null {
  const [, sign = "", number = ""] = /^([+-]?)(.*)$/.exec(typed.replace(/[\s\u00a0\u202f'’€$£]/g, "").replace(/[−–]/g, "-")) ?? [];
  const cents = plainCents(number) ?? groupedCents(number, decimalSign);
  if (cents === null || cents > MOST) return null;
  return sign === "-" ? -cents : cents;
}

function plainCents(number: string): Cents | null {
  const match = number ? PLAIN.exec(number) : null;
  return match && centsOf(match[1], match[2]);
}

function groupedCents(number: string, decimalSign: string): Cents | null {
  const [, whole = "", separator, decimals] = GROUPED.exec(number) ?? [];
  const isAmbiguous = whole.length <= 7 && separator === decimalSign && decimals === undefined;
  return whole && !isAmbiguous ? centsOf(whole.replace(/[.,]/g, ""), decimals) : null;
}

function centsOf(whole = "", decimals = ""): Cents {
  return Number(whole || "0") * 100 + Number(decimals.padEnd(2, "0"));
}
