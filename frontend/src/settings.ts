/** Settings that sync, by key: of the whole book, or of one person in it (docs/protocol.md 1.3). */

import { liveQuery } from "dexie";
import type { TenantDbService } from "./tenant_db_service.js";

const ID = /^[A-Za-z0-9_.:-]{1,64}$/;

export class Settings {
  private constructor(
    private readonly service: TenantDbService,
    private readonly entityType: "book_settings" | "user_settings",
    private readonly prefix: string,
  ) {}

  /** Those that all members of the book share. */
  static ofBook(service: TenantDbService): Settings {
    return new Settings(service, "book_settings", "");
  }

  /** Those of one person in this book. Other members receive them too, so nothing secret belongs there. */
  static ofUser(service: TenantDbService, userId: string): Settings {
    return new Settings(service, "user_settings", `${userId}:`);
  }

  /** What is set; undefined: nothing is. */
  async get(key: string): Promise<unknown> {
    return (await this.service.get(this.entityType, this.prefix + key))?.value;
  }

  /** Everything that is set, by key. */
  async all(): Promise<Record<string, unknown>> {
    const rows = await this.service.db.entities(this.entityType).where("id").startsWith(this.prefix).toArray();
    return Object.fromEntries(rows.map(({ id, value }) => [id.slice(this.prefix.length), value]));
  }

  /** Sets any JSON value. Raises RangeError for a key that no id can hold: one of a person has 27 characters at most. */
  async set(key: string, value: unknown): Promise<void> {
    const id = this.prefix + key;
    if (!key || !ID.test(id)) throw new RangeError("Give a key of A-Z a-z 0-9 - _ . : that is short enough for an id.");
    await this.service.put(this.entityType, id, { value });
  }

  remove(key: string): Promise<void> {
    return this.service.delete(this.entityType, this.prefix + key);
  }

  /** Calls `onChange` with everything that is set, now and whenever it changes, here or elsewhere. Returns what ends that. */
  watch(onChange: (settings: Record<string, unknown>) => void): () => void {
    const subscription = liveQuery(() => this.all()).subscribe(onChange);
    return () => subscription.unsubscribe();
  }
}
