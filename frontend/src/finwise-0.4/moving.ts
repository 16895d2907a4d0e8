/** The one-time move of what the app had before it spoke to this server. */

import type { Row } from "../database.js";
import { newId } from "../identifiers.js";
import { toData as contentsOf } from "../local.js";
import { queued, rowsOf } from "./app_database.js";
import type { AvailableFunds } from "./available_funds.js";
import { type AppChange, enter } from "./entering.js";
import { type AppEntity, NAMED, type Named, editedAt, saysTheSame, toData } from "./names.js";
import type { Sides } from "./sides.js";

const CHUNK = 500;

/**
 * Queues what the server lacks and what is newer here, on no base: so a version of the server's that it replaces is kept
 * as a conflict. What waits in the app's own queue is left to it. Needs the book to be loaded.
 */
export async function moveOnce(sides: Sides): Promise<void> {
  const { app, told, funds } = sides;
  if (await told.isMoved()) return;
  const left = new Set([...(await queued(app)).map(({ entityId }) => entityId), ...funds.appIds]);
  for (const named of NAMED) {
    const rows = (await rowsOf(app, named.table).toArray()).filter(({ id }) => !left.has(id));
    await moveRows(sides, named, rows);
  }
  await told.noteMoved();
}

async function moveRows({ book, told, funds }: Sides, { entityType }: Named, rows: AppEntity[]): Promise<void> {
  const there = new Map(((await book.entities(entityType).toArray()) as Row[]).map((row) => [row.id, row]));
  const isSame = (row: AppEntity): boolean => {
    const theirs = there.get(row.id);
    return theirs !== undefined && saysTheSame(funds.toBook(toData(row)), contentsOf(theirs));
  };
  const same = rows.filter(isSame).map(({ id }) => there.get(id)!);
  await told.note(
    entityType,
    same.map(({ id, base_updated_at, updated_at }) => ({ id, updated_at: base_updated_at ?? updated_at })),
  );
  const isOlder = (row: AppEntity): boolean => editedAt(row) <= (there.get(row.id)?.updated_at ?? "");
  const changes = rows.filter((row) => !isSame(row) && !isOlder(row)).map((row) => changeOf(entityType, row, funds));
  for (let at = 0; at < changes.length; at += CHUNK) await enter(book, changes.slice(at, at + CHUNK));
}

/** Queues the app's own category for available funds if the book has none, for the app never does. */
export async function bringFunds({ app, book, funds }: Sides): Promise<void> {
  const [ownId] = funds.appIds;
  if (ownId === undefined || (await book.categories.get(funds.bookId))) return;
  const row = await rowsOf(app, "categories").get(ownId);
  const deleted = await book.syncTombstones.get(["categories", funds.bookId]);
  if (row && editedAt(row) > (deleted?.updated_at ?? "")) await enter(book, [changeOf("categories", row, funds)]);
}

function changeOf(entity_type: AppChange["entity_type"], row: AppEntity, funds: AvailableFunds): AppChange {
  return {
    change_id: newId(),
    entity_type,
    id: funds.toBook(row.id),
    data: funds.toBook(toData(row)),
    at: Date.parse(editedAt(row)),
    base_updated_at: null,
  };
}
