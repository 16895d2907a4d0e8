/** From the app's changes to the queue of the book. */

import type { Data, EntityType } from "../catalogue.js";
import type { FinwiseTenantSpecificDB } from "../database.js";
import { device } from "../device.js";
import { Locals } from "../local.js";
import { overtake, waiting } from "../queue.js";
import { editTime, timeText } from "../time.js";

/** A change of the app's, in the protocol's words. */
export interface AppChange {
  change_id: string;
  entity_type: EntityType;
  id: string;
  data: Data | null;
  /** When it was made, by this device's clock, ms since 1970. */
  at: number;
  base_updated_at: string | null;
}

/** Queues changes; one that is there already, or was rejected, stays as it is. */
export async function enter(db: FinwiseTenantSpecificDB, changes: AppChange[]): Promise<void> {
  await db.transaction("rw", db.tables, async () => {
    const locals = new Locals(db);
    for (const change of changes) await enterOne(db, locals, change);
    await locals.save();
  });
}

async function enterOne(db: FinwiseTenantSpecificDB, locals: Locals, change: AppChange): Promise<void> {
  const { change_id, entity_type, id, data, at, base_updated_at } = change;
  if (await isKnown(db, change_id)) return;
  await overtake(db, entity_type, id);
  const [before, earlier] = [await locals.find(entity_type, id), await waiting(db, entity_type, id)];
  const { offset } = await device(db);
  const updated_at = editTime(at, offset, earlier.at(-1)?.updated_at ?? base_updated_at ?? undefined);
  const created_at = before?.created_at ?? createdAt(data) ?? updated_at;
  const local = { entity_type, id, created_at, updated_at, base_updated_at, data };
  // A version of the server's that is newer stays: the server will judge it so, too.
  if (!before || earlier.length || before.base_updated_at === base_updated_at || before.updated_at <= updated_at) {
    await locals.put(entity_type, [{ local, before }]);
    await locals.save(); // the next of these changes may be of the same entity
  }
  await db.syncQueue.add({ ...local, change_id, sent: 0 });
}

async function isKnown(db: FinwiseTenantSpecificDB, changeId: string): Promise<boolean> {
  const queued = await db.syncQueue.where("change_id").equals(changeId).count();
  return queued > 0 || (await db.syncRejected.get(changeId)) !== undefined;
}

/** The app's own time of creation, if it is one. */
function createdAt(data: Data | null): string | undefined {
  const time = Date.parse(String(data?.["createdAt"]));
  return time >= 0 ? timeText(time) : undefined;
}

/** Of these changes, those whose result has come. */
export async function settled(db: FinwiseTenantSpecificDB, changeIds: string[]): Promise<Set<string>> {
  const waitingIds = new Set(
    (await db.syncQueue.where("change_id").anyOf(changeIds).toArray()).map(({ change_id }) => change_id),
  );
  return new Set(changeIds.filter((id) => !waitingIds.has(id)));
}
