/** What this device holds of one entity, living or deleted; its table, its tombstone and the digest move together. */

import type { Table } from "dexie";
import type { Data, Entity, EntityType } from "./catalogue.js";
import type { FinwiseTenantSpecificDB, Row, Stamped } from "./database.js";
import { NOTHING, added, weight } from "./digest.js";
import { rowsOf } from "./reading.js";

/** An entity here. `data` null: deleted. */
export interface Local extends Stamped {
  entity_type: EntityType;
  data: Data | null;
}

const CHUNK = 1000; // rows that are read at once: one by one takes many times as long

const STAMPS = ["id", "created_at", "updated_at", "base_updated_at"] as const;

/** The entity as its table holds it. */
export function toRow(local: Local): Row {
  const own = local.data as Record<string, unknown>;
  const clashing = [...STAMPS, "$own"].filter((name) => Object.hasOwn(own, name));
  const { id, created_at, updated_at, base_updated_at } = local;
  const row: Record<string, unknown> = { ...own, id, created_at, updated_at, base_updated_at };
  if (clashing.length) row["$own"] = Object.fromEntries(clashing.map((name) => [name, own[name]]));
  return row as Row;
}

/** The entity's own fields alone. */
export function toData(row: Row): Data {
  const { id, created_at, updated_at, base_updated_at, $own, ...data } = row;
  return { ...data, ...$own };
}

/** A version of the server's, as it comes to be held here. */
export function fromServer(entity: Entity): Local {
  const { entity_type, id, created_at, updated_at, data } = entity;
  return { entity_type, id, created_at, updated_at, base_updated_at: updated_at, data };
}

/** What becomes of an entity here, and what was held of it before. */
export interface Step {
  local: Local;
  before: Local | undefined;
}

/** Reads and writes entities within one transaction; `save` at its end writes the digests that have changed. */
export class Locals {
  private readonly differences = new Map<EntityType, bigint>();

  constructor(private readonly db: FinwiseTenantSpecificDB) {}

  async find(entityType: EntityType, id: string): Promise<Local | undefined> {
    return (await this.findAll(entityType, [id]))[0];
  }

  /** What is held of each, in their order. */
  async findAll(entityType: EntityType, ids: string[]): Promise<(Local | undefined)[]> {
    const [rows, tombstones] = await Promise.all([
      rowsOf(this.db.entities(entityType) as Table<Row, string>, ids),
      rowsOf(
        this.db.syncTombstones,
        ids.map((id): [EntityType, string] => [entityType, id]),
      ),
    ]);
    return rows.map((row, i) => {
      if (row) return { ...stamps(row), entity_type: entityType, data: toData(row) };
      const tombstone = tombstones[i];
      return tombstone && { ...tombstone, data: null };
    });
  }

  /** Writes entities of one type, each once. */
  async put(entityType: EntityType, steps: Step[]): Promise<void> {
    const table = this.db.entities(entityType) as Table<Row, string>;
    const key = ({ local }: Step) => [entityType, local.id] as [EntityType, string];
    for (const { before, local } of steps) {
      this.count(before, -1n);
      this.count(local, 1n);
    }
    const [living, deleted] = parted(steps, ({ local }) => local.data !== null);
    const [risen, buried] = [
      living.filter(({ before }) => before?.data === null),
      deleted.filter(({ before }) => before?.data),
    ];
    if (living.length) await table.bulkPut(living.map(({ local }) => toRow(local)));
    if (buried.length) await table.bulkDelete(buried.map(({ local }) => local.id));
    if (deleted.length)
      await this.db.syncTombstones.bulkPut(deleted.map(({ local }) => ({ ...stamps(local), entity_type: entityType })));
    if (risen.length) await this.db.syncTombstones.bulkDelete(risen.map(key));
  }

  /** Forgets an entity altogether. */
  async remove(local: Local): Promise<void> {
    this.count(local, -1n);
    await this.db.entities(local.entity_type).delete(local.id);
    await this.db.syncTombstones.delete([local.entity_type, local.id]);
  }

  /** Writes what has become of the digests. */
  async save(): Promise<void> {
    for (const [entity_type, difference] of this.differences) {
      const known = await this.db.syncMetadata.get(entity_type);
      await this.db.syncMetadata.put({ ...known, entity_type, digest: added(known?.digest ?? NOTHING, difference) });
    }
    this.differences.clear();
  }

  private count(local: Local | undefined, sign: bigint): void {
    if (!local || local.data === null) return;
    const { entity_type, id, updated_at } = local;
    const sum = (this.differences.get(entity_type) ?? 0n) + sign * weight(entity_type, id, updated_at);
    this.differences.set(entity_type, sum);
  }
}

/** The digest of a type, computed over everything that is held: it shows what was written past the sums. */
export async function recount(db: FinwiseTenantSpecificDB, entityType: EntityType): Promise<void> {
  let sum = 0n;
  for (let after = ""; ;) {
    const rows = await db.entities(entityType).where("id").above(after).limit(CHUNK).toArray();
    for (const { id, updated_at } of rows) sum += weight(entityType, id, updated_at);
    if (rows.length < CHUNK) break;
    after = rows.at(-1)!.id;
  }
  const known = await db.syncMetadata.get(entityType);
  await db.syncMetadata.put({ ...known, entity_type: entityType, digest: added(NOTHING, sum) });
}

function stamps({ id, created_at, updated_at, base_updated_at }: Stamped): Stamped {
  return { id, created_at, updated_at, base_updated_at };
}

function parted<T>(items: T[], belongs: (item: T) => boolean): [T[], T[]] {
  return [items.filter(belongs), items.filter((item) => !belongs(item))];
}
