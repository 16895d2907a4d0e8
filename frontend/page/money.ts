/** Amounts: the book has JSON numbers with two decimals; sums are made in whole cents, so that nothing drifts. */
export type Cents = number;

const MOST = 1e13; // cents; above it a number would lose them

export function toCents(amount: number): Cents {
  return Math.round(amount * 100);
}

export function fromCents(cents: Cents): number {
  return cents / 100;
}

/**
 * An amount as somebody types it: `12`, `12,5`, `1.234,56`, `1,234.56`, `-3`, `+ 20 €`; null: none.
 * The last of `.` and `,` is the decimal sign, unless exactly three digits follow a single kind of sign that the
 * language groups thousands with: `1.234` is a thousand and more in German, and one and a bit in English.
 */
export function parseAmount(typed: string, decimalSign: string): Cents | null {
  const plain = typed.replace(/[\s\u00a0\u202f'’€$£]/g, "").replace(/[−–]/g, "-");
  const match = /^([+-]?)(\d[\d.,]*|[.,]\d+)$/.exec(plain);
  if (!match) return null;
  const number = match[2] ?? "";
  const last = Math.max(number.lastIndexOf("."), number.lastIndexOf(","));
  const signs = new Set(number.replace(/\d/g, ""));
  const isGrouping = last >= 0 && signs.size === 1 && !signs.has(decimalSign) && /^\d{1,3}([.,]\d{3})+$/.test(number);
  const decimals = last < 0 || isGrouping ? "" : number.slice(last + 1);
  const whole = (last < 0 || isGrouping ? number : number.slice(0, last)).replace(/[.,]/g, "");
  if (decimals.length > 2 || (decimals === "" && last === number.length - 1 && last >= 0)) return null;
  const cents = Number(whole || "0") * 100 + Number(decimals.padEnd(2, "0") || "0");
  if (cents > MOST) return null;
  return match[1] === "-" ? -cents : cents;
}
