/** One tenant's conversation between the app and the server, over the book that this package keeps in between. */

import type { Dexie } from "dexie";
import { BackgroundSync } from "../background.js";
import type { FinwiseClient } from "../client.js";
import { FinwiseTenantSpecificDB, type RejectedEntry } from "../database.js";
import { newId } from "../identifiers.js";
import { isLoaded } from "../shelf.js";
import type { SyncStatus } from "../status.js";
import { goOnFrom } from "./acknowledging.js";
import { type AppQueueEntry, queueOf, queued, tenantOf } from "./app_database.js";
import { AvailableFunds, findFunds } from "./available_funds.js";
import { Changed } from "./changed.js";
import { type AppChange, enter, stillWaiting } from "./entering.js";
import { bringFunds, moveOnce } from "./moving.js";
import { toData, typeOf } from "./names.js";
import type { Sides } from "./sides.js";
import { forgetWhatIsLost, type Say, tellNews } from "./telling.js";
import { ToldVersions } from "./told.js";
import { TenantDbService } from "../tenant_db_service.js";

const SOON = 100; // ms, so that what the app sends one by one goes in one push
const REACHED = new Set<SyncStatus["state"]>(["idle", "forbidden", "quota"]);
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export class Conversation implements Sides {
  readonly tenantId: string;
  readonly book: FinwiseTenantSpecificDB;
  readonly told: ToldVersions;
  readonly changed: Changed;
  /** For what is in the book beside the app's own tables. */
  readonly service: TenantDbService;
  private readonly sync: BackgroundSync;
  /** What was queued here, by the app's id of it. */
  private readonly entered = new Map<string, AppChange>();
  funds = new AvailableFunds();
  private turn: Promise<void> = Promise.resolve();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private telling: ReturnType<typeof setTimeout> | undefined;
  private say: Say | undefined;
  private isStarted = false;
  private isOnline = false;
  private isChecked = false; // whether the app still has what it was told
  private isListening = false; // the app has asked; it does so once and then waits, even on a later connection
  private hasLoaded = false; // the app takes one first load on each connection

  constructor(
    readonly app: Dexie,
    client: FinwiseClient,
  ) {
    this.tenantId = tenantOf(app);
    this.book = new FinwiseTenantSpecificDB(this.tenantId);
    this.told = new ToldVersions(this.tenantId);
    this.changed = new Changed(this.book.name, () => this.tellSoon());
    this.sync = new BackgroundSync(this.book, client, { onStatus: (status) => this.hear(status) });
    this.service = new TenantDbService(this.book, () => this.resume());
    this.noteBases();
  }

  /** The app has opened a connection. `say` gives it messages. */
  open(say: Say): void {
    this.say = say;
    this.hasLoaded = false;
    this.changed.suspectAll();
    if (!this.isStarted) this.sync.start();
    else void this.sync.sync();
    this.isStarted = true;
    if (this.isOnline) void this.inTurn(() => this.saySo());
  }

  /** Somebody has logged in. */
  resume(): void {
    if (this.isStarted) void this.sync.sync();
  }

  /** The connection is closed; what waits is still sent. */
  leave(): void {
    this.say = undefined;
  }

  /** Ends all of it, as the app closes its database. */
  async end(): Promise<void> {
    clearTimeout(this.timer);
    clearTimeout(this.telling);
    this.say = undefined;
    await this.sync.stop();
    await this.turn;
    this.changed.end();
    this.book.close();
    this.told.close();
  }

  /** A message of the app's. */
  receive(message: { type?: string; payload?: AppQueueEntry }): void {
    if (message.type === "process_sync_entry") this.poke();
    else if (message.type === "request_initial_data") {
      this.isListening = true;
      this.changed.suspectAll();
      this.poke();
    } else if (message.type === "ping") void this.say?.({ type: "pong", timestamp: Date.now() });
    else if (message.type === "connection_status_request")
      void this.say?.({ type: "connection_status_response", status: this.status() });
    else if (message.type === "tenant_disconnect") {
      void this.say?.({ type: "tenant_disconnect_ack", tenant_id: this.tenantId, status: "success" });
    }
  }

  /** What the server does not take, with the reasons. It does not hold up anything else. */
  rejected(): Promise<RejectedEntry[]> {
    return this.book.syncRejected.toArray();
  }

  /** Notes at the moment of each edit which version it was made from. */
  private noteBases(): void {
    this.app.on("ready", () => this.told.load(), true);
    queueOf(this.app).hook("creating", (_key, entry) => {
      const entityType = typeOf(entry.entityType);
      if (entityType) entry.base_updated_at = this.told.base(entityType, this.funds.toBook(entry.entityId));
      this.poke();
    });
  }

  /** Something is to be sent or told, in a moment. */
  private poke(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.inTurn(() => this.send());
    }, SOON);
  }

  /** Something in the book has changed: what the sync does not tell, because it has ended by then, is told in a moment. */
  private tellSoon(): void {
    this.telling ??= setTimeout(() => {
      this.telling = undefined;
      void this.inTurn(() => this.tellOfLoaded());
    }, SOON);
  }

  private async tellOfLoaded(): Promise<void> {
    if (this.isOnline && (await isLoaded(this.book)) && (await this.told.isMoved())) await this.tell();
  }

  private hear({ state }: SyncStatus): void {
    if (state === "syncing" || state === "loading") return;
    const wasOnline = this.isOnline;
    this.isOnline = REACHED.has(state);
    void this.inTurn(async () => {
      if (wasOnline !== this.isOnline) await this.saySo();
      if (this.isOnline) await this.settle();
    });
  }

  private async saySo(): Promise<void> {
    await this.say?.({ type: "status", status: this.status() });
  }

  private status(): string {
    return this.isOnline ? "online" : "offline";
  }

  /** Queues what the app has queued, and syncs. */
  private async send(): Promise<void> {
    await this.take();
    if (this.isStarted) void this.sync.sync();
  }

  private async take(): Promise<void> {
    this.funds = await findFunds(this.app, this.book);
    const fresh = (await queued(this.app)).filter(({ id }) => !this.entered.has(id));
    const changes = fresh.flatMap((entry) => changeOf(entry, this.funds));
    await enter(
      this.book,
      changes.map(([, change]) => change),
    );
    for (const [id, change] of changes) this.entered.set(id, change);
  }

  /** After a sync: acknowledges what the server has answered, and tells what is new. */
  private async settle(): Promise<void> {
    if (!(await isLoaded(this.book))) return;
    const isMoved = await this.told.isMoved();
    await this.take();
    if (!this.isChecked) await forgetWhatIsLost(this);
    this.isChecked = true;
    await moveOnce(this);
    await bringFunds(this);
    await this.acknowledge();
    if (!isMoved || (await this.book.syncQueue.count())) void this.sync.sync();
    await this.tell();
  }

  private async acknowledge(): Promise<void> {
    const entered = [...this.entered];
    const waiting = await stillWaiting(
      this.book,
      entered.map(([, { change_id }]) => change_id),
    );
    const done = entered.filter(([, { change_id }]) => !waiting.has(change_id));
    if (!done.length) return;
    const [ids, changes] = [done.map(([id]) => id), done.map(([, change]) => change)];
    await goOnFrom(this, changes);
    for (const entry of await queueOf(this.app).bulkGet(ids)) if (entry) await this.say?.(ack(entry));
    await queueOf(this.app).bulkDelete(ids);
    for (const id of ids) this.entered.delete(id);
  }

  private async tell(): Promise<void> {
    const { say } = this;
    if (!say || !this.isListening || !this.app.isOpen()) return;
    if (this.hasLoaded && this.changed.isEmpty) return;
    try {
      await tellNews(this, say, !this.hasLoaded);
    } catch (error) {
      this.changed.suspectAll();
      throw error;
    }
    if (this.say !== say) return; // the connection was lost meanwhile
    this.hasLoaded = true;
  }

  /** One after the other, so that a change is not queued twice. */
  private inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.turn.then(work);
    this.turn = done.catch((error: unknown) => console.error("finwise sync", error));
    return this.turn;
  }
}

function ack({ id, entityId, entityType, operationType }: AppQueueEntry): Record<string, unknown> {
  return { type: "sync_ack", id, status: "processed", entityId, entityType, operationType };
}

/** The change that a queue entry is, with the app's id of the entry; none if it is of no type that syncs. */
function changeOf(entry: AppQueueEntry, funds: AvailableFunds): [string, AppChange][] {
  const entity_type = typeOf(entry.entityType);
  if (!entity_type) return [];
  const data = entry.operationType === "delete" || !entry.payload ? null : funds.toBook(toData(entry.payload));
  const change = {
    change_id: UUID.test(entry.id) ? entry.id : newId(),
    entity_type,
    id: funds.toBook(entry.entityId),
    data,
    at: entry.timestamp,
    base_updated_at: entry.base_updated_at ?? null,
  };
  return [[entry.id, change]];
}
