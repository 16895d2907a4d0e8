/** One sync: sends what waits, takes what is new, and sees that both sides hold the same (docs/protocol.md 7). */

import { ENTITY_TYPES, type Entity, type EntityType } from "./catalogue.js";
import { type FinwiseClient, type Page, type PushAnswer, ServerError } from "./client.js";
import type { FinwiseTenantSpecificDB, QueueEntry, Reload } from "./database.js";
import { askForReload, device, putDevice } from "./device.js";
import { recount } from "./local.js";
import { MOST_TOGETHER, askAgain, hasWaiting, setAside, takeBatch, unitsOf, wireChange } from "./queue.js";
import { Taking } from "./taking.js";
import { offsetAfter, timeText } from "./time.js";

const MOST_CHANGES = MOST_TOGETHER; // in one push
const MOST_BYTES = 1 << 18; // so that a slow line gets it across before anybody loses patience
const CONFLICTS_EVERY = 10 * 60_000; // ms; others lose, or decide, without anything else to be seen here
const MOST_RELOADS = 3; // in one sync

/** How a load of the whole book goes on: entities received, then how many of them are stored. */
export interface Progress {
  received: number;
  stored: number;
  /** How many there are; undefined as long as the server goes on sending. */
  total: number | undefined;
}

export interface Hooks {
  now: () => number;
  onProgress: (progress: Progress | undefined) => void;
}

/** What the server would not take for now; the rest of the sync goes on. */
interface Held {
  error: ServerError | undefined;
  /** Deletions may still be taken: there is no room for anything else. */
  deletionsOnly: boolean;
}

function isClosed(held: Held): boolean {
  return held.error !== undefined && !held.deletionsOnly;
}

export class Exchange {
  private most = MOST_CHANGES;
  private bytes = MOST_BYTES;
  private hasAskedAgain = false; // another version of the server, in this sync
  private signal: AbortSignal | undefined;
  private isCounted = false; // what is held here, since this program was started
  private conflictsAt: number | undefined; // when they were fetched, ms since 1970; undefined: they are due

  constructor(
    private readonly db: FinwiseTenantSpecificDB,
    private readonly client: FinwiseClient,
    private readonly hooks: Hooks,
  ) {}

  /** The next sync fetches the conflicts, whether anything moved or not. */
  lookAgain(): void {
    this.conflictsAt = undefined;
  }

  /** Raises ServerError; the queue then holds whatever the server has not answered for. `signal` ends it early. */
  async sync(signal?: AbortSignal): Promise<void> {
    this.signal = signal;
    this.hasAskedAgain = false;
    for (let reloads = 0; ; reloads++) {
      try {
        await this.load();
        await this.count();
        const refusal = await this.pushAndPull();
        if (this.areConflictsDue()) await this.fetchConflicts();
        if (refusal) throw refusal;
        await putDevice(this.db, { synced_at: this.hooks.now() });
        return;
      } catch (error) {
        const reload = error instanceof ServerError ? error.reload : undefined;
        if (!reload || reloads >= MOST_RELOADS) throw error;
        await askForReload(this.db, reload);
      }
    }
  }

  /** Loads what was never loaded, or everything where that is asked for. */
  private async load(): Promise<void> {
    const { reload } = await device(this.db);
    const known = new Map(
      (await this.db.syncMetadata.toArray()).map((each) => [each.entity_type, each.last_synced_at]),
    );
    const types = reload ? ENTITY_TYPES : ENTITY_TYPES.filter((name) => !known.get(name));
    if (!types.length) return;
    const entities: Entity[] = [];
    const take = (some: Entity[]) => {
      for (const entity of some) entities.push(entity);
      this.hooks.onProgress({ received: entities.length, stored: 0, total: undefined });
    };
    try {
      const asked = this.hooks.now();
      const page = await this.client.initial(this.db.tenantId, types, take, this.signal);
      await this.store(entities, types, reload, page, asked);
    } finally {
      this.hooks.onProgress(undefined);
    }
  }

  private async store(
    entities: Entity[],
    types: readonly EntityType[],
    reload: Reload | undefined,
    page: Page,
    asked: number,
  ): Promise<void> {
    let stored = 0;
    await this.db.transaction("rw", this.db.tables, async () => {
      const taking = new Taking(this.db);
      await taking.load(entities, types, reload, (count) => {
        stored += count;
        this.hooks.onProgress({ received: entities.length, stored, total: entities.length });
      });
      // A type that joins the others goes on from where they are: they may not know yet that the server was restored.
      await taking.cursor((!reload && (await this.since())) || page.next_since, types);
      const { reload: _, ...state } = await device(this.db);
      await this.db.syncDevice.put(state);
      await this.learn(page, asked);
    });
    if (reload?.reason === "digest" && (await this.differs(page.digest)))
      throw new ServerError(0, "digest", {}, undefined);
  }

  /** Pushes and pulls until nothing is left; the error, if there was something that the server would not take. */
  private async pushAndPull(): Promise<ServerError | undefined> {
    const held: Held = { error: undefined, deletionsOnly: false };
    for (;;) {
      const asked = this.hooks.now();
      const batch = isClosed(held) ? [] : await takeBatch(this.db, this.most, this.bytes, held.deletionsOnly);
      const answer = batch.length ? await this.push(batch, held, asked) : await this.pull(asked);
      if (!answer) continue;
      if (batch.length || answer.changes?.length) this.conflictsAt = undefined;
      if (answer.has_more || (await this.hasMoreToSend(held))) continue;
      if (await this.differs(answer.digest)) {
        await askForReload(this.db, { reason: "digest", give_back: false });
        await this.load();
      }
      return held.error;
    }
  }

  private async hasMoreToSend(held: Held): Promise<boolean> {
    return !isClosed(held) && hasWaiting(this.db, held.deletionsOnly);
  }

  /** The answer to a push, after it was taken; undefined: to be tried in another way. */
  private async push(batch: QueueEntry[], held: Held, asked: number): Promise<PushAnswer | undefined> {
    const body = {
      tenant_id: this.db.tenantId,
      device_id: (await device(this.db)).device_id,
      client_time: timeText(asked),
      since: await this.knownSince(),
      entity_types: ENTITY_TYPES,
      changes: batch.map(wireChange),
    };
    try {
      const answer = await this.client.push(body, this.signal);
      await this.take(answer, asked, batch);
      return answer;
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      await this.refused(error, batch, held);
      return undefined;
    }
  }

  /** Goes on where only this push was refused. Raises the error where it is more than that. */
  private async refused(error: ServerError, batch: QueueEntry[], held: Held): Promise<void> {
    if (error.status === 413 && unitsOf(batch).length > 1) {
      this.most = Math.ceil(batch.length / 2);
      this.bytes = Math.ceil(this.bytes / 2);
    } else if (error.status === 413) {
      await this.db.transaction("rw", this.db.syncQueue, this.db.syncRejected, async () => {
        for (const entry of batch) await setAside(this.db, entry, "too_large", {});
      });
    } else if (error.status === 507 || error.status === 403) {
      held.deletionsOnly = error.status === 507 && !held.error;
      held.error = error;
    } else {
      throw error;
    }
  }

  private async pull(asked: number): Promise<Page> {
    const page = await this.client.pull(this.db.tenantId, await this.knownSince(), ENTITY_TYPES, this.signal);
    await this.take(page, asked, []);
    return page;
  }

  /** Results, page and cursor are stored together or not at all. */
  private async take(answer: PushAnswer | Page, asked: number, batch: QueueEntry[]): Promise<void> {
    await this.db.transaction("rw", this.db.tables, async () => {
      const taking = new Taking(this.db);
      const results = "results" in answer ? answer.results : [];
      for (const [i, entry] of batch.entries()) await taking.result(entry, results[i]!);
      await taking.versions(answer.changes ?? []);
      if (answer.next_since !== undefined) await taking.cursor(answer.next_since, ENTITY_TYPES);
      await taking.save();
      await this.learn(answer, asked);
    });
  }

  private async learn(answer: PushAnswer | Page, asked: number): Promise<void> {
    const known = await device(this.db);
    const offset = offsetAfter(known.offset, asked, Date.parse(answer.server_time), this.hooks.now());
    const isOther = known.server_version !== undefined && known.server_version !== answer.server_version;
    if (isOther && !this.hasAskedAgain) await askAgain(this.db);
    this.hasAskedAgain ||= isOther;
    await this.db.syncDevice.put({ ...known, offset, server_version: answer.server_version });
  }

  /** The oldest cursor of all types, which holds for each of them; undefined: none was ever loaded. */
  private async since(): Promise<string | undefined> {
    const known = await this.db.syncMetadata.bulkGet([...ENTITY_TYPES]);
    return known.flatMap((each) => each?.last_synced_at ?? []).sort()[0];
  }

  private async knownSince(): Promise<string> {
    return (await this.since())!; // a load came before
  }

  /** Whether this device holds something else than the server, as far as that can be told: with an empty queue. */
  private async differs(digest: Record<string, string> | undefined): Promise<boolean> {
    if (!digest) return false;
    return this.db.transaction("r", this.db.syncQueue, this.db.syncMetadata, this.db.syncRejected, async () => {
      if (await this.db.syncQueue.count()) return false;
      const unsettled = new Set((await this.db.syncRejected.toArray()).map((entry) => entry.entity_type));
      const held = await this.db.syncMetadata.toArray();
      return held.some(
        (each) => !unsettled.has(each.entity_type) && (digest[each.entity_type] ?? each.digest) !== each.digest,
      );
    });
  }

  /** Counts once what is held here, for something may have been written past the sums. */
  private async count(): Promise<void> {
    if (this.isCounted) return;
    for (const name of ENTITY_TYPES) {
      await this.db.transaction("rw", this.db.entities(name), this.db.syncMetadata, () => recount(this.db, name));
    }
    this.isCounted = true;
  }

  private async fetchConflicts(): Promise<void> {
    const conflicts = await this.client.conflicts(this.db.tenantId, this.signal);
    await this.db.transaction("rw", this.db.syncConflicts, async () => {
      await this.db.syncConflicts.clear();
      await this.db.syncConflicts.bulkPut(conflicts);
    });
    this.conflictsAt = this.hooks.now();
  }

  /** Whether conflicts are to be fetched: after something has moved here, after a while, and after the clock was set back. */
  private areConflictsDue(): boolean {
    const since = this.conflictsAt === undefined ? undefined : this.hooks.now() - this.conflictsAt;
    return since === undefined || since < 0 || since >= CONFLICTS_EVERY;
  }
}
