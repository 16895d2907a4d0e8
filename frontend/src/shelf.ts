/** The books on this device, whether or not a server still lists them. */

import { Dexie } from "dexie";
import type { Schemas } from "./catalogue.js";
import { databaseName, FinwiseTenantSpecificDB } from "./database.js";
import { device, putDevice } from "./device.js";

/** A book that this device holds. */
export interface ShelvedBook {
  tenantId: string;
  /** As the server last named it; undefined: the device was never told. */
  name: string | undefined;
  /** The UUIDs of the people who opened it here. */
  readers: string[];
  /** How many changes the server does not have: those that wait, and those it rejected. */
  unsent: number;
  /** Whether its first load is complete. */
  isLoaded: boolean;
  /** When its last sync ended well, ms since 1970. */
  syncedAt: number | undefined;
}

/** All books of this device, for whomever. What cannot be opened is left out. */
export async function shelvedBooks(): Promise<ShelvedBook[]> {
  const prefix = databaseName("");
  const names = (await Dexie.getDatabaseNames()).filter((name) => name.startsWith(prefix));
  const books = await Promise.all(names.map((name) => read(name.slice(prefix.length)).catch(() => undefined)));
  return books.filter((book) => book !== undefined);
}

/**
 * Whether the first load of a book is complete. It is stored in one transaction, for all types; so one type with a cursor
 * is enough, and a type that a newer version of the program adds does not make an old book look empty.
 */
export async function isLoaded(db: FinwiseTenantSpecificDB): Promise<boolean> {
  return (await db.syncMetadata.filter((each) => each.last_synced_at !== undefined).count()) > 0;
}

/** Notes in the book what its server calls it and who opens it, for a time when the server says nothing about it. */
export function label(
  db: FinwiseTenantSpecificDB,
  tenant: Schemas["Tenant"] | undefined,
  reader: string | undefined,
): Promise<void> {
  return db.transaction("rw", db.syncDevice, async () => {
    const { readers = [] } = await device(db);
    const named = tenant && { tenant: { name: tenant.name, role: tenant.role } };
    const read = reader !== undefined && !readers.includes(reader) && { readers: [...readers, reader] };
    if (named || read) await putDevice(db, { ...named, ...read });
  });
}

async function read(tenantId: string): Promise<ShelvedBook> {
  const db = new FinwiseTenantSpecificDB(tenantId);
  try {
    const state = await db.syncDevice.get("device");
    const [waiting, rejected] = await Promise.all([db.syncQueue.count(), db.syncRejected.count()]);
    return {
      tenantId,
      name: state?.tenant?.name,
      readers: state?.readers ?? [],
      unsent: waiting + rejected,
      isLoaded: await isLoaded(db),
      syncedAt: state?.synced_at,
    };
  } finally {
    db.close();
  }
}
