/**
 * Amounts: the book has JSON numbers in units of its currency; sums are made in whole smallest units of it (cents, yen,
 * fils), so that nothing drifts. Only what is shown is rounded to them: the book keeps each number as it was stored.
 */
import { unitsInOne } from "./currency.ts";

/** Smallest units of the present currency. */
export type Cents = number;

const MOST = 1e15; // cents; above it a number would lose them

/** Rounds half away from zero, so that both sides of a transfer stay equal. */
export function toCents(amount: number): Cents {
  return Math.sign(amount) * Math.round(Math.abs(amount) * unitsInOne.value);
}

export function fromCents(cents: Cents): number {
  return cents / unitsInOne.value;
}

/** How amounts are written in a locale and a currency, as far as it takes to read them. */
export interface AmountStyle {
  /** The digits behind the decimal sign that the currency has. */
  decimals: number;
  /** What may stand before the decimals: `.` or `,`. */
  decimalSigns: ReadonlySet<string>;
  /** What may group thousands. */
  groupSigns: ReadonlySet<string>;
  /** What may stand beside the number for the currency: its sign, its code. */
  currencyNames: readonly string[];
}

/** How `Intl` writes numbers there, without a currency and with one. English names of the currency are understood everywhere. */
export function amountStyle(place: string, currency: string, decimals: number): AmountStyle {
  const withCurrency = (where: string): Intl.NumberFormatPart[] =>
    (["symbol", "narrowSymbol", "code"] as const).flatMap((currencyDisplay) =>
      new Intl.NumberFormat(where, {
        style: "currency",
        currency,
        currencyDisplay,
        minimumFractionDigits: 1,
      }).formatToParts(SAMPLE),
    );
  const parts = [
    ...new Intl.NumberFormat(place, { minimumFractionDigits: 1 }).formatToParts(SAMPLE),
    ...withCurrency(place),
  ];
  const all = (type: Intl.NumberFormatPartTypes, of = parts): string[] =>
    of.filter((part) => part.type === type).map(({ value }) => plain(value));
  return {
    decimals,
    decimalSigns: new Set(all("decimal")),
    groupSigns: new Set(all("group")),
    currencyNames: [...new Set(all("currency", [...parts, ...withCurrency("en")]))].sort((a, b) => b.length - a.length),
  };
}

const SAMPLE = 1234567.5;
const MARKS = /[.,\u066b](?=\d*$)/; // the last sign that may stand before decimals
const WHOLE = /^\d*$|^[1-9]\d{0,2}([ .,])\d{3}(?:\1\d{3})*$|^[1-9]\d?(?:,\d\d)+,\d{3}$/; // the last is the Indian way

/**
 * An amount as somebody types or pastes it: `12`, `12,5`, `1.234,56`, `1’234.50`, `12.50-`, `− 20 €`, in whichever
 * digits; null: none.
 *
 * `.` and `,` are both decimal signs, unless three digits follow. Then the locale decides: where the sign groups
 * thousands, `1.234` is a thousand and more; where it is the decimal sign, the currency must have three decimals.
 */
export function parseAmount(typed: string, style: AmountStyle): Cents | null {
  const { sign, number } = withoutNames(plain(typed), style.currencyNames) ?? { sign: 1, number: "" };
  const place = decimalPlace(number, style);
  if (place === null) return null;
  const [whole, decimals] = [number.slice(0, place), number.slice(place + 1)];
  const isWritten = place < number.length ? /^\d+$/.test(decimals) : whole !== "";
  if (!isWritten || !WHOLE.test(whole) || decimals.length > style.decimals) return null;
  const cents = Number(whole.replace(/\D/g, "") + decimals.padEnd(style.decimals, "0"));
  return cents > MOST ? null : sign * cents || 0;
}

/** Where the decimal sign stands; the number's length: it has none; null: nobody can tell. */
function decimalPlace(number: string, { decimals, decimalSigns, groupSigns }: AmountStyle): number | null {
  const at = number.search(MARKS);
  const mark = number[at];
  if (mark === undefined || number.indexOf(mark) < at) return number.length;
  const isAlone = !/[ .,]/.test(number.slice(0, at));
  if (!isAlone || number.length - at !== 4 || mark === ARABIC_DECIMAL) return at;
  if (decimalSigns.has(mark) !== groupSigns.has(mark)) return decimalSigns.has(mark) ? at : number.length;
  return decimals < 3 ? number.length : null;
}

/** The number and its sign, without what names the currency; null: something else is there, or two signs. */
function withoutNames(text: string, names: readonly string[]): { sign: 1 | -1; number: string } | null {
  const name = `(?:${names.map((each) => each.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")).join("|")})?`;
  const form = new RegExp(`^([+-]?) *${name} *([+-]?) *([\\d.,\\u066b ]*?) *([+-]?) *${name} *([+-]?)$`, "iu");
  const [, a = "", b = "", number = "", c = "", d = ""] = form.exec(text.trim()) ?? [];
  const signs = a + b + c + d;
  return signs.length > 1 ? null : { sign: signs === "-" ? -1 : 1, number };
}

const ARABIC_DECIMAL = "\u066b";

/** Digits, signs and spaces of all scripts and keyboards in their plain forms. */
function plain(text: string): string {
  return text
    .replace(/\p{Cf}/gu, "")
    .replace(/[\uff01-\uff5e]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0))
    .replace(/\p{Nd}/gu, digit)
    .replace(/\u2e41/g, ",")
    .replace(/[\u2010-\u2015\u2212\ufe63]/g, "-")
    .replace(/[\s'\u2018\u2019\u02bc\u066c]/g, " ");
}

/** The value of a decimal digit of any script: Unicode has them in rows of ten that begin at a code of …0 or …6. */
function digit(character: string): string {
  const known = character.normalize("NFKC"); // wide and mathematical ones, which stand otherwise
  if (/[0-9]/.test(known)) return known;
  const code = character.codePointAt(0) ?? 0;
  const row = code & ~15;
  return String(code - (/\p{Nd}/u.test(String.fromCodePoint(row)) ? row : row + 6));
}
