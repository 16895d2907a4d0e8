/** The one-time move of what the app had before it spoke to this server. */

import type { Dexie } from "dexie";
import type { FinwiseTenantSpecificDB, Row } from "../database.js";
import { newId } from "../identifiers.js";
import { toData as contentsOf } from "../local.js";
import { queued, rowsOf } from "./app_database.js";
import { type AppChange, enter } from "./entering.js";
import { type AppEntity, NAMED, editedAt, saysTheSame, toData } from "./names.js";
import type { ToldVersions } from "./told.js";

const CHUNK = 500;
/** A category that the app makes on every device for itself, under another id. */
const MADE_EVERYWHERE = "Verfügbare Mittel";

/**
 * Queues what the server lacks and what is newer here, on no base: so a version of the server's that it replaces is kept
 * as a conflict. What waits in the app's own queue is left to it. Needs the book to be loaded.
 */
export async function moveOnce(app: Dexie, book: FinwiseTenantSpecificDB, told: ToldVersions): Promise<void> {
  if (await told.isMoved()) return;
  const unsent = new Set((await queued(app)).map(({ entityId }) => entityId));
  for (const { entityType, table } of NAMED) {
    const there = new Map(((await book.entities(entityType).toArray()) as Row[]).map((row) => [row.id, row]));
    const names = new Set([...there.values()].map((row) => (row as { name?: unknown }).name));
    const rows = (await rowsOf(app, table).toArray()).filter(({ id }) => !unsent.has(id));
    const isMade = (row: AppEntity): boolean =>
      row["name"] === MADE_EVERYWHERE && !there.has(row.id) && names.has(MADE_EVERYWHERE);
    const changes: AppChange[] = [];
    for (const row of rows) {
      const theirs = there.get(row.id);
      const isSame = theirs !== undefined && saysTheSame(toData(row), contentsOf(theirs));
      if (isSame)
        await told.note(entityType, [{ id: row.id, updated_at: theirs.base_updated_at ?? theirs.updated_at }]);
      else if (!isMade(row) && (!theirs || editedAt(row) > theirs.updated_at)) changes.push(changeOf(entityType, row));
    }
    for (let at = 0; at < changes.length; at += CHUNK) await enter(book, changes.slice(at, at + CHUNK));
  }
  await told.noteMoved();
}

function changeOf(entity_type: AppChange["entity_type"], row: AppEntity): AppChange {
  return {
    change_id: newId(),
    entity_type,
    id: row.id,
    data: toData(row),
    at: Date.parse(editedAt(row)),
    base_updated_at: null,
  };
}
