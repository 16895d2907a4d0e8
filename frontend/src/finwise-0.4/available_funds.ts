/**
 * The category "Verfügbare Mittel": the app makes it on every device by itself, under another id, and never queues it.
 * A book has it once. Each device keeps its own id of it, and it is translated both ways.
 */

import type { Dexie } from "dexie";
import type { FinwiseTenantSpecificDB } from "../database.js";
import { rowsOf } from "./app_database.js";

const NAME = "Verfügbare Mittel";
const SHARED_ID = "finwise-0.4:available-funds"; // the same on all devices, so that two of them cannot make two

export class AvailableFunds {
  /** `appIds`: what the app calls it, without ids that the book knows; `ownId`: what the app is to see. */
  constructor(
    readonly bookId: string = SHARED_ID,
    readonly appIds: readonly string[] = [],
    private readonly ownId: string = bookId,
  ) {}

  /** An id or contents of the app's, with the book's id instead of the app's. */
  toBook<T>(value: T): T {
    return this.appIds.reduce((said, id) => renamed(said, id, this.bookId), value);
  }

  /** The other way. */
  toApp<T>(value: T): T {
    return this.ownId === this.bookId ? value : renamed(value, this.bookId, this.ownId);
  }
}

export async function findFunds(app: Dexie, book: FinwiseTenantSpecificDB): Promise<AvailableFunds> {
  const inApp = await rowsOf(app, "categories").filter(isOfName).primaryKeys();
  const inBook = new Set(await book.categories.filter(isOfName).primaryKeys());
  const appIds = inApp.filter((id) => !inBook.has(id));
  const known = inApp.find((id) => inBook.has(id));
  const [first = SHARED_ID] = inBook;
  const bookId = known ?? first;
  return new AvailableFunds(bookId, appIds, known ?? appIds[0] ?? bookId);
}

function isOfName(row: object): boolean {
  return (row as { name?: unknown }).name === NAME;
}

/** A JSON value with a text that stands in it replaced wherever it stands alone. */
function renamed<T>(value: T, from: string, to: string): T {
  const text = JSON.stringify(value);
  const [quoted, other] = [JSON.stringify(from), JSON.stringify(to)];
  return text?.includes(quoted) ? (JSON.parse(text.replaceAll(quoted, () => other)) as T) : value;
}
