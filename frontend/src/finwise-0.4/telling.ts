/** From the book to the app: what it has not been told yet, as the messages it understands. */

import type { Dexie } from "dexie";
import type { EntityType } from "../catalogue.js";
import type { FinwiseTenantSpecificDB, Row } from "../database.js";
import { toData as contentsOf } from "../local.js";
import { queueOf, rowsOf } from "./app_database.js";
import { type AppEntity, NAMED, editedAt, saysTheSame, toData, toEntity } from "./names.js";
import type { ToldVersions } from "./told.js";
import { timeText } from "../time.js";

/** Gives a message to the app; resolves when the app has dealt with it. */
export type Say = (message: Record<string, unknown>) => Promise<void>;

interface News {
  entityType: EntityType;
  message: string;
  table: string;
  entity: AppEntity;
  version: string;
  isNew: boolean;
}

/**
 * Tells the app everything that is new to it, but for entities of which an edit of its own waits. `asLoad`: what it does
 * not have goes into one message, which it takes once on a connection.
 */
export async function tellNews(
  app: Dexie,
  book: FinwiseTenantSpecificDB,
  told: ToldVersions,
  say: Say,
  asLoad: boolean,
): Promise<void> {
  const tenant_id = book.tenantId;
  const held = await heldBack(app, book);
  const news: News[] = [];
  for (const named of NAMED) {
    const rows = (await book.entities(named.entityType).toArray()) as Row[];
    await tellDeletions(app, named, rows, told, held, (message) => say({ ...message, tenant_id }));
    const known = told.of(named.entityType);
    const changed = rows.filter(
      (row) => row.base_updated_at !== null && known.get(row.id) !== row.base_updated_at && !held.has(row.id),
    );
    const there = await rowsOf(app, named.table).bulkGet(changed.map(({ id }) => id));
    const isKnown = (row: Row, i: number): boolean => !!there[i] && saysTheSame(toData(there[i]), contentsOf(row));
    await told.note(
      named.entityType,
      changed.filter(isKnown).map((row) => ({ id: row.id, updated_at: row.base_updated_at! })),
    );
    for (const [i, row] of changed.entries()) if (!isKnown(row, i)) news.push(newsOf(named, row, there[i]));
  }
  if (asLoad) await say({ ...load(news.filter(({ isNew }) => isNew)), tenant_id });
  for (const each of news) if (!(asLoad && each.isNew)) await say({ ...update(each), tenant_id });
  await keep(app, news, told);
}

/** The ids of entities that the app or the book has edits of. */
async function heldBack(app: Dexie, book: FinwiseTenantSpecificDB): Promise<Set<string>> {
  const queued = (await queueOf(app).orderBy("entityId").uniqueKeys()) as string[];
  const waiting = (await book.syncQueue.toArray()).map(({ id }) => id);
  const rejected = (await book.syncRejected.toArray()).map(({ id }) => id);
  return new Set([...queued, ...waiting, ...rejected]);
}

function newsOf(named: (typeof NAMED)[number], row: Row, there: AppEntity | undefined): News {
  const version = row.base_updated_at!;
  // The app takes only what is newer than its own row, whose clock may have been ahead.
  const later = there ? timeText(Math.max(Date.parse(version), Date.parse(editedAt(there)) + 1)) : version;
  return { ...named, version, isNew: !there, entity: toEntity(row.id, contentsOf(row), later, there) };
}

/** One message for everything the app does not have; the app waits for it although that may be nothing. */
function load(news: News[]): Record<string, unknown> {
  const lists = NAMED.map(({ entityType }) => [
    entityType,
    news.filter((each) => each.entityType === entityType).map(({ entity }) => entity),
  ]);
  return { type: "initial_data_load", event_type: "initial_data_load", payload: Object.fromEntries(lists) };
}

function update({ message, entity, isNew }: News): Record<string, unknown> {
  return {
    type: "data_update",
    event_type: "data_update",
    entity_type: message,
    operation_type: isNew ? "create" : "update",
    data: { single_entity: entity },
  };
}

async function tellDeletions(
  app: Dexie,
  named: (typeof NAMED)[number],
  rows: Row[],
  told: ToldVersions,
  held: Set<string>,
  say: Say,
): Promise<void> {
  const living = new Set(rows.map(({ id }) => id));
  const gone = [...told.of(named.entityType).keys()].filter((id) => !living.has(id) && !held.has(id));
  for (const id of gone) {
    if (await rowsOf(app, named.table).get(id)) {
      const data = { single_entity: { id } };
      await say({
        type: "data_update",
        event_type: "data_update",
        entity_type: named.message,
        operation_type: "delete",
        data,
      });
      await rowsOf(app, named.table).delete(id);
    }
    await told.forget(named.entityType, id);
  }
}

/** Notes what was told. A row that the app did not write, because it dropped the message, is written here. */
async function keep(app: Dexie, news: News[], told: ToldVersions): Promise<void> {
  for (const { entityType, table } of NAMED) {
    const ofType = news.filter((each) => each.entityType === entityType);
    if (!ofType.length) continue;
    const rows = await rowsOf(app, table).bulkGet(ofType.map(({ entity }) => entity.id));
    const dropped = ofType.filter(({ entity }, i) => !rows[i] || editedAt(rows[i]) < String(entity["updated_at"]));
    await rowsOf(app, table).bulkPut(dropped.map(({ entity }) => rowOf(entity)));
    await told.note(
      entityType,
      ofType.map(({ entity, version }) => ({ id: entity.id, updated_at: version })),
    );
  }
}

function rowOf({ updated_at, ...entity }: AppEntity): AppEntity {
  return { ...entity, id: entity.id, updatedAt: updated_at, updated_at };
}
