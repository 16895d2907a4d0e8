/** The queue: what was changed here and the server does not have yet, in the order it was made. */

import type { EntityType } from "./catalogue.js";
import type { FinwiseTenantSpecificDB, QueueEntry, RejectedEntry } from "./database.js";
import { askForReload } from "./device.js";
import { newId } from "./identifiers.js";
import type { Local } from "./local.js";

/** The entries of one entity, the oldest first. */
export function waiting(db: FinwiseTenantSpecificDB, entityType: EntityType, id: string): Promise<QueueEntry[]> {
  return db.syncQueue.where({ entity_type: entityType, id }).sortBy("place");
}

/** Queues what an entity has become, on the base it has; within the transaction that writes the entity. */
export async function enqueue(db: FinwiseTenantSpecificDB, local: Local): Promise<void> {
  const last = (await waiting(db, local.entity_type, local.id)).at(-1);
  const change = {
    updated_at: local.updated_at,
    created_at: local.created_at,
    base_updated_at: local.base_updated_at,
    data: local.data,
  };
  if (last && !last.sent && last.base_updated_at === local.base_updated_at) {
    await db.syncQueue.update(last.place, change);
  } else {
    const { entity_type, id } = local;
    await db.syncQueue.add({ change_id: newId(), entity_type, id, ...change, sent: 0 });
  }
}

/** Queues entities for a restored server, as they are and on no base, for none of them is an edit of what is there now. */
export async function giveBack(db: FinwiseTenantSpecificDB, locals: Local[]): Promise<void> {
  await db.syncQueue.bulkAdd(locals.map((local) => ({ ...local, change_id: newId(), base_updated_at: null, sent: 0 })));
}

/** Forgets the bases of what waits: after a restore another version may have the very time that a base names. */
export async function forgetBases(db: FinwiseTenantSpecificDB): Promise<void> {
  await db.syncQueue.toCollection().modify({ base_updated_at: null });
  await db.syncRejected.toCollection().modify({ base_updated_at: null });
}

/** The next entries to push and marks them as sent: at most `most`, of about `bytes`, but at least one. */
export async function takeBatch(db: FinwiseTenantSpecificDB, most: number, bytes: number, deletionsOnly: boolean): Promise<QueueEntry[]> {
  return db.transaction("rw", db.syncQueue, async () => {
    const batch: QueueEntry[] = [];
    let size = 0;
    let candidates = db.syncQueue.orderBy("place");
    if (deletionsOnly) candidates = candidates.filter((entry) => entry.data === null);
    for (const entry of await candidates.limit(most).toArray()) {
      size += JSON.stringify(entry.data).length + 400;
      if (batch.length && size > bytes) break;
      batch.push(entry);
    }
    await db.syncQueue.bulkUpdate(batch.filter((entry) => !entry.sent).map(({ place }) => ({ key: place, changes: { sent: 1 } })));
    return batch;
  });
}

/** A change as the protocol wants it. */
export function wireChange(entry: QueueEntry): Record<string, unknown> {
  const { change_id, entity_type, id, created_at, updated_at, base_updated_at, data } = entry;
  const deleted_at = data === null ? updated_at : null;
  return { change_id, entity_type, id, created_at, updated_at, base_updated_at, deleted_at, data };
}

/** Sets an entry aside that the server does not take. */
export async function setAside(db: FinwiseTenantSpecificDB, entry: QueueEntry, code: string, errors: RejectedEntry["errors"]): Promise<void> {
  await db.syncQueue.delete(entry.place);
  await db.syncRejected.put({ ...entry, code, errors });
}

/** Puts changes back into the queue that another version of the server may take; they were never judged. */
export async function askAgain(db: FinwiseTenantSpecificDB): Promise<void> {
  for (const { code, errors, place, ...entry } of await db.syncRejected.toArray()) {
    if (code !== "unknown_entity_type") continue;
    await db.syncQueue.add({ ...entry, sent: 0 });
    await db.syncRejected.delete(entry.change_id);
  }
}

/** Forgets a change that was set aside; the next sync puts the server's version in its place. */
export async function discard(db: FinwiseTenantSpecificDB, changeId: string): Promise<void> {
  await db.transaction("rw", db.syncRejected, db.syncDevice, async () => {
    await db.syncRejected.delete(changeId);
    await askForReload(db, { reason: "digest", give_back: false });
  });
}
