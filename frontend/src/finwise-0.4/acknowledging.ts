/** After a sync: what the server has judged of the app's changes, and what the app goes on from. */

import type { Row } from "../database.js";
import { toData as contentsOf } from "../local.js";
import { type AppQueueEntry, queueOf, queued } from "./app_database.js";
import type { AppChange } from "./entering.js";
import { NAMED, saysTheSame, typeOf } from "./names.js";
import type { Sides } from "./sides.js";

/**
 * Notes what has become of these changes if the app still sees it: later edits are made from that, and so are those that
 * wait in the app's queue.
 */
export async function goOnFrom(sides: Sides, changes: readonly AppChange[]): Promise<void> {
  const versions = new Map<string, string | null>(); // of the change's type, entity and base: what has become of it
  for (const { entityType } of NAMED) {
    const ofType = changes.filter(({ entity_type }) => entity_type === entityType);
    if (ofType.length) await goOnFromType(sides, ofType, versions);
  }
  await moveBases(sides, versions);
}

async function goOnFromType(
  { book, told }: Sides,
  changes: readonly AppChange[],
  versions: Map<string, string | null>,
): Promise<void> {
  const entityType = changes[0]!.entity_type;
  const ids = changes.map(({ id }) => id);
  const rows = (await book.entities(entityType).bulkGet(ids)) as (Row | undefined)[];
  const tombstones = await book.syncTombstones.bulkGet(ids.map((id) => [entityType, id] as const) as never);
  const waiting = new Set((await book.syncQueue.toArray()).map(({ entity_type, id }) => `${entity_type} ${id}`));
  const isSeen = ({ id, data }: AppChange, row: Row | undefined): boolean =>
    waiting.has(`${entityType} ${id}`) ||
    (data === null ? !row : row !== undefined && saysTheSame(contentsOf(row), data));
  const seen = changes.map((change, i) => ({ change, row: rows[i], tombstone: tombstones[i] }));
  const goneOn = seen.filter(({ change, row }) => isSeen(change, row));
  for (const { change, row, tombstone } of goneOn)
    versions.set(keyOf(entityType, change.id, change.base_updated_at), (row ?? tombstone)?.base_updated_at ?? null);
  const living = goneOn.flatMap(({ row }) => (row?.base_updated_at ? [row] : []));
  await told.note(
    entityType,
    living.map(({ id, base_updated_at }) => ({ id, updated_at: base_updated_at! })),
  );
  await told.forget(
    entityType,
    goneOn.filter(({ row }) => !row).map(({ change }) => change.id),
  );
}

/** Moves the bases of what the app has queued since. */
async function moveBases({ app, funds }: Sides, versions: Map<string, string | null>): Promise<void> {
  const keyOfEntry = ({ entityType, entityId, base_updated_at }: AppQueueEntry): string =>
    keyOf(typeOf(entityType) ?? "", funds.toBook(entityId), base_updated_at ?? null);
  const built = (await queued(app)).filter((entry) => versions.has(keyOfEntry(entry)));
  await queueOf(app).bulkUpdate(
    built.map((entry) => ({ key: entry.id, changes: { base_updated_at: versions.get(keyOfEntry(entry)) ?? null } })),
  );
}

function keyOf(entityType: string, id: string, base: string | null): string {
  return `${entityType} ${id} ${base}`;
}
