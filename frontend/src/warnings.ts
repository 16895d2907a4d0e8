/** What the server finds odd in what this device has sent, until the entity changes; bounded, for a page to show. */

import type { EntityType } from "./catalogue.js";
import type { FinwiseTenantSpecificDB, Row, Warned } from "./database.js";

const MOST = 200; // entities; of more, the newest are kept

/** An entity with something odd in it, as it is here now. */
export interface OddEntity extends Warned {
  row: Row;
}

/** The stored version of an entity, and what the server has just found odd in it. */
type Seen = Omit<Warned, "warnings"> & { warnings: Warned["warnings"] | undefined };

/** What one answer says about entities; `save` writes it at the end of the transaction. */
export class Warnings {
  private readonly seen = new Map<string, Seen>();

  constructor(private readonly db: FinwiseTenantSpecificDB) {}

  note(entityType: EntityType, id: string, updated_at: string, warnings?: Seen["warnings"]): void {
    this.seen.set(nameOf(entityType, id), { entity_type: entityType, id, updated_at, warnings });
  }

  async save(): Promise<void> {
    if (!this.seen.size) return;
    const known = await this.db.syncWarnings.toArray();
    const held = new Map(known.map((each) => [nameOf(each.entity_type, each.id), each]));
    let isChanged = false;
    for (const [name, seen] of this.seen) {
      if (isWarned(seen)) held.set(name, seen);
      else if (held.get(name)?.updated_at === seen.updated_at || !held.delete(name)) continue;
      isChanged = true;
    }
    if (!isChanged) return;
    await this.db.syncWarnings.clear();
    await this.db.syncWarnings.bulkPut([...held.values()].sort(newestFirst).slice(0, MOST));
  }
}

/** The entities that the server found something odd in and that have not changed since, the newest first. */
export async function oddEntities(db: FinwiseTenantSpecificDB): Promise<OddEntity[]> {
  const warned = (await db.syncWarnings.toArray()).sort(newestFirst);
  const rows = await Promise.all(warned.map(({ entity_type, id }) => db.entities(entity_type).get(id)));
  return warned.flatMap((each, i) => {
    const row = rows[i];
    return row?.updated_at === each.updated_at ? [{ ...each, row }] : [];
  });
}

function isWarned(seen: Seen): seen is Warned {
  return seen.warnings !== undefined;
}

function newestFirst(a: Warned, b: Warned): number {
  return a.updated_at < b.updated_at ? 1 : -1;
}

function nameOf(entityType: EntityType, id: string): string {
  return `${entityType}\n${id}`;
}
