/** Reading and editing a book. Every edit stamps the entity and queues its change in the same transaction. */

import { Dexie, type Transaction } from "dexie";
import type { Data, EntityType } from "./catalogue.js";
import { type FinwiseTenantSpecificDB, type Row } from "./database.js";
import { device } from "./device.js";
import { newId } from "./identifiers.js";
import { type Local, Locals } from "./local.js";
import { MOST_TOGETHER, enqueue, overtake } from "./queue.js";
import { editTime } from "./time.js";

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

/** Raised if more is to be stored together than one push may hold; nothing of it is stored. */
export class TooManyTogether extends Error {
  constructor() {
    super(`At most ${MOST_TOGETHER} edits can be made together. Make several groups of them.`);
  }
}

/** Edits that are made together: the server stores all of them, or none. */
interface Group {
  id: string;
  edits: number;
}

export class TenantDbService {
  /** The groups that are being made, by the transaction around their edits. */
  private readonly groups = new WeakMap<Transaction, Group>();

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
  async add<T extends EntityType>(entityType: T, data: Data<T>, id: string = newId()): Promise<Row<T>> {
    await this.edit(entityType, id, (before) => {
      if (before !== null) throw new EntityExists(entityType, id);
      return data;
    });
    return (await this.get(entityType, id))!;
  }

  /** The entity with other values in some of its fields; undefined removes a field. Raises NoSuchEntity. */
  change<T extends EntityType>(entityType: T, id: string, fields: Partial<Data<T>>): Promise<void> {
    return this.edit(entityType, id, (data) => {
      if (data === null) throw new NoSuchEntity(entityType, id);
      const changed = Object.entries({ ...data, ...fields }).filter(([, value]) => value !== undefined);
      return Object.fromEntries(changed) as Data;
    });
  }

  /** Replaces the entity's data by `data`; also brings a deleted one back. */
  put<T extends EntityType>(entityType: T, id: string, data: Data<T>): Promise<void> {
    return this.edit(entityType, id, () => data);
  }

  /** Deletes an entity; one that is not there stays so. */
  delete(entityType: EntityType, id: string): Promise<void> {
    return this.edit(entityType, id, (data) => (data === null ? undefined : null));
  }

  /** Up to 500 edits as one: all are stored, here and on the server, or none. Raises TooManyTogether. */
  async together(edits: () => Promise<void>): Promise<void> {
    await this.db.transaction("rw", this.db.tables, async (transaction) => {
      if (!this.groupAround(transaction)) this.groups.set(transaction, { id: newId(), edits: 0 });
      await edits();
    });
    this.onChange();
  }

  private groupAround(transaction: Transaction | null): Group | undefined {
    for (let each: Transaction | null | undefined = transaction; each; each = each.parent) {
      const group = this.groups.get(each);
      if (group) return group;
    }
    return undefined;
  }

  private async edit(
    entityType: EntityType,
    id: string,
    become: (data: Data | null) => Data | null | undefined,
  ): Promise<void> {
    const group = this.groupAround(Dexie.currentTransaction);
    const tables = [
      this.db.entities(entityType),
      this.db.syncTombstones,
      this.db.syncQueue,
      this.db.syncMetadata,
      this.db.syncDevice,
      this.db.syncRejected,
    ];
    const changed = await this.db.transaction("rw", tables, async () => {
      const locals = new Locals(this.db);
      const before = await locals.find(entityType, id);
      const wanted = become(before?.data ?? null);
      if (wanted === undefined) return false;
      const data = asSent(wanted);
      const updated_at = editTime(this.now(), (await device(this.db)).offset, before?.updated_at);
      const local: Local = {
        entity_type: entityType,
        id,
        created_at: before?.created_at ?? updated_at,
        updated_at,
        base_updated_at: before?.base_updated_at ?? null,
        data,
      };
      if (group && ++group.edits > MOST_TOGETHER) throw new TooManyTogether();
      await locals.put(entityType, [{ local, before }]);
      const joined = await overtake(this.db, entityType, id, group?.id);
      await enqueue(this.db, local, joined);
      await locals.save();
      return true;
    });
    if (changed) this.onChange();
  }
}

/** Data as the server will have it, so that both hold the same; a reactive object comes out plain. Raises TypeError for what JSON cannot say. */
function asSent<D extends Data | null>(data: D): D {
  return JSON.parse(JSON.stringify(data)) as D;
}
