/** A device on somebody's desk, for tests: its book in IndexedDB, its clock, and the way to a server. */

import { ENTITY_TYPES, type EntityType } from "../src/catalogue";
import { FinwiseClient } from "../src/client";
import { FinwiseTenantSpecificDB } from "../src/database";
import { Exchange, type Progress } from "../src/exchange";
import { TenantDbService } from "../src/tenant_db_service";

const TENANT = "5b1c0f7e-2c44-4b8e-8a55-3f1f6d1f2a10";
let desks = 0;

/** A book of its own: devices of one process must not share a database. */
class Book extends FinwiseTenantSpecificDB {
  constructor(tenantId: string, owner: string) {
    super(`${tenantId} ${owner}`);
    Object.defineProperty(this, "tenantId", { value: tenantId });
  }
}

export class Desk {
  readonly db: FinwiseTenantSpecificDB;
  readonly client: FinwiseClient;
  readonly book: TenantDbService;
  exchange: Exchange;
  readonly progress: (Progress | undefined)[] = [];
  now: () => number;

  constructor(
    private readonly fetch: typeof globalThis.fetch,
    now: () => number,
    private readonly options: { tenantId?: string; baseUrl?: string; token?: string } = {},
    readonly owner = `desk ${++desks}`,
  ) {
    this.now = now;
    this.db = new Book(options.tenantId ?? TENANT, owner);
    this.client = new FinwiseClient({
      baseUrl: options.baseUrl ?? "http://server.test",
      token: () => options.token ?? "fwt_token",
      fetch,
    });
    this.book = new TenantDbService(
      this.db,
      () => {},
      () => this.now(),
    );
    this.exchange = this.program();
  }

  /** Another tab that shows the same book. */
  tab(): Desk {
    return new Desk(this.fetch, this.now, this.options, this.owner);
  }

  /** Restarts the program: what it remembers beside its database is gone. */
  restart(): void {
    this.exchange = this.program();
  }

  sync(): Promise<void> {
    return this.exchange.sync();
  }

  tag(id: string, name: string): Promise<void> {
    return this.book.put("tags", id, { name });
  }

  async names(): Promise<Record<string, string>> {
    return Object.fromEntries((await this.db.tags.toArray()).map((row) => [row.id, row.name!]));
  }

  /** Everything that lives here, without stamps. */
  async living(): Promise<Record<string, unknown>> {
    const held: Record<string, unknown> = {};
    for (const entityType of ENTITY_TYPES)
      for (const [id, data] of await this.ofType(entityType)) held[`${entityType}/${id}`] = data;
    return held;
  }

  /** What waits to be sent, in the order in which it was made. */
  queued = () => this.db.syncQueue.orderBy("place").toArray();

  private async ofType(entityType: EntityType): Promise<[string, unknown][]> {
    const { toData } = await import("../src/local");
    return ((await this.db.entities(entityType).toArray()) as never[]).map((row: never) => [
      (row as { id: string }).id,
      toData(row),
    ]);
  }

  private program(): Exchange {
    return new Exchange(this.db, this.client, {
      now: () => this.now(),
      onProgress: (progress) => this.progress.push(progress),
    });
  }
}
