/** Which of the server's versions the app has been told: the bases of its edits. */

import { Dexie, type Table } from "dexie";
import type { EntityType } from "../catalogue.js";

interface Told {
  entity_type: EntityType;
  id: string;
  updated_at: string;
}

class ToldDB extends Dexie {
  told!: Table<Told, [EntityType, string]>;
  steps!: Table<{ name: "moved" }, string>;

  constructor(tenantId: string) {
    super(`FinwiseTold_${tenantId}`);
    this.version(1).stores({ told: "[entity_type+id]", steps: "name" });
  }
}

export class ToldVersions {
  private readonly db: ToldDB;
  /** In memory, because an edit's base is noted within the app's transaction. */
  private readonly known = new Map<EntityType, Map<string, string>>();
  private loading: Promise<void> | undefined;

  constructor(tenantId: string) {
    this.db = new ToldDB(tenantId);
  }

  /** Reads what was kept, once. */
  load(): Promise<void> {
    return (this.loading ??= this.read());
  }

  base(entityType: EntityType, id: string): string | null {
    return this.of(entityType).get(id) ?? null;
  }

  /** All of a type, by id. */
  of(entityType: EntityType): Map<string, string> {
    const found = this.known.get(entityType) ?? new Map<string, string>();
    this.known.set(entityType, found);
    return found;
  }

  async note(entityType: EntityType, versions: readonly { id: string; updated_at: string }[]): Promise<void> {
    if (!versions.length) return;
    for (const { id, updated_at } of versions) this.of(entityType).set(id, updated_at);
    await this.db.told.bulkPut(versions.map(({ id, updated_at }) => ({ entity_type: entityType, id, updated_at })));
  }

  async forget(entityType: EntityType, ids: readonly string[]): Promise<void> {
    if (!ids.length) return;
    for (const id of ids) this.of(entityType).delete(id);
    await this.db.told.bulkDelete(ids.map((id): [EntityType, string] => [entityType, id]));
  }

  /** Whether what the app had before it spoke to this server was moved. */
  async isMoved(): Promise<boolean> {
    return (await this.db.steps.get("moved")) !== undefined;
  }

  async noteMoved(): Promise<void> {
    await this.db.steps.put({ name: "moved" });
  }

  close(): void {
    this.db.close();
  }

  private async read(): Promise<void> {
    await this.db.told.each(({ entity_type, id, updated_at }) => void this.of(entity_type).set(id, updated_at));
  }
}
