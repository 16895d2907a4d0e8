import { computed, type ComputedRef } from "vue";
import { currency, decimalsOf, isCurrency, unitsInOne } from "../book/currency.ts";
import { amountStyle, parseAmount, type Cents } from "../book/money.ts";
import { locale, preferences, type Language } from "../shell/preferences.ts";
import { de } from "./de.ts";
import { en, type Words } from "./en.ts";
import { axisLabels, minus } from "./numbers.ts";

export const DICTIONARIES: Record<Language, Words> = { en, de };

/** What the page says in the language chosen now. */
export const words: ComputedRef<Words> = computed(() => DICTIONARIES[preferences.language]);

const NO_DATE = "—"; // for a day that is none: other programs may write what they like
const inUtc = { timeZone: "UTC" } as const;

/** How numbers, days and moments are written by Intl in the language and currency chosen now. */
export const written = computed(() => {
  const place = locale();
  const decimals = decimalsOf(currency.value);
  const inCurrency = { style: "currency", currency: currency.value } as const;
  const digits = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  const money = new Intl.NumberFormat(place, { ...inCurrency, ...digits });
  const signed = new Intl.NumberFormat(place, { ...inCurrency, ...digits, signDisplay: "exceptZero" });
  const plain = new Intl.NumberFormat(place, { ...digits, useGrouping: false });
  const style = amountStyle(place, currency.value, decimals);
  const units = unitsInOne.value;
  const whole = new Intl.NumberFormat(place, { maximumFractionDigits: 0 });
  const megabytes = new Intl.NumberFormat(place, { style: "unit", unit: "megabyte", maximumFractionDigits: 1 });
  const relative = new Intl.RelativeTimeFormat(place, { numeric: "auto" });
  return {
    place,
    money: (cents: Cents) => minus(money.format(cents / units || 0)),
    signed: (cents: Cents) => minus(signed.format(cents / units || 0)),
    /** Amounts that stand at an axis: short, and each another text. */
    axis: (ticks: readonly Cents[]) =>
      axisLabels(
        place,
        currency.value,
        ticks.map((tick) => tick / units || 0),
      ),
    /** An amount for an input field: as somebody would type it. */
    typed: (cents: Cents) => plain.format(cents / units),
    /** What somebody typed as an amount; null: it is none. */
    parsed: (typed: string) => parseAmount(typed, style),
    count: (number: number) => whole.format(number),
    megabytes: (bytes: number) => megabytes.format(bytes / 1e6),
    currencyName: currencyNames(place),
    day: dated(place, { day: "numeric", month: "long", year: "numeric", ...inUtc }),
    shortDay: dated(place, { dateStyle: "medium", ...inUtc }),
    dayOfMonth: dated(place, { day: "numeric", month: "short", ...inUtc }),
    weekday: dated(place, { weekday: "short", day: "numeric", month: "long", year: "numeric", ...inUtc }),
    month: dated(place, { month: "short", ...inUtc }),
    monthOfYear: dated(place, { month: "short", year: "2-digit", ...inUtc }),
    monthAndYear: dated(place, { month: "long", year: "numeric", ...inUtc }),
    moment: dated(place, { dateStyle: "medium", timeStyle: "short" }),
    /** How long ago something was; what a clock that was set back puts into the future has just been. */
    ago: (date: Date, now: number) =>
      isTime(date) ? relative.format(...distance(Math.min(0, date.getTime() - now))) : NO_DATE,
  };
});

function dated(place: string, options: Intl.DateTimeFormatOptions): (date: Date) => string {
  const format = dateFormat(place, options);
  return (date) => (isTime(date) ? format.format(date) : NO_DATE);
}

function dateFormat(place: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat(place, options);
  } catch {
    return new Intl.DateTimeFormat(place, { ...options, ...inUtc }); // the system has a time zone that the browser does not know
  }
}

function isTime(date: Date): boolean {
  return !Number.isNaN(date.getTime());
}

/** What a currency is called; its code if the browser has no name for it. */
function currencyNames(place: string): (code: string) => string {
  try {
    const names = new Intl.DisplayNames([place], { type: "currency" });
    return (code) => (isCurrency(code) && names.of(code)) || code;
  } catch {
    return (code) => code;
  }
}

function distance(milliseconds: number): [number, Intl.RelativeTimeFormatUnit] {
  const seconds = Math.round(milliseconds / 1000);
  const size = Math.abs(seconds);
  if (size < 60) return [seconds, "second"];
  if (size < 3600) return [Math.round(seconds / 60), "minute"];
  if (size < 86_400) return [Math.round(seconds / 3600), "hour"];
  return [Math.round(seconds / 86_400), "day"];
}
