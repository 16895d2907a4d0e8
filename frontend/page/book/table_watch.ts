import Dexie, { liveQuery, RangeSet, type Table } from "dexie";
import { onScopeDispose, shallowRef, type ShallowRef } from "vue";
import { storageCode } from "../../src/index.ts";

/** What stands for the rows of a table that was not read yet. */
export const UNREAD: never[] = [];

/** All rows of a small table as they are shown, now and whenever they change, in whichever tab. */
export function useRows<Row, Shown>(table: Table<Row, string>, shown: (row: Row) => Shown): ShallowRef<Shown[]> {
  const rows = shallowRef<Shown[]>(UNREAD);
  const subscription = liveQuery(() => table.toArray()).subscribe((found) => (rows.value = found.map(shown)));
  onScopeDispose(() => subscription.unsubscribe());
  return rows;
}

interface Follower<Row> {
  /** Some of all the rows, in the order of their ids; `isLast` with the last of them. */
  loaded: (rows: Row[], isFirst: boolean, isLast: boolean) => void;
  /** What has become of some rows; undefined: gone. */
  changed: (rows: Map<string, Row | undefined>) => void;
}

const CHUNK = 2000; // rows read at once, so that the page stays alive in between

/** Whether a read failed because the browser has closed the book, which the status of the sync tells. */
function isCutOff(error: unknown): boolean {
  return storageCode(error) === "storage_lost" || (error as Error).name === "AbortError";
}

/** Reads a large table once, a part at a time, and from then on only what has changed in it, in whichever tab. */
export function followTable<Row extends { id: string }>(
  table: Table<Row, string>,
  follower: Follower<Row>,
): () => void {
  const part = `idb://${table.db.name}/${table.name}/`;
  let touched = new Set<string>();
  let isStale = true; // everything has to be read
  let isReading = false;
  let hasEnded = false;

  async function read(): Promise<void> {
    if (isReading) return;
    isReading = true;
    try {
      while (!hasEnded && (isStale || touched.size)) {
        if (isStale) await readAll();
        else await readTouched();
      }
    } catch (error) {
      isStale = true; // the next change reads it again
      if (!hasEnded && !isCutOff(error)) throw error;
    } finally {
      isReading = false;
    }
  }

  async function readAll(): Promise<void> {
    isStale = false;
    touched = new Set();
    for (let after = "", isLast = false; !isLast && !isStale && !hasEnded;) {
      const rows = await table.where(":id").above(after).limit(CHUNK).toArray();
      isLast = rows.length < CHUNK;
      if (!hasEnded) follower.loaded(rows, after === "", isLast);
      after = rows.at(-1)?.id ?? "";
    }
  }

  async function readTouched(): Promise<void> {
    const ids = [...touched];
    touched = new Set();
    const rows = await table.bulkGet(ids);
    if (!hasEnded) follower.changed(new Map(ids.map((id, at) => [id, rows[at]])));
  }

  function hear(parts: Record<string, unknown>): void {
    const range = (parts[part] ?? parts["all"]) as ConstructorParameters<typeof RangeSet>[0] | undefined;
    if (!range) return;
    for (const { from, to } of new RangeSet(range)) {
      if (from === to && typeof from === "string") touched.add(from);
      else isStale = true; // many at once are told as a range, and so is all that happened while the page was put away
    }
    void read();
  }

  Dexie.on("storagemutated", hear);
  void read();
  return () => {
    hasEnded = true;
    Dexie.on.storagemutated.unsubscribe(hear);
  };
}
