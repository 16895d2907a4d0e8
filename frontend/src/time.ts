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

/** The server's clock minus this one, in ms, after it told its time between `asked` and `answered`; what still fits is kept. */
export function offsetAfter(known: number, asked: number, told: number, answered: number): number {
  const [least, most] = [told - answered, told - Math.min(asked, answered)]; // the clock may have been set back meanwhile
  return known >= least && known <= most ? known : Math.round((least + most) / 2);
}
