/** Reading and editing a book. Every edit stamps the entity and queues its change in the same transaction. */

import { Dexie, type Transaction } from "dexie";
import type { Data, EntityType, Given } from "./catalogue.js";
import type { FinwiseTenantSpecificDB, Row } from "./database.js";
import { type Edit, Edits } from "./edits.js";
import { newId } from "./identifiers.js";
import { type Local, toRow } from "./local.js";

/** An entity to be stored. */
export interface Named<T extends EntityType> {
  id: string;
  data: Given<T>;
}

/** An entity to be added; without `id` under a new one. */
export interface New<T extends EntityType> {
  id?: string;
  data: Given<T>;
}

/** Other values in some fields of an entity; undefined removes a field. */
export interface Change<T extends EntityType> {
  id: string;
  fields: Given<T>;
}

/** Raised where an entity is to be changed that is not there (any more). */
export class NoSuchEntity extends Error {
  constructor(
    readonly entityType: EntityType,
    readonly id: string,
  ) {
    super(`There is no ${entityType} ${id} in this book.`);
  }
}

/** Raised where an entity is to be added that is there already. */
export class EntityExists extends Error {
  constructor(
    readonly entityType: EntityType,
    readonly id: string,
  ) {
    super(`There is a ${entityType} ${id} in this book already.`);
  }
}

export class TenantDbService {
  /** The edits of the groups that are being made, by the transaction around them. */
  private readonly groups = new WeakMap<Transaction, Edits>();

  /** `onChange` is called after each edit was stored; `now` is this device's clock in ms. */
  constructor(
    readonly db: FinwiseTenantSpecificDB,
    private readonly onChange: () => void = () => {},
    private readonly now: () => number = Date.now,
  ) {}

  get<T extends EntityType>(entityType: T, id: string): Promise<Row<T> | undefined> {
    return this.db.entities(entityType).get(id);
  }

  list<T extends EntityType>(entityType: T): Promise<Row<T>[]> {
    return this.db.entities(entityType).toArray();
  }

  /** A new entity, under a new id unless one is given; its row. Raises EntityExists. */
  async add<T extends EntityType>(entityType: T, data: Given<T>, id: string = newId()): Promise<Row<T>> {
    return (await this.addMany(entityType, [{ id, data }]))[0]!;
  }

  /** New entities, under new ids unless they are given; their rows. Raises EntityExists. */
  async addMany<T extends EntityType>(entityType: T, entities: readonly New<T>[]): Promise<Row<T>[]> {
    const added = await this.edit(
      entityType,
      entities.map(({ id = newId(), data }) => ({ id, become: (before) => unlessThere(entityType, id, before, data) })),
    );
    return added.map((local) => toRow(local) as Row<T>);
  }

  /** The entity with other values in some of its fields; undefined removes a field. Raises NoSuchEntity. */
  change<T extends EntityType>(entityType: T, id: string, fields: Given<T>): Promise<void> {
    return this.changeMany(entityType, [{ id, fields }]);
  }

  /** Entities with other values in some of their fields. Raises NoSuchEntity. */
  async changeMany<T extends EntityType>(entityType: T, changes: readonly Change<T>[]): Promise<void> {
    await this.edit(
      entityType,
      changes.map(({ id, fields }) => ({ id, become: (data) => changed(entityType, id, data, fields) })),
    );
  }

  /** Replaces the entity's data by `data`; also brings a deleted one back. */
  put<T extends EntityType>(entityType: T, id: string, data: Given<T>): Promise<void> {
    return this.putMany(entityType, [{ id, data }]);
  }

  /** Replaces the data of entities; adds those that are not there. */
  async putMany<T extends EntityType>(entityType: T, entities: readonly Named<T>[]): Promise<void> {
    await this.edit(
      entityType,
      entities.map(({ id, data }) => ({ id, become: () => data })),
    );
  }

  /** Deletes an entity; one that is not there stays so. */
  delete(entityType: EntityType, id: string): Promise<void> {
    return this.deleteMany(entityType, [id]);
  }

  /** Deletes entities; those that are not there stay so. */
  async deleteMany(entityType: EntityType, ids: readonly string[]): Promise<void> {
    await this.edit(
      entityType,
      ids.map((id) => ({ id, become: (data) => (data === null ? undefined : null) })),
    );
  }

  /** Up to 500 edits as one: all are stored, here and on the server, or none. Raises TooManyTogether. */
  async together(edits: () => Promise<void>): Promise<void> {
    await this.db.transaction("rw", this.db.tables, async (transaction) => {
      if (this.editsAround(transaction)) return edits();
      const group = new Edits(this.db, this.now, newId());
      this.groups.set(transaction, group);
      await edits();
      await group.save();
    });
    this.onChange();
  }

  private editsAround(transaction: Transaction | null): Edits | undefined {
    for (let each: Transaction | null | undefined = transaction; each; each = each.parent) {
      const group = this.groups.get(each);
      if (group) return group;
    }
    return undefined;
  }

  /** Makes edits in one transaction, all or none; those of a group within its transaction. */
  private async edit(entityType: EntityType, edits: Edit[]): Promise<Local[]> {
    const group = this.editsAround(Dexie.currentTransaction);
    const made = await this.db.transaction("rw", Edits.tables(this.db, entityType), async () => {
      if (group) return group.make(entityType, edits);
      const alone = new Edits(this.db, this.now);
      const locals = await alone.make(entityType, edits);
      await alone.save();
      return locals;
    });
    if (made.length && !group) this.onChange();
    return made;
  }
}

function unlessThere(entityType: EntityType, id: string, before: Data | null, data: Given): Data {
  if (before !== null) throw new EntityExists(entityType, id);
  return data;
}

function changed(entityType: EntityType, id: string, data: Data | null, fields: Given): Data {
  if (data === null) throw new NoSuchEntity(entityType, id);
  const kept = Object.entries({ ...data, ...fields }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept) as Data;
}
