/** A small app with FinWise 0.4's tables, queue and messages: what it stores, queues, sends and takes. */

import { Dexie, type Table } from "dexie";
import type { Finwise04 } from "../../src/finwise-0.4/index";

export type AppRow = { id: string } & Record<string, unknown>;

interface Message extends Record<string, unknown> {
  type: string;
  tenant_id?: string;
  id?: string;
  status?: string;
  entity_type?: string;
  operation_type?: string;
  data?: { single_entity: AppRow };
  payload?: Record<string, AppRow[]>;
}

export const TYPES: Record<string, { table: string; list: string; indexes?: string }> = {
  Account: { table: "accounts", list: "accounts", indexes: "accountType, accountGroupId" },
  AccountGroup: { table: "accountGroups", list: "account_groups" },
  Category: { table: "categories", list: "categories", indexes: "categoryGroupId, parentCategoryId" },
  CategoryGroup: { table: "categoryGroups", list: "category_groups" },
  Recipient: { table: "recipients", list: "recipients", indexes: "defaultCategoryId" },
  Tag: { table: "tags", list: "tags", indexes: "parentTagId" },
  Transaction: { table: "transactions", list: "transactions", indexes: "date, [accountId+date], [categoryId+date]" },
  PlanningTransaction: {
    table: "planningTransactions",
    list: "planning_transactions",
    indexes: "accountId, startDate",
  },
  AutomationRule: { table: "rules", list: "automation_rules", indexes: "stage, priority" },
};

const QUEUE = "&id, tenantId, entityType, entityId, operationType, timestamp, status, [tenantId+status]";
const AT_ONCE = 30; // entries that it sends before it waits for their acknowledgements

/** The category that it makes for itself where there is none. */
export const FUNDS = {
  name: "Verfügbare Mittel",
  sortOrder: 9999,
  isActive: true,
  isSavingsGoal: false,
  budgeted: 0,
  activity: 0,
  available: 0,
  isIncomeCategory: false,
  isHidden: false,
};

function appDatabase(tenantId: string): Dexie {
  const db = new Dexie(`finwiseTenantDB_${tenantId}`);
  const tables = Object.values(TYPES).map(({ table, indexes }) => [table, `&id, name, ${indexes ?? "updated_at"}`]);
  db.version(14).stores({ ...Object.fromEntries(tables), syncQueue: QUEUE, monthlyBalances: "&[year+month]" });
  return db;
}

export class SmallApp {
  readonly db: Dexie;
  readonly messages: Message[] = [];
  status = "offline";
  /** Makes it lose the connection once, right after it has asked for everything. */
  isUnlucky = false;
  private socket: InstanceType<Finwise04["WebSocket"]> | undefined;
  private hasAsked = false;
  private hasLoaded = false;
  private sent = new Set<string>();

  /** `finwise` undefined: the app as it was before. */
  constructor(
    readonly tenantId: string,
    private readonly finwise: Finwise04 | undefined,
  ) {
    this.db = appDatabase(tenantId);
    finwise?.watch(this.db);
  }

  /** Opens the database, and makes what it makes on every device. */
  async load(): Promise<this> {
    await this.db.open();
    if (!(await this.fundsId())) await this.rows("Category").put(stamped({ id: crypto.randomUUID(), ...FUNDS }));
    return this;
  }

  async connect(): Promise<this> {
    await this.db.open();
    this.socket = new this.finwise!.WebSocket(`ws://localhost:8000/ws_finwise/ws/${this.tenantId}`);
    Object.assign(this.socket, {
      onopen: () => (this.hasLoaded = false),
      onmessage: (event: { data: string }) => this.take(JSON.parse(event.data) as Message),
    });
    return this;
  }

  disconnect(): void {
    this.socket?.close();
    this.status = "offline";
  }

  async close(): Promise<void> {
    this.disconnect();
    await this.finwise?.end();
    this.db.close();
  }

  rows(type: string): Table<AppRow, string> {
    return this.db.table(TYPES[type]!.table);
  }

  queue(): Promise<AppRow[]> {
    return this.db.table<AppRow>("syncQueue").orderBy("timestamp").toArray();
  }

  /** The category for what no other one has. */
  async fundsId(): Promise<string | undefined> {
    return (await this.rows("Category").where("name").equals(FUNDS.name).first())?.id;
  }

  /** Stores a row and queues the change, as the app's stores do. */
  async edit(type: string, row: AppRow, operationType = "update", at = Date.now()): Promise<void> {
    const rows = this.rows(type);
    if (operationType === "delete") await rows.delete(row.id);
    else await rows.put(stamped(row, at));
    await this.enqueue(type, operationType, operationType === "delete" ? { id: row.id } : stamped(row, at), at);
    await this.sendQueue();
  }

  /** Stores many new rows, and queues each, as its import of a bank's list does. */
  async bring(type: string, rows: AppRow[]): Promise<void> {
    await this.rows(type).bulkPut(rows.map((row) => stamped(row)));
    for (const row of rows) await this.enqueue(type, "create", stamped(row));
    await this.sendQueue();
  }

  private async enqueue(entityType: string, operationType: string, payload: AppRow, timestamp = Date.now()) {
    const known = { entityType, entityId: payload.id, operationType, payload, timestamp, tenantId: this.tenantId };
    const entry = { id: crypto.randomUUID(), ...known, status: "pending", attempts: 0 };
    await this.db.table("syncQueue").add(entry);
  }

  /** Sends the next entries, once those before them are acknowledged. */
  private async sendQueue(): Promise<void> {
    if (this.status !== "online" || this.sent.size) return;
    const entries = (await this.queue()).filter(({ status }) => status === "pending").slice(0, AT_ONCE);
    if (this.sent.size) return;
    this.sent = new Set(entries.map(({ id }) => id));
    for (const payload of entries) this.socket?.send(JSON.stringify({ type: "process_sync_entry", payload }));
  }

  private async take(message: Message): Promise<void> {
    this.messages.push(message);
    if (message.type === "status") await this.hear(message.status!);
    else if (message.type === "sync_ack") await this.takeAck(message.id!);
    else if (message.tenant_id !== this.tenantId) return;
    else if (message.type === "data_update") await this.takeOne(message);
    else if (message.type === "initial_data_load") await this.takeLoad(message);
  }

  private async hear(status: string): Promise<void> {
    this.status = status;
    if (status !== "online") return;
    if (!this.hasAsked) this.socket?.send(JSON.stringify({ type: "request_initial_data", tenant_id: this.tenantId }));
    this.hasAsked = true; // and it does not ask again until it got an answer
    if (this.isUnlucky) return this.disconnect();
    this.sent.clear();
    await this.sendQueue();
  }

  private async takeAck(id: string): Promise<void> {
    await this.db.table("syncQueue").delete(id);
    this.sent.delete(id);
    await this.sendQueue();
  }

  /** As the app does: one on each connection, and whatever comes after it is dropped. */
  private async takeLoad({ payload }: Message): Promise<void> {
    if (this.hasLoaded) return;
    this.hasLoaded = true;
    this.hasAsked = false;
    for (const [type, { list }] of Object.entries(TYPES))
      for (const entity of payload![list]!) await this.store(type, renamed(entity));
  }

  private async takeOne({ entity_type, operation_type, data }: Message): Promise<void> {
    const entity = renamed(data!.single_entity);
    if (operation_type === "delete") return this.rows(entity_type!).delete(entity.id);
    return this.store(entity_type!, entity);
  }

  /** As the app does: keeps its own row unless the message is newer, and merges the two. */
  private async store(type: string, entity: AppRow): Promise<void> {
    const own = await this.rows(type).get(entity.id);
    if (own && String(own["updatedAt"]) >= String(entity["updatedAt"])) return;
    await this.rows(type).put({ ...own, ...entity });
  }
}

function stamped(row: AppRow, at = Date.now()): AppRow {
  return { ...row, updatedAt: new Date(at).toISOString() };
}

function renamed({ updated_at, ...entity }: AppRow): AppRow {
  return { ...entity, id: entity["id"], updatedAt: updated_at };
}
