import type { Point } from "./ledger.ts";
import type { Cents } from "./money.ts";

/** A point that is drawn: where it stands among all, and its balance. */
export interface Drawn {
  index: number;
  balance: Cents;
}

/** The points that make the same picture with few: of each column its first, lowest, highest and last. */
export function columns(points: readonly Point[], most: number): Drawn[] {
  const all = points.map(({ balance }, index) => ({ index, balance }));
  if (all.length <= most) return all;
  const size = all.length / most;
  const kept: Drawn[] = [];
  for (let column = 0; column < most; column++) {
    const part = all.slice(Math.floor(column * size), Math.floor((column + 1) * size));
    const lowest = part.reduce((a, b) => (b.balance < a.balance ? b : a), part[0]!);
    const highest = part.reduce((a, b) => (b.balance > a.balance ? b : a), part[0]!);
    const chosen = new Set([part[0]!, lowest, highest, part.at(-1)!]);
    kept.push(...[...chosen].sort((a, b) => a.index - b.index));
  }
  return kept;
}

/**
 * Two to seven round values from below the least balance to above the greatest. Zero is among them: an area that began
 * elsewhere would show a small change as a large one. `unit` is how many cents one unit of the currency has.
 */
export function ticksOf(balances: readonly Cents[], unit: number): Cents[] {
  if (!balances.length) return [];
  let [least, most] = [0, 0];
  for (const balance of balances) [least, most] = [Math.min(least, balance), Math.max(most, balance)];
  const span = Math.max(most - least, 10 * unit);
  const power = 10 ** Math.floor(Math.log10(span / 3));
  const step = ([1, 2, 2.5, 5, 10].find((factor) => span / (factor * power) <= 4) ?? 10) * power;
  const first = Math.floor(least / step);
  const last = Math.max(Math.ceil(most / step), first + 1);
  return Array.from({ length: last - first + 1 }, (_, place) => Math.round((first + place) * step));
}

/** From a balance to a height, with the lowest tick at `bottom` and the highest at `top`. */
export function scale(ticks: readonly Cents[], bottom: number, top: number): (balance: Cents) => number {
  const [least, most] = [ticks[0] ?? 0, ticks.at(-1) ?? 1];
  return (balance) => bottom - ((balance - least) / Math.max(1, most - least)) * (bottom - top);
}
