/** One tenant's conversation between the app and the server, over the book that this package keeps in between. */

import type { Dexie } from "dexie";
import { BackgroundSync } from "../background.js";
import type { FinwiseClient } from "../client.js";
import { FinwiseTenantSpecificDB, type RejectedEntry } from "../database.js";
import { newId } from "../identifiers.js";
import { toData as contentsOf } from "../local.js";
import { waiting } from "../queue.js";
import { isLoaded } from "../shelf.js";
import type { SyncStatus } from "../status.js";
import { type AppQueueEntry, queueOf, queued, tenantOf } from "./app_database.js";
import { type AppChange, enter, settled } from "./entering.js";
import { moveOnce } from "./moving.js";
import { saysTheSame, toData, typeOf } from "./names.js";
import { type Say, tellNews } from "./telling.js";
import { ToldVersions } from "./told.js";

const SOON = 100; // ms, so that what the app sends one by one goes in one push
const REACHED = new Set<SyncStatus["state"]>(["idle", "forbidden", "quota"]);
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export class Conversation {
  readonly tenantId: string;
  readonly book: FinwiseTenantSpecificDB;
  private readonly told: ToldVersions;
  private readonly sync: BackgroundSync;
  /** What was queued here, by the app's id of it. */
  private readonly entered = new Map<string, AppChange>();
  private turn: Promise<void> = Promise.resolve();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private say: Say | undefined;
  private isStarted = false;
  private isOnline = false;
  private isListening = false;
  private wantsLoad = false; // the app asks once and then waits, even on a later connection
  private hasLoaded = false; // the app takes one first load on each connection
  private toldOf = ""; // the digests of what the app was told last

  constructor(
    private readonly app: Dexie,
    client: FinwiseClient,
  ) {
    this.tenantId = tenantOf(app);
    this.book = new FinwiseTenantSpecificDB(this.tenantId);
    this.told = new ToldVersions(this.tenantId);
    this.sync = new BackgroundSync(this.book, client, { onStatus: (status) => this.hear(status) });
    this.noteBases();
  }

  /** The app has opened a connection. `say` gives it messages. */
  open(say: Say): void {
    this.say = say;
    this.isListening = this.wantsLoad;
    this.hasLoaded = false;
    this.toldOf = "";
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
    this.say = undefined;
    await this.sync.stop();
    await this.turn;
    this.book.close();
    this.told.close();
  }

  /** A message of the app's. */
  receive(message: { type?: string; payload?: AppQueueEntry }): void {
    if (message.type === "process_sync_entry") this.poke();
    else if (message.type === "request_initial_data") {
      this.isListening = true;
      this.wantsLoad = true;
      this.toldOf = "";
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
      if (entityType) entry.base_updated_at = this.told.base(entityType, entry.entityId);
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
    const fresh = (await queued(this.app)).filter(({ id }) => !this.entered.has(id));
    const changes = fresh.map(changeOf).filter((change) => change !== undefined);
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
    await moveOnce(this.app, this.book, this.told);
    await this.take();
    const done = await settled(
      this.book,
      [...this.entered.values()].map(({ change_id }) => change_id),
    );
    for (const [id, change] of this.entered) if (done.has(change.change_id)) await this.acknowledge(id, change);
    if (!isMoved || (await this.book.syncQueue.count())) void this.sync.sync();
    await this.tell();
  }

  private async acknowledge(id: string, change: AppChange): Promise<void> {
    await this.goOnFrom(change);
    const { entity_type, id: entityId } = change;
    const entry = await queueOf(this.app).get(id);
    const { entityType, operationType } = entry ?? { entityType: entity_type, operationType: "update" };
    if (entry) await this.say?.({ type: "sync_ack", id, status: "processed", entityId, entityType, operationType });
    await queueOf(this.app).delete(id);
    this.entered.delete(id);
  }

  /** What the app goes on to edit is based on what has become of this change, if that is what it still sees. */
  private async goOnFrom({ entity_type, id, data, base_updated_at: base }: AppChange): Promise<void> {
    const row = await this.book.entities(entity_type).get(id);
    const isMine = data === null ? !row : row !== undefined && saysTheSame(contentsOf(row), data);
    if (!isMine && !(await waiting(this.book, entity_type, id)).length) return;
    const version =
      row?.base_updated_at ?? (await this.book.syncTombstones.get([entity_type, id]))?.base_updated_at ?? null;
    if (row && version) await this.told.note(entity_type, [{ id, updated_at: version }]);
    if (!row) await this.told.forget(entity_type, id);
    const isBuiltOnIt = (entry: AppQueueEntry): boolean =>
      (entry.base_updated_at ?? null) === base && typeOf(entry.entityType) === entity_type;
    await queueOf(this.app).where("entityId").equals(id).filter(isBuiltOnIt).modify({ base_updated_at: version });
  }

  private async tell(): Promise<void> {
    const { say } = this;
    if (!say || !this.isListening || !this.app.isOpen()) return;
    const digests = JSON.stringify((await this.book.syncMetadata.toArray()).map(({ digest }) => digest));
    const queue = await queueOf(this.app).count();
    const now = `${digests} ${queue}`;
    if (now === this.toldOf) return;
    await tellNews(this.app, this.book, this.told, say, !this.hasLoaded);
    if (this.say !== say) return; // the connection was lost meanwhile
    this.wantsLoad = false;
    this.hasLoaded = true;
    this.toldOf = now;
  }

  /** One after the other, so that a change is not queued twice. */
  private inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.turn.then(work);
    this.turn = done.catch((error: unknown) => console.error("finwise sync", error));
    return this.turn;
  }
}

/** The change that a queue entry is, with the app's id of it; undefined: it is of no type that syncs. */
function changeOf(entry: AppQueueEntry): [string, AppChange] | undefined {
  const entity_type = typeOf(entry.entityType);
  if (!entity_type) return undefined;
  const data = entry.operationType === "delete" || !entry.payload ? null : toData(entry.payload);
  const change_id = UUID.test(entry.id) ? entry.id : newId();
  return [
    entry.id,
    {
      change_id,
      entity_type,
      id: entry.entityId,
      data,
      at: entry.timestamp,
      base_updated_at: entry.base_updated_at ?? null,
    },
  ];
}
