/** From the book to the app: what it has not been told yet, as the messages it understands. */

import type { Table } from "dexie";
import type { Row } from "../database.js";
import { toData as contentsOf } from "../local.js";
import { queueOf, rowsOf } from "./app_database.js";
import type { AvailableFunds } from "./available_funds.js";
import { rowsOf as readRows } from "../reading.js";
import { type AppEntity, NAMED, type Named, editedAt, saysTheSame, toData, toEntity } from "./names.js";
import type { Sides } from "./sides.js";
import { timeText } from "../time.js";

/** Gives a message to the app; resolves when the app has dealt with it. */
export type Say = (message: Record<string, unknown>) => Promise<void>;

interface News extends Named {
  /** As the app is to have it. */
  entity: AppEntity;
  /** Its id in the book, and the server's version. */
  id: string;
  version: string;
  isNew: boolean;
}

/**
 * Tells the app what is new to it of what has changed, but for entities of which an edit of its own waits: those are to
 * be looked at again. `asLoad`: what it does not have goes into one message, which it takes once on a connection.
 */
export async function tellNews(sides: Sides, say: Say, asLoad: boolean): Promise<void> {
  const { book, told } = sides;
  const sayOf: Say = (message) => say({ ...message, tenant_id: book.tenantId });
  const held = await heldBack(sides);
  const news: News[] = [];
  for (const named of NAMED) {
    const { rows, gone } = await findChanged(sides, named, held);
    await tellDeletions(sides, named, gone, sayOf);
    const known = told.of(named.entityType);
    const isOld = ({ id, base_updated_at }: Row): boolean =>
      base_updated_at === null || known.get(id) === base_updated_at;
    const changed = rows.filter((row) => !isOld(row));
    news.push(...(await newsOf(sides, named, changed)));
  }
  if (asLoad) await sayOf(load(news.filter(({ isNew }) => isNew)));
  for (const each of news) if (!(asLoad && each.isNew)) await sayOf(update(each));
  await keep(sides, news);
}

/** What has changed of a type and is not held back: the rows, and the ids that the app was told of but are not there. */
async function findChanged(
  { book, told, changed }: Sides,
  { entityType }: Named,
  held: Set<string>,
): Promise<{ rows: Row[]; gone: string[] }> {
  const table = book.entities(entityType) as Table<Row, string>;
  const known = told.of(entityType);
  const ids = changed.take(entityType);
  const found = await (ids ? readRows(table, [...ids]) : table.toArray());
  const rows = found.flatMap((row) => row ?? []);
  const living = new Set(rows.map(({ id }) => id));
  const gone = [...(ids ?? known.keys())].filter((id) => known.has(id) && !living.has(id));
  changed.note(
    entityType,
    [...living, ...gone].filter((id) => held.has(id)),
  );
  return { rows: rows.filter(({ id }) => !held.has(id)), gone: gone.filter((id) => !held.has(id)) };
}

/**
 * If the app has nothing of what it was told, its database was deleted, and it is to be told all again. It has its
 * category for available funds all the same, for it makes that itself.
 */
export async function forgetWhatIsLost({ app, told, funds }: Sides): Promise<void> {
  if (await queueOf(app).count()) return;
  for (const { table } of NAMED) {
    const ids = await rowsOf(app, table)
      .limit(funds.appIds.length + 1)
      .primaryKeys();
    if (ids.some((id) => !funds.appIds.includes(id))) return;
  }
  for (const { entityType } of NAMED) await told.forget(entityType, [...told.of(entityType).keys()]);
}

/** The ids of entities that the app or the book has edits of. */
async function heldBack({ app, book, funds }: Sides): Promise<Set<string>> {
  const queued = (await queueOf(app).orderBy("entityId").uniqueKeys()) as string[];
  const waiting = (await book.syncQueue.toArray()).map(({ id }) => id);
  const rejected = (await book.syncRejected.toArray()).map(({ id }) => id);
  return new Set([...queued.map((id) => funds.toBook(id)), ...waiting, ...rejected]);
}

/** What of these entities the app does not have already, by an edit of its own. */
async function newsOf({ app, told, funds }: Sides, named: Named, changed: Row[]): Promise<News[]> {
  const there = await rowsOf(app, named.table).bulkGet(changed.map(({ id }) => funds.toApp(id)));
  const isKnown = (row: Row, i: number): boolean =>
    !!there[i] && saysTheSame(funds.toBook(toData(there[i])), contentsOf(row));
  const known = changed.filter(isKnown).map(({ id, base_updated_at }) => ({ id, updated_at: base_updated_at! }));
  await told.note(named.entityType, known);
  return changed.flatMap((row, i) => (isKnown(row, i) ? [] : [newsOfOne(named, row, there[i], funds)]));
}

function newsOfOne(named: Named, row: Row, there: AppEntity | undefined, funds: AvailableFunds): News {
  const version = row.base_updated_at!;
  // The app takes only what is newer than its own row, whose clock may have been ahead.
  const later = there ? timeText(Math.max(Date.parse(version), Date.parse(editedAt(there)) + 1)) : version;
  const entity = toEntity(funds.toApp(row.id), funds.toApp(contentsOf(row)), later, there);
  return { ...named, entity, id: row.id, version, isNew: !there };
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
  return dataUpdate(message, isNew ? "create" : "update", entity);
}

function dataUpdate(entity_type: string, operation_type: string, single_entity: AppEntity): Record<string, unknown> {
  return { type: "data_update", event_type: "data_update", entity_type, operation_type, data: { single_entity } };
}

async function tellDeletions(
  { app, told, funds }: Sides,
  { entityType, message, table }: Named,
  gone: string[],
  say: Say,
): Promise<void> {
  if (!gone.length) return;
  const rows = await rowsOf(app, table).bulkGet(gone.map((id) => funds.toApp(id)));
  const ids = rows.flatMap((row) => (row ? [row.id] : []));
  for (const id of ids) await say(dataUpdate(message, "delete", { id }));
  await rowsOf(app, table).bulkDelete(ids);
  await told.forget(entityType, gone);
}

/** Notes what was told. A row that the app did not write, because it dropped the message, is written here. */
async function keep({ app, told }: Sides, news: News[]): Promise<void> {
  for (const { entityType, table } of NAMED) {
    const ofType = news.filter((each) => each.entityType === entityType);
    if (!ofType.length) continue;
    const rows = await rowsOf(app, table).bulkGet(ofType.map(({ entity }) => entity.id));
    const dropped = ofType.filter(({ entity }, i) => !rows[i] || editedAt(rows[i]) < String(entity["updated_at"]));
    await rowsOf(app, table).bulkPut(dropped.map(({ entity }) => rowOf(entity)));
    await told.note(
      entityType,
      ofType.map(({ id, version }) => ({ id, updated_at: version })),
    );
  }
}

function rowOf({ updated_at, ...entity }: AppEntity): AppEntity {
  return { ...entity, id: entity.id, updatedAt: updated_at, updated_at };
}
