/** Taking what the server says into the book on this device: pages, results, whole loads. Within one transaction. */

import { ENTITY_TYPES, type Entity, type EntityType, type Schemas, isEntityType } from "./catalogue.js";
import type { FinwiseTenantSpecificDB, QueueEntry, Reload } from "./database.js";
import { type Local, Locals, type Step, fromServer, recount } from "./local.js";
import { Warnings } from "./warnings.js";
import { formerBase, giveBack, moveBases, setAside, waiting } from "./queue.js";

const CHUNK = 1000; // entities that are read and written at once
const FEW = 20;

type Result = Schemas["Result"];

export class Taking {
  private readonly locals: Locals;
  private readonly warnings: Warnings;
  /** Per entity, the bases that lead to what this push has stored of it. */
  private readonly led = new Map<string, Set<string | null>>();

  constructor(private readonly db: FinwiseTenantSpecificDB) {
    this.locals = new Locals(db);
    this.warnings = new Warnings(db);
  }

  /** The server's versions, unless a newer edit of the same entity waits to be sent. */
  async versions(entities: Entity[], onStored: (count: number) => void = () => {}): Promise<void> {
    const newest = await this.newestWaiting(entities);
    for (const [entityType, ofType] of byType(entities)) {
      for (let at = 0; at < ofType.length; at += CHUNK) {
        const chunk = ofType.slice(at, at + CHUNK);
        const taken = chunk.filter((entity) => !((newest.get(keyOf(entity)) ?? "") > entity.updated_at));
        const before = await this.locals.findAll(
          entityType,
          taken.map(({ id }) => id),
        );
        await this.locals.put(
          entityType,
          taken.map((entity, i) => ({ local: fromServer(entity), before: before[i] })),
        );
        for (const { id, updated_at } of taken) this.warnings.note(entityType, id, updated_at);
        onStored(chunk.length);
      }
    }
  }

  /** What has become of a change that was sent. */
  async result(entry: QueueEntry, result: Result): Promise<void> {
    if (!(await this.db.syncQueue.get(entry.place))) return; // another tab has sent it, too, and was faster
    if (result.status === "rejected") {
      await setAside(this.db, entry, result.code ?? "", result.errors ?? {});
      return;
    }
    await this.db.syncQueue.delete(entry.place);
    if (result.status === "superseded") {
      // Without `entity` a later result of this answer brings it, or the digest differs and the book is loaded again.
      if (result.entity !== undefined) await this.superseded(entry, result.entity);
      return;
    }
    await this.stored(entry, result.updated_at!, result.created_at ?? entry.created_at);
    this.warnings.note(entry.entity_type, entry.id, result.updated_at!, result.warnings);
  }

  /**
   * Replaces what is held here by the whole book, except what the queue names. What the server may lack since it was
   * restored is queued first: what is newer here and, with `give_back`, what it does not have at all.
   */
  async load(
    entities: Entity[],
    types: readonly EntityType[],
    reload: Reload | undefined,
    onStored: (count: number) => void,
  ): Promise<void> {
    const there = new Map(entities.map((entity) => [keyOf(entity), entity.updated_at]));
    const named = new Set((await this.newestWaiting()).keys());
    for (const rejected of await this.db.syncRejected.toArray()) named.add(keyOf(rejected));
    if (reload?.reason === "epoch_changed") await moveBases(this.db);
    if (reload) for (const entityType of types) await this.makeRoom(entityType, there, named, reload);
    await this.versions(entities, onStored);
    await this.save();
    if (reload) for (const entityType of types) await recount(this.db, entityType);
  }

  /** Gives back what a restored server is to have again, and removes what is not there any more. */
  private async makeRoom(
    entityType: EntityType,
    there: Map<string, string>,
    named: Set<string>,
    reload: Reload,
  ): Promise<void> {
    const isNewLife = reload.reason === "epoch_changed";
    const given: Local[] = [];
    const moved: Step[] = [];
    for (const local of await this.heldOf(entityType)) {
      const theirs = there.get(keyOf(local));
      const isNamed = named.has(keyOf(local));
      const isGiven = isNewLife && !isNamed && (theirs === undefined ? reload.give_back : local.updated_at > theirs);
      if (isGiven) given.push(local);
      const base_updated_at = isGiven ? null : formerBase(local.base_updated_at);
      if (isGiven || (isNamed && isNewLife)) moved.push({ local: { ...local, base_updated_at }, before: local });
      else if (!isNamed && theirs === undefined && local.data !== null) await this.locals.remove(local);
    }
    await giveBack(this.db, given);
    await this.locals.put(entityType, moved);
  }

  /** The cursor to go on from, for these types. */
  async cursor(nextSince: string, types: readonly EntityType[]): Promise<void> {
    await this.save();
    for (const entityType of types) {
      const changed = await this.db.syncMetadata.update(entityType, { last_synced_at: nextSince });
      if (!changed && !(await this.db.syncMetadata.get(entityType))) {
        await this.db.syncMetadata.put({ entity_type: entityType, last_synced_at: nextSince, digest: "0".repeat(16) });
      }
    }
  }

  async save(): Promise<void> {
    await this.locals.save();
    await this.warnings.save();
  }

  private async superseded(entry: QueueEntry, entity: Entity | null): Promise<void> {
    if (entity) {
      await this.versions([entity]);
      return;
    }
    const gone = await this.locals.find(entry.entity_type, entry.id);
    if (gone && !(await waiting(this.db, entry.entity_type, entry.id)).length) await this.locals.remove(gone);
  }

  /** Goes on from what was stored; but who has seen another version since has not built on this one. */
  private async stored(entry: QueueEntry, updated_at: string, created_at: string): Promise<void> {
    const { entity_type, id } = entry;
    const led = this.led.get(keyOf(entry)) ?? new Set();
    this.led.set(keyOf(entry), led);
    led.add(entry.base_updated_at);
    const later = await waiting(this.db, entity_type, id);
    const before = await this.locals.find(entity_type, id);
    let local: Local | undefined;
    if (!later.length)
      local = { entity_type, id, created_at, updated_at, base_updated_at: updated_at, data: entry.data };
    else if (before && led.has(before.base_updated_at)) local = { ...before, created_at, base_updated_at: updated_at };
    if (local) await this.locals.put(entity_type, [{ local, before }]);
    for (const one of later) {
      if (!one.sent && led.has(one.base_updated_at)) {
        await this.db.syncQueue.update(one.place, { base_updated_at: updated_at, created_at });
      }
    }
    led.add(updated_at);
  }

  private async heldOf(entityType: EntityType): Promise<Local[]> {
    const ids = await this.db.entities(entityType).toCollection().primaryKeys();
    const deleted = await this.db.syncTombstones
      .where("[entity_type+id]")
      .between([entityType, ""], [entityType, "\uffff"])
      .toArray();
    const living = (await this.locals.findAll(entityType, ids)) as Local[];
    return [...living, ...deleted.map((tombstone) => ({ ...tombstone, data: null }))];
  }

  /** The time of the newest edit that waits, of these entities or of all; read from the index alone where they are many. */
  private async newestWaiting(of?: Entity[]): Promise<Map<string, string>> {
    const newest = new Map<string, string>();
    if (of && of.length < FEW) {
      for (const { entity_type, id } of of) {
        const last = (await waiting(this.db, entity_type, id)).at(-1);
        if (last) newest.set(keyOf(last), last.updated_at);
      }
      return newest;
    }
    const keys = (await this.db.syncQueue.orderBy("[entity_type+id+updated_at]").keys()) as unknown as [
      EntityType,
      string,
      string,
    ][];
    for (const [entity_type, id, updated_at] of keys) newest.set(keyOf({ entity_type, id }), updated_at); // the last is the newest
    return newest;
  }
}

function keyOf({ entity_type, id }: { entity_type: EntityType; id: string }): string {
  return `${entity_type}\n${id}`;
}

function byType(entities: Entity[]): Map<EntityType, Entity[]> {
  const groups = new Map<EntityType, Entity[]>(ENTITY_TYPES.map((name) => [name, []]));
  for (const entity of entities) if (isEntityType(entity.entity_type)) groups.get(entity.entity_type)!.push(entity);
  return groups;
}
