/** Days as the book keeps them: `YYYY-MM-DD`, without a time zone. */
export type Day = string;

const LENGTH = 86_400_000;

/** The day it is here. */
export function today(): Day {
  const now = new Date();
  return text(Date.UTC(now.getFullYear(), now.getMonth(), now.getDate()));
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
  return /^\d{4}-\d{2}-\d{2}$/.test(value) && !Number.isNaN(Date.parse(`${value}T00:00:00Z`));
}

function text(time: number): Day {
  return new Date(time).toISOString().slice(0, 10);
}
