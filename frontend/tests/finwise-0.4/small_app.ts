/** A small app with FinWise 0.4's tables, queue and messages: what it stores, queues, sends and takes. */

import { Dexie, type Table } from "dexie";
import { vi } from "vitest";
import type { Finwise04 } from "../../src/finwise-0.4/index";

type Row = { id: string } & Record<string, unknown>;

interface Message extends Record<string, unknown> {
  type: string;
  id?: string;
  status?: string;
  entity_type?: string;
  operation_type?: string;
  data?: { single_entity: Row };
  payload?: Record<string, Row[]>;
}

export const TYPES: Record<string, { table: string; list: string }> = {
  Account: { table: "accounts", list: "accounts" },
  AccountGroup: { table: "accountGroups", list: "account_groups" },
  Category: { table: "categories", list: "categories" },
  CategoryGroup: { table: "categoryGroups", list: "category_groups" },
  Recipient: { table: "recipients", list: "recipients" },
  Tag: { table: "tags", list: "tags" },
  Transaction: { table: "transactions", list: "transactions" },
  PlanningTransaction: { table: "planningTransactions", list: "planning_transactions" },
  AutomationRule: { table: "rules", list: "automation_rules" },
};

const QUEUE = "&id, tenantId, entityType, entityId, operationType, timestamp, status, [tenantId+status]";

function appDatabase(tenantId: string): Dexie {
  const db = new Dexie(`finwiseTenantDB_${tenantId}`);
  const tables = Object.fromEntries(Object.values(TYPES).map(({ table }) => [table, "&id, name"]));
  db.version(14).stores({ ...tables, syncQueue: QUEUE });
  return db;
}

export class SmallApp {
  readonly db: Dexie;
  readonly messages: Message[] = [];
  status = "offline";
  private socket: InstanceType<Finwise04["WebSocket"]> | undefined;

  /** `finwise` undefined: the app as it was before. */
  constructor(
    readonly tenantId: string,
    private readonly finwise: Finwise04 | undefined,
  ) {
    this.db = appDatabase(tenantId);
    finwise?.watch(this.db);
  }

  async connect(): Promise<this> {
    await this.db.open();
    this.socket = new this.finwise!.WebSocket(`ws://localhost:8000/ws_finwise/ws/${this.tenantId}`);
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- as the app does it
    this.socket.onmessage = (event: { data: string }) => this.take(JSON.parse(event.data) as Message);
    return this;
  }

  async close(): Promise<void> {
    this.socket?.close();
    await this.finwise?.end();
    this.db.close();
  }

  rows(type: string): Table<Row, string> {
    return this.db.table(TYPES[type]!.table);
  }

  queue(): Promise<Row[]> {
    return this.db.table("syncQueue").toArray();
  }

  /** Stores a row and queues the change, as the app's stores do. */
  async edit(type: string, row: Row, operationType = "update", at = Date.now()): Promise<void> {
    const stamped = { ...row, updatedAt: new Date(at).toISOString() };
    if (operationType === "delete") await this.rows(type).delete(row.id);
    else await this.rows(type).put(stamped);
    const payload = operationType === "delete" ? { id: row.id } : stamped;
    const entry = {
      entityType: type,
      entityId: row.id,
      operationType,
      payload,
      timestamp: at,
      status: "pending",
      attempts: 0,
    };
    await this.db.table("syncQueue").add({ id: crypto.randomUUID(), tenantId: this.tenantId, ...entry });
    if (this.status === "online") this.sendQueue(await this.queue());
  }

  drained(): Promise<void> {
    return vi.waitFor(
      async () => {
        if ((await this.queue()).length) throw new Error("The queue is not empty.");
      },
      { timeout: 20_000 },
    );
  }

  private sendQueue(entries: Row[]): void {
    for (const payload of entries) this.socket?.send(JSON.stringify({ type: "process_sync_entry", payload }));
  }

  private async take(message: Message): Promise<void> {
    this.messages.push(message);
    if (message.type === "status") await this.hear(message.status!);
    else if (message.type === "sync_ack") await this.db.table("syncQueue").delete(message.id!);
    else if (message.type === "data_update") await this.takeOne(message);
    else if (message.type === "initial_data_load") {
      for (const [type, { list }] of Object.entries(TYPES))
        await this.rows(type).bulkPut(message.payload![list]!.map(renamed));
    }
  }

  private async hear(status: string): Promise<void> {
    this.status = status;
    if (status !== "online") return;
    this.socket?.send(JSON.stringify({ type: "request_initial_data", tenant_id: this.tenantId }));
    this.sendQueue(await this.queue());
  }

  /** As the app does: keeps its own row unless the message is newer, and merges the two. */
  private async takeOne({ entity_type, operation_type, data }: Message): Promise<void> {
    const [entity, rows] = [renamed(data!.single_entity), this.rows(entity_type!)];
    if (operation_type === "delete") return rows.delete(entity.id);
    const own = await rows.get(entity.id);
    if (own && String(own["updatedAt"]) >= String(entity["updatedAt"])) return;
    await rows.put({ ...own, ...entity });
  }
}

function renamed({ updated_at, ...entity }: Row): Row {
  return { ...entity, id: entity["id"], updatedAt: updated_at };
}
