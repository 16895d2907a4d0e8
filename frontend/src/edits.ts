/**
 * Edits of entities: each is stamped and stored, and its change is queued, in one transaction. Many edits cost few
 * requests of IndexedDB: all that is needed is read at once, then all that has changed is written at once.
 */

import type { Table } from "dexie";
import type { Data, EntityType } from "./catalogue.js";
import type { FinwiseTenantSpecificDB } from "./database.js";
import { type Local, Locals, type Step } from "./local.js";
import { MOST_TOGETHER, enqueue, overtake } from "./queue.js";
import { editTime } from "./time.js";

/** What an entity becomes: `become` gets its data (null: it is not there) and returns its new data, null to delete it, or undefined to leave it. */
export interface Edit {
  id: string;
  become: (data: Data | null) => Data | null | undefined;
}

/** Raised if more is to be stored together than one push may hold; nothing of it is stored. */
export class TooManyTogether extends Error {
  constructor() {
    super(`At most ${MOST_TOGETHER} edits can be made together. Make several groups of them.`);
  }
}

/** The edits of one transaction. Those of a group are accepted by the server together, or not at all. */
export class Edits {
  private readonly locals: Locals;
  private count = 0;
  private offset: number | undefined;

  /** `now` is this device's clock in ms. */
  constructor(
    private readonly db: FinwiseTenantSpecificDB,
    private readonly now: () => number,
    private readonly group?: string,
  ) {
    this.locals = new Locals(db);
  }

  /** The tables that edits of a type read and write. */
  static tables(db: FinwiseTenantSpecificDB, entityType: EntityType): Table[] {
    return [db.entities(entityType), db.syncTombstones, db.syncQueue, db.syncMetadata, db.syncDevice, db.syncRejected];
  }

  /** Makes edits of one type in their order; answers what has changed. Nothing is written if one of them raises. */
  async make(entityType: EntityType, edits: readonly Edit[]): Promise<Local[]> {
    const [steps, rejected] = await Promise.all([this.steps(entityType, edits), this.db.syncRejected.count()]);
    this.count += steps.length;
    if (this.group && this.count > MOST_TOGETHER) throw new TooManyTogether();
    if (!steps.length) return [];
    const groups = rejected ? await this.overtaking(steps) : steps.map(() => this.group);
    await Promise.all([this.locals.put(entityType, steps), enqueue(this.db, steps, groups)]);
    return steps.map(({ local }) => local);
  }

  /** Writes what has become of the digests; at the end of the transaction. */
  save(): Promise<void> {
    return this.locals.save();
  }

  /** What becomes of each entity, once for each. */
  private async steps(entityType: EntityType, edits: readonly Edit[]): Promise<Step[]> {
    const ids = [...new Set(edits.map(({ id }) => id))];
    const [held, offset] = await Promise.all([this.locals.findAll(entityType, ids), this.clockOffset()]);
    const before = new Map(ids.map((id, i) => [id, held[i]]));
    const after = new Map<string, Local>();
    for (const { id, become } of edits) {
      const current = after.get(id) ?? before.get(id);
      const wanted = become(current?.data ?? null);
      if (wanted === undefined) continue;
      const updated_at = editTime(this.now(), offset, current?.updated_at);
      const { created_at, base_updated_at } = current ?? { created_at: updated_at, base_updated_at: null };
      after.set(id, { entity_type: entityType, id, created_at, updated_at, base_updated_at, data: asSent(wanted) });
    }
    return [...after.values()].map((local) => ({ local, before: before.get(local.id) }));
  }

  /** Forgets rejected changes that edits overtake; the group that each edit belongs to then. */
  private async overtaking(steps: Step[]): Promise<(string | undefined)[]> {
    const groups: (string | undefined)[] = [];
    for (const { local } of steps) groups.push(await overtake(this.db, local.entity_type, local.id, this.group));
    return groups;
  }

  private async clockOffset(): Promise<number> {
    return (this.offset ??= (await this.db.syncDevice.get("device"))?.offset ?? 0);
  }
}

/** Data as the server will have it, so that both hold the same; a reactive object comes out plain. Raises TypeError for what JSON cannot say. */
function asSent<D extends Data | null>(data: D): D {
  return JSON.parse(JSON.stringify(data)) as D;
}
