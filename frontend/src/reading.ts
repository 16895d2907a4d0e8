/** Reading many rows at once: a request to IndexedDB costs more than many rows that come along in vain. */

import type { Table } from "dexie";

const FEW = 100; // so many are asked for one by one
const SPARE = 4; // rows that may come along in vain, for each that is wanted

/** Whether a range of `size` rows is better read as a whole, for the sake of `wanted` of them. */
export function isDense(size: number, wanted: number): boolean {
  return wanted >= FEW && size <= SPARE * wanted;
}

/** The least and the greatest of some keys: texts, or lists of texts that begin alike. */
export function boundsOf<K extends string | string[]>(keys: readonly K[]): [K, K] {
  const [first] = keys;
  if (first === undefined) throw new RangeError("There are no keys.");
  const least = keys.reduce((a, b) => (b < a ? b : a), first);
  return [least, keys.reduce((a, b) => (b > a ? b : a), first)];
}

/** The rows with these primary keys, in their order. */
export async function rowsOf<R, K extends string | string[]>(
  table: Table<R, K>,
  keys: readonly K[],
): Promise<(R | undefined)[]> {
  if (keys.length < FEW) return table.bulkGet([...keys]);
  const range = () => table.where(":id").between(...boundsOf(keys), true, true);
  const there = await range().primaryKeys();
  const names = new Set(there.map(String));
  const wanted = keys.filter((key) => names.has(String(key)));
  if (!wanted.length) return keys.map(() => undefined);
  const rows = isDense(there.length, wanted.length) ? await range().toArray() : await table.bulkGet(wanted);
  const read = rows.length === there.length ? there : wanted;
  const found = new Map(read.map((key, i) => [String(key), rows[i]]));
  return keys.map((key) => found.get(String(key)));
}
