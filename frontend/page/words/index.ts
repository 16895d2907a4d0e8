import { computed, type ComputedRef } from "vue";
import { locale, preferences, type Language } from "../preferences.ts";
import { de } from "./de.ts";
import { en, type Words } from "./en.ts";

export const DICTIONARIES: Record<Language, Words> = { en, de };

/** What the page says in the language chosen now. */
export const words: ComputedRef<Words> = computed(() => DICTIONARIES[preferences.language]);

/** How numbers, days and moments are written by Intl in the language and currency chosen now. */
export const written = computed(() => {
  const place = locale();
  const currency = preferences.currency;
  const money = new Intl.NumberFormat(place, { style: "currency", currency, minimumFractionDigits: 2 });
  const signed = new Intl.NumberFormat(place, {
    style: "currency", currency, minimumFractionDigits: 2, signDisplay: "exceptZero",
  });
  const round = new Intl.NumberFormat(place, { style: "currency", currency, maximumFractionDigits: 0 });
  const plain = new Intl.NumberFormat(place, { minimumFractionDigits: 2, maximumFractionDigits: 2, useGrouping: false });
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
    money: (cents: number) => minus(money.format(cents / 100 || 0)),
    signed: (cents: number) => minus(signed.format(cents / 100 || 0)),
    roundMoney: (cents: number) => minus(round.format(cents / 100 || 0)),
    /** An amount for an input field: as somebody would type it. */
    typed: (cents: number) => plain.format(cents / 100),
    count: (number: number) => whole.format(number),
    day: (date: Date) => day.format(date),
    dayOfMonth: (date: Date) => dayOfMonth.format(date),
    weekday: (date: Date) => weekday.format(date),
    month: (date: Date) => month.format(date),
    monthOfYear: (date: Date) => monthOfYear.format(date),
    moment: (date: Date) => moment.format(date),
    ago: (date: Date, now: number) => relative.format(...distance(date.getTime() - now)),
    decimalSign: plain.formatToParts(1.5).find((part) => part.type === "decimal")?.value ?? ".",
  };
});

/** A hyphen is too short to stand before a number. */
function minus(text: string): string {
  return text.replace("-", "\u2212");
}

function distance(milliseconds: number): [number, Intl.RelativeTimeFormatUnit] {
  const seconds = Math.round(milliseconds / 1000);
  const size = Math.abs(seconds);
  if (size < 60) return [seconds, "second"];
  if (size < 3600) return [Math.round(seconds / 60), "minute"];
  if (size < 86_400) return [Math.round(seconds / 3600), "hour"];
  return [Math.round(seconds / 86_400), "day"];
}
