/** Days as the book keeps them: `YYYY-MM-DD`, without a time zone. */
export type Day = string;

const LENGTH = 86_400_000;

/** The day that a clock shows at a moment, in the time zone of this device. */
export function dayOf(moment: Date): Day {
  return text(Date.UTC(moment.getFullYear(), moment.getMonth(), moment.getDate()));
}

/** Whole days since 1970, for arithmetic. */
export function toNumber(day: Day): number {
  return Math.round(Date.parse(`${day}T00:00:00Z`) / LENGTH);
}

export function fromNumber(number: number): Day {
  return text(number * LENGTH);
}

export function addDays(day: Day, days: number): Day {
  return fromNumber(toNumber(day) + days);
}

/** The moment by which Intl writes the day, with `timeZone: "UTC"`. */
export function toDate(day: Day): Date {
  return new Date(`${day}T00:00:00Z`);
}

export function isDay(value: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(value)) return false;
  const time = Date.parse(`${value}T00:00:00Z`); // some browsers read the 31st of February as the 3rd of March
  return !Number.isNaN(time) && text(time) === value;
}

const YEARS_BACK = 20;
const YEARS_AHEAD = 2;

/** Whether a day is near enough to be taken without a question. */
export function isUsual(day: Day, today: Day): boolean {
  const [year, now] = [yearOf(day), yearOf(today)];
  return year >= now - YEARS_BACK && year <= now + YEARS_AHEAD;
}

/** The day that somebody meant who typed a year of two digits: 2026 for 26; null: the year has more digits. */
export function meantBy(day: Day, today: Day): Day | null {
  const year = yearOf(day);
  if (year >= 100) return null;
  const century = Math.floor(yearOf(today) / 100) * 100;
  const meant = century + year > yearOf(today) + YEARS_AHEAD ? century - 100 + year : century + year;
  return `${meant}${day.slice(4)}`;
}

export function yearOf(day: Day): number {
  return Number(day.slice(0, 4));
}

function text(time: number): Day {
  return new Date(time).toISOString().slice(0, 10);
}
