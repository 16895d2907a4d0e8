/**
 * The queue: what was changed here and the server does not have yet, in the order it was made. The entries of a group
 * follow one another, and are pushed, set aside and discarded together.
 */

import type { EntityType } from "./catalogue.js";
import type { FinwiseTenantSpecificDB, QueueEntry, RejectedEntry } from "./database.js";
import { askForReload } from "./device.js";
import { newId } from "./identifiers.js";
import type { Local, Step } from "./local.js";
import { boundsOf, isDense } from "./reading.js";

/** The most entries of one group. A group is never split over two pushes, so it must fit into one. */
export const MOST_TOGETHER = 500;

/** The entries of one entity, the oldest first. */
export function waiting(db: FinwiseTenantSpecificDB, entityType: EntityType, id: string): Promise<QueueEntry[]> {
  return db.syncQueue.where({ entity_type: entityType, id }).sortBy("place");
}

/**
 * Queues what entities have become, each once, on the bases they have and in the groups of the same places; within the
 * transaction that writes them. An edit of a group changes no entry of another one: two groups may be accepted
 * independently.
 */
export async function enqueue(
  db: FinwiseTenantSpecificDB,
  steps: readonly Step[],
  groups: readonly (string | undefined)[],
): Promise<void> {
  const last = await lastWaiting(db, steps);
  const entries = steps.map(({ local }, i) => queued(local, groups[i], last[i]));
  await db.syncQueue.bulkPut(entries); // Dexie gives new ones their places
}

/** The newest entry of each entity. What was not here before has none: nothing is forgotten while it waits. */
export async function lastWaiting(
  db: FinwiseTenantSpecificDB,
  steps: readonly { local: Pick<Local, "entity_type" | "id">; before: Local | undefined }[],
): Promise<(QueueEntry | undefined)[]> {
  const keys = steps.filter(({ before }) => before).map(({ local }) => [local.entity_type, local.id]);
  if (!keys.length) return [];
  const range = db.syncQueue.where("[entity_type+id]").between(...boundsOf(keys), true, true);
  const size = await range.count();
  if (!size) return [];
  if (!isDense(size, keys.length)) {
    return Promise.all(steps.map(async ({ local }) => (await waiting(db, local.entity_type, local.id)).at(-1)));
  }
  const newest = new Map<string, QueueEntry>();
  for (const entry of await range.toArray()) {
    if (entry.place > (newest.get(entry.id)?.place ?? 0)) newest.set(entry.id, entry);
  }
  return steps.map(({ local }) => newest.get(local.id));
}

/** The entry of an edit: the last one changed if that was not sent and is of the same base and group, otherwise a new one. */
function queued(
  { entity_type, id, ...change }: Local,
  group: string | undefined,
  last: QueueEntry | undefined,
): Omit<QueueEntry, "place"> {
  const isOfGroup = group === undefined || last?.group === group;
  if (last && !last.sent && isOfGroup && last.base_updated_at === change.base_updated_at) return { ...last, ...change };
  return { change_id: newId(), entity_type, id, ...change, ...(group && { group }), sent: 0 };
}

/** Queues entities for a restored server, as they are and on no base, for none of them is an edit of what is there now. */
export async function giveBack(db: FinwiseTenantSpecificDB, locals: Local[]): Promise<void> {
  await db.syncQueue.bulkAdd(locals.map((local) => ({ ...local, change_id: newId(), base_updated_at: null, sent: 0 })));
}

/**
 * A base of before a restore, moved to the years from 9000 on: after it another version may have the very time that the
 * base names, and none has this one. Different bases stay different, for they part the edits that were made from them.
 */
export function formerBase(base: string | null): string | null {
  return base && `9${base.slice(1)}`;
}

/** Makes the bases of all that waits, and of what was set aside, bases of before a restore. */
export async function moveBases(db: FinwiseTenantSpecificDB): Promise<void> {
  const move = (entry: { base_updated_at: string | null }): void => {
    entry.base_updated_at = formerBase(entry.base_updated_at);
  };
  await db.syncQueue.toCollection().modify(move);
  await db.syncRejected.toCollection().modify(move);
}

/** The next entries to push, marked as sent: at most `most`, of about `bytes`, but at least one entry or group. */
export async function takeBatch(
  db: FinwiseTenantSpecificDB,
  most: number,
  bytes: number,
  deletionsOnly: boolean,
): Promise<QueueEntry[]> {
  return db.transaction("rw", db.syncQueue, async () => {
    const batch: QueueEntry[] = [];
    let size = 0;
    for (const unit of unitsOf(await firstWaiting(db, most, deletionsOnly))) {
      size += JSON.stringify(unit.map(({ data }) => data)).length + 400 * unit.length;
      if (batch.length && (size > bytes || batch.length + unit.length > most)) break;
      batch.push(...unit);
    }
    await db.syncQueue.bulkUpdate(
      batch.filter((entry) => !entry.sent).map(({ place }) => ({ key: place, changes: { sent: 1 } })),
    );
    return batch;
  });
}

/** Whether anything waits that may be sent. */
export async function hasWaiting(db: FinwiseTenantSpecificDB, deletionsOnly: boolean): Promise<boolean> {
  return (await firstWaiting(db, 1, deletionsOnly)).length > 0;
}

/** The first `most` entries that may be sent, and what belongs to the last of them. */
async function firstWaiting(db: FinwiseTenantSpecificDB, most: number, deletionsOnly: boolean): Promise<QueueEntry[]> {
  const writing = deletionsOnly ? await groupsThatWrite(db) : undefined;
  const maySend = ({ data, group }: QueueEntry): boolean => !writing || (data === null && !writing.has(group ?? ""));
  const first = await db.syncQueue.orderBy("place").filter(maySend).limit(most).toArray();
  const last = first.at(-1);
  if (!last?.group) return first;
  const rest = db.syncQueue
    .where("place")
    .above(last.place)
    .until(({ group }) => group !== last.group);
  return [...first, ...(await rest.toArray())];
}

/** The groups that do more than delete. */
async function groupsThatWrite(db: FinwiseTenantSpecificDB): Promise<Set<string>> {
  const groups = new Set<string>();
  await db.syncQueue.each(({ data, group }) => void (data !== null && group && groups.add(group)));
  return groups;
}

/** Entries as they are pushed: those of a group as one unit, all others alone. */
export function unitsOf<E extends Pick<QueueEntry, "group">>(entries: readonly E[]): E[][] {
  const units: E[][] = [];
  for (const entry of entries) {
    const last = units.at(-1);
    if (entry.group && last?.[0]?.group === entry.group) last.push(entry);
    else units.push([entry]);
  }
  return units;
}

/** A change as the protocol wants it. */
export function wireChange(entry: QueueEntry): Record<string, unknown> {
  const { change_id, entity_type, id, created_at, updated_at, base_updated_at, data, group } = entry;
  const deleted_at = data === null ? updated_at : null;
  return {
    change_id,
    entity_type,
    id,
    created_at,
    updated_at,
    base_updated_at,
    deleted_at,
    data,
    ...(group && { group }),
  };
}

/** Sets an entry aside that the server does not take. */
export async function setAside(
  db: FinwiseTenantSpecificDB,
  entry: QueueEntry,
  code: string,
  errors: RejectedEntry["errors"],
): Promise<void> {
  await db.syncQueue.delete(entry.place);
  await db.syncRejected.put({ ...entry, code, errors });
}

/** Puts changes back into the queue that another version of the server may take, with their groups; they were never judged. */
export async function askAgain(db: FinwiseTenantSpecificDB): Promise<void> {
  for (const unit of await rejectedUnits(db)) {
    if (unit.some(({ code }) => code === "unknown_entity_type")) await queueAgain(db, unit);
  }
}

/**
 * Forgets what was set aside of an entity, since an edit of it overtakes that. What was set aside for its sake alone is
 * queued again, in `group` if the edit has one; the group that the edit belongs to then.
 */
export async function overtake(
  db: FinwiseTenantSpecificDB,
  entityType: EntityType,
  id: string,
  group?: string,
): Promise<string | undefined> {
  const isOvertaken = (entry: RejectedEntry): boolean => entry.entity_type === entityType && entry.id === id;
  if (!(await db.syncRejected.where({ entity_type: entityType, id }).count())) return group;
  const entries = (await rejectedUnits(db)).filter((unit) => unit.some(isOvertaken)).flat();
  const others = entries.filter((entry) => !isOvertaken(entry));
  const joined = group ?? others[0]?.group;
  await db.syncRejected.bulkDelete(entries.filter(isOvertaken).map(({ change_id }) => change_id));
  await queueAgain(
    db,
    others.map((entry) => ({ ...entry, ...(joined && { group: joined }) })),
  );
  return joined;
}

/** What was set aside, the entries of a group as one unit; in the order in which they were made. */
export function inUnits(rejected: readonly RejectedEntry[]): RejectedEntry[][] {
  return unitsOf([...rejected].sort((a, b) => a.place - b.place));
}

async function rejectedUnits(db: FinwiseTenantSpecificDB): Promise<RejectedEntry[][]> {
  return inUnits(await db.syncRejected.toArray());
}

async function queueAgain(db: FinwiseTenantSpecificDB, rejected: RejectedEntry[]): Promise<void> {
  for (const { code, errors, place, ...entry } of rejected) await db.syncQueue.add({ ...entry, sent: 0 });
  await db.syncRejected.bulkDelete(rejected.map(({ change_id }) => change_id));
}

/** Forgets a change that was set aside, and all of its group; the next sync puts the server's versions in their place. */
export async function discard(db: FinwiseTenantSpecificDB, changeId: string): Promise<void> {
  await db.transaction("rw", db.syncRejected, db.syncDevice, async () => {
    const unit =
      (await rejectedUnits(db)).find((entries) => entries.some(({ change_id }) => change_id === changeId)) ?? [];
    await db.syncRejected.bulkDelete(unit.map(({ change_id }) => change_id));
    await askForReload(db, { reason: "digest", give_back: false });
  });
}
