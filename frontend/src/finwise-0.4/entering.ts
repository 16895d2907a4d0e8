/** From the app's changes to the queue of the book. */

import type { Data, EntityType } from "../catalogue.js";
import type { FinwiseTenantSpecificDB } from "../database.js";
import { device } from "../device.js";
import { type Local, Locals, type Step } from "../local.js";
import { lastWaiting, overtake } from "../queue.js";
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
export async function enter(db: FinwiseTenantSpecificDB, changes: readonly AppChange[]): Promise<void> {
  if (!changes.length) return;
  await db.transaction("rw", db.tables, async () => {
    const locals = new Locals(db);
    for (const turn of inTurns(await unknown(db, changes))) await enterTurn(db, locals, turn);
    await locals.save();
  });
}

async function unknown(db: FinwiseTenantSpecificDB, changes: readonly AppChange[]): Promise<AppChange[]> {
  const ids = changes.map(({ change_id }) => change_id);
  const known = new Set([...(await stillWaiting(db, ids)), ...(await db.syncRejected.toCollection().primaryKeys())]);
  return changes.filter(({ change_id }) => !known.has(change_id));
}

/** Changes of one type, and of each entity one: the later ones of an entity build upon it. */
function inTurns(changes: readonly AppChange[]): Iterable<AppChange[]> {
  const [turns, seen] = [new Map<string, AppChange[]>(), new Map<string, number>()];
  for (const change of changes) {
    const entity = `${change.entity_type} ${change.id}`;
    const turn = `${seen.get(entity) ?? 0} ${change.entity_type}`;
    seen.set(entity, (seen.get(entity) ?? 0) + 1);
    turns.set(turn, [...(turns.get(turn) ?? []), change]);
  }
  return turns.values();
}

async function enterTurn(db: FinwiseTenantSpecificDB, locals: Locals, changes: AppChange[]): Promise<void> {
  const entityType = changes[0]!.entity_type;
  const ids = changes.map(({ id }) => id);
  if (await db.syncRejected.count()) for (const id of ids) await overtake(db, entityType, id);
  const before = await locals.findAll(entityType, ids);
  const earlier = await lastWaiting(
    db,
    changes.map((change, i) => ({ local: change, before: before[i] })),
  );
  const { offset } = await device(db);
  const steps = changes.map((change, i) => stepOf(change, before[i], earlier[i]?.updated_at, offset));
  await locals.put(
    entityType,
    steps.filter((step, i) => earlier[i] !== undefined || !isOvertaken(step)),
  );
  await db.syncQueue.bulkAdd(steps.map(({ local }, i) => ({ ...local, change_id: changes[i]!.change_id, sent: 0 })));
}

function stepOf(change: AppChange, before: Local | undefined, earlier: string | undefined, offset: number): Step {
  const { entity_type, id, data, at, base_updated_at } = change;
  const updated_at = editTime(at, offset, earlier ?? base_updated_at ?? undefined);
  const created_at = before?.created_at ?? createdAt(data) ?? updated_at;
  return { local: { entity_type, id, created_at, updated_at, base_updated_at, data }, before };
}

/** A version of the server's that is newer stays: the server will judge it so, too. */
function isOvertaken({ local, before }: Step): boolean {
  return !!before && before.base_updated_at !== local.base_updated_at && before.updated_at > local.updated_at;
}

/** The app's own time of creation, if it is one. */
function createdAt(data: Data | null): string | undefined {
  const time = Date.parse(String(data?.["createdAt"]));
  return time >= 0 ? timeText(time) : undefined;
}

/** Of these changes, those whose result has not come. */
export async function stillWaiting(db: FinwiseTenantSpecificDB, changeIds: readonly string[]): Promise<Set<string>> {
  if (!changeIds.length) return new Set();
  return new Set((await db.syncQueue.where("change_id").anyOf(changeIds).keys()) as string[]);
}
