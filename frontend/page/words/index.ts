import { computed, type ComputedRef } from "vue";
import { currency, decimalsOf, unitsInOne } from "../currency.ts";
import { amountStyle, parseAmount, type Cents } from "../money.ts";
import { locale, preferences, type Language } from "../preferences.ts";
import { de } from "./de.ts";
import { en, type Words } from "./en.ts";
import { axisLabels, minus } from "./numbers.ts";

export const DICTIONARIES: Record<Language, Words> = { en, de };

/** What the page says in the language chosen now. */
export const words: ComputedRef<Words> = computed(() => DICTIONARIES[preferences.language]);

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
  const inUtc = { timeZone: "UTC" } as const;
  const day = new Intl.DateTimeFormat(place, { day: "numeric", month: "long", year: "numeric", ...inUtc });
  const weekday = new Intl.DateTimeFormat(place, { weekday: "short", day: "numeric", month: "long", year: "numeric", ...inUtc });
  const month = new Intl.DateTimeFormat(place, { month: "short", ...inUtc });
  const monthOfYear = new Intl.DateTimeFormat(place, { month: "short", year: "2-digit", ...inUtc });
  const moment = new Intl.DateTimeFormat(place, { dateStyle: "medium", timeStyle: "short" });
  const relative = new Intl.RelativeTimeFormat(place, { numeric: "auto" });
  const dayOfMonth = new Intl.DateTimeFormat(place, { day: "numeric", month: "short", ...inUtc });
  return {
    place,
    money: (cents: Cents) => minus(money.format(cents / units || 0)),
    signed: (cents: Cents) => minus(signed.format(cents / units || 0)),
    /** Amounts that stand at an axis: short, and each another text. */
    axis: (ticks: readonly Cents[]) => axisLabels(place, currency.value, ticks.map((tick) => tick / units || 0)),
    /** An amount for an input field: as somebody would type it. */
    typed: (cents: Cents) => plain.format(cents / units),
    /** What somebody typed as an amount; null: it is none. */
    parsed: (typed: string) => parseAmount(typed, style),
    count: (number: number) => whole.format(number),
    day: (date: Date) => day.format(date),
    dayOfMonth: (date: Date) => dayOfMonth.format(date),
    weekday: (date: Date) => weekday.format(date),
    month: (date: Date) => month.format(date),
    monthOfYear: (date: Date) => monthOfYear.format(date),
    moment: (date: Date) => moment.format(date),
    ago: (date: Date, now: number) => relative.format(...distance(date.getTime() - now)),
  };
});

function distance(milliseconds: number): [number, Intl.RelativeTimeFormatUnit] {
  const seconds = Math.round(milliseconds / 1000);
  const size = Math.abs(seconds);
  if (size < 60) return [seconds, "second"];
  if (size < 3600) return [Math.round(seconds / 60), "minute"];
  if (size < 86_400) return [Math.round(seconds / 3600), "hour"];
  return [Math.round(seconds / 86_400), "day"];
}
