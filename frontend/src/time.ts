/** Times as the protocol writes them: `YYYY-MM-DDTHH:MM:SS.mmmZ`, whose text sorts. */

/** Milliseconds since 1970 as canonical text. */
export function timeText(millis: number): string {
  return new Date(millis).toISOString();
}

/** The moment of an edit: by the corrected clock, and later than what it replaces. `previous` is a canonical time. */
export function editTime(now: number, offset: number, previous: string | undefined): string {
  const own = Math.round(now + offset);
  return timeText(previous === undefined ? own : Math.max(own, Date.parse(previous) + 1));
}
