/** The app's own database of a tenant, as far as the sync reads and writes it. */

import type { Dexie, Table } from "dexie";
import type { AppEntity } from "./names.js";

/** A change that the app has queued. */
export interface AppQueueEntry {
  id: string;
  tenantId: string;
  entityType: string;
  entityId: string;
  operationType: "create" | "update" | "delete";
  payload: AppEntity | null;
  /** When it was made, ms since 1970. */
  timestamp: number;
  /** The server's version that the app had been told when it made the edit; noted here, null: none. */
  base_updated_at?: string | null;
}

const PREFIX = "finwiseTenantDB_";
const ORDER = ["create", "update", "delete"];

/** The tenant whose book a database of the app holds. */
export function tenantOf(db: Dexie): string {
  return db.name.slice(PREFIX.length);
}

export function queueOf(db: Dexie): Table<AppQueueEntry, string> {
  return db.table("syncQueue");
}

export function rowsOf(db: Dexie, table: string): Table<AppEntity, string> {
  return db.table(table);
}

/** Everything in the queue, in the order in which it was made. */
export async function queued(db: Dexie): Promise<AppQueueEntry[]> {
  const rank = ({ operationType }: AppQueueEntry): number => ORDER.indexOf(operationType);
  return (await queueOf(db).toArray()).sort((a, b) => a.timestamp - b.timestamp || rank(a) - rank(b));
}
