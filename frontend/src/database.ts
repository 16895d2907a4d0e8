/**
 * A tenant's book on this device, in IndexedDB: a table per entity type, the queue, and what the device knows of the
 * server. One database per tenant, so that books never mix.
 */

import { Dexie, type EntityTable, type Table } from "dexie";
import { ENTITY_TYPES, type Data, type EntityType, type Schemas } from "./catalogue.js";

/** What stands beside an entity's own fields in its table. Times are canonical text. */
export interface Stamped {
  id: string;
  created_at: string;
  updated_at: string;
  /** `updated_at` of the server's version that was last seen here; null: none. */
  base_updated_at: string | null;
}

/** An entity as its table holds it; its own fields of the names above, which are rare, stand in `$own`. */
export type Row<T extends EntityType = EntityType> = Data<T> & Stamped & { $own?: Record<string, unknown> };

/** An entity that was deleted. Kept, so that a restored server can be given the deletion back. */
export interface Tombstone extends Stamped {
  entity_type: EntityType;
}

/** A change that waits to be sent. `data` null: a deletion. */
export interface QueueEntry {
  /** Its place in the queue. */
  place: number;
  change_id: string;
  entity_type: EntityType;
  id: string;
  created_at: string;
  updated_at: string;
  /** `updated_at` of the server's version it was made from; null: none, or one of a life of the server's file that has ended. */
  base_updated_at: string | null;
  data: Data | null;
  /** What is stored with the others of this group, or not at all; absent: it stands alone. */
  group?: string;
  /** 1 once it was on its way: then nobody knows whether it was stored, and it must not be changed any more. */
  sent: 0 | 1;
}

/** A change that the server does not take, set aside until somebody has looked at it. */
export interface RejectedEntry extends QueueEntry {
  code: string;
  errors: Record<string, string[]>;
}

/** What the server found odd in an entity that it stored, by field, in the server's words. */
export interface Warned {
  entity_type: EntityType;
  id: string;
  /** Of the version that was looked at; the entity may have changed since. */
  updated_at: string;
  warnings: Record<string, string[]>;
}

/** How far an entity type is. */
export interface SyncMetadata {
  entity_type: EntityType;
  /** The server's cursor, exactly as it was given; absent: this type was never loaded. */
  last_synced_at?: string;
  /** The sum over what is held here (digest.ts). */
  digest: string;
}

/** What this device knows of itself and of the server. */
export interface DeviceState {
  key: "device";
  device_id: string;
  /** Milliseconds by which the server's clock is ahead of this one. */
  offset: number;
  server_version?: string;
  /** When the last sync ended well, by this device's clock, ms since 1970. */
  synced_at?: number;
  /** The book as its server last named it. The server may not list it any more. */
  tenant?: { name: string; role: string };
  /** The UUIDs of the people who opened the book on this device. */
  readers?: string[];
  /** Why everything has to be loaded again: a 410's code, or `digest`. Survives a restart. */
  reload?: Reload;
}

export interface Reload {
  reason: "cursor_expired" | "epoch_changed" | "digest";
  give_back: boolean;
}

export type Conflict = Schemas["Conflict"];

type EntityTables = { [T in EntityType]: Table<Row<T>, string> };

const INDEXES: Partial<Record<EntityType, string>> = {
  accounts: "id, accountGroupId",
  categories: "id, categoryGroupId",
  transactions: "id, date, [accountId+date], categoryId, recipientId",
  planning_transactions: "id, accountId",
};

// oxlint-disable-next-line typescript/no-unsafe-declaration-merging -- Dexie makes the tables that the interface below names
export class FinwiseTenantSpecificDB extends Dexie {
  syncQueue!: EntityTable<QueueEntry, "place">;
  syncRejected!: Table<RejectedEntry, string>;
  syncWarnings!: Table<Warned, [EntityType, string]>;
  syncMetadata!: Table<SyncMetadata, EntityType>;
  syncTombstones!: Table<Tombstone, [EntityType, string]>;
  syncConflicts!: Table<Conflict, string>;
  syncDevice!: Table<DeviceState, "device">;

  constructor(readonly tenantId: string) {
    super(databaseName(tenantId));
    this.version(1).stores({
      ...Object.fromEntries(ENTITY_TYPES.map((name) => [name, INDEXES[name] ?? "id"])),
      syncQueue: "++place, [entity_type+id+updated_at], change_id",
      syncRejected: "change_id, [entity_type+id]",
      syncWarnings: "[entity_type+id]",
      syncMetadata: "entity_type",
      syncTombstones: "[entity_type+id]",
      syncConflicts: "conflict_id, [entity_type+id]",
      syncDevice: "key",
    });
  }

  /** The table of an entity type. */
  entities<T extends EntityType>(entityType: T): EntityTables[T] {
    return this.table(entityType) as EntityTables[T];
  }
}

// The tables by their names, as Dexie makes them: `db.accounts`, `db.transactions` …
export interface FinwiseTenantSpecificDB extends EntityTables {}

export function databaseName(tenantId: string): string {
  return `FinwiseTenantDB_${tenantId}`;
}
