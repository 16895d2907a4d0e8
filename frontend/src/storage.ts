/** How a browser can fail to keep a book, as codes that a page has sentences for; and opening a book so that none goes unnoticed. */

import type { Dexie } from "dexie";

export type StorageCode =
  | "device_full" // no room for what is to be written
  | "storage_missing" // no IndexedDB, as in some private windows
  | "storage_denied" // the page may keep nothing
  | "storage_newer" // a newer version of the page has changed the tables
  | "storage_slow" // the browser neither opens it nor says why
  | "storage_lost" // deleted or closed while it was open
  | "storage_failed"; // anything else, such as a damaged file

const LONGEST_OPENING = 10_000; // ms

/** Names of errors by what they mean. An error of Dexie's may have the one that tells more inside. */
const NAMES: [StorageCode, string[]][] = [
  ["device_full", ["QuotaExceededError"]],
  ["storage_missing", ["MissingAPIError"]],
  ["storage_denied", ["SecurityError"]],
  ["storage_newer", ["VersionError"]],
  ["storage_lost", ["DatabaseClosedError", "InvalidStateError"]],
  [
    "storage_failed",
    ["UnknownError", "OpenFailedError", "AbortError", "TimeoutError", "NotReadableError", "DataError"],
  ],
];

/** A book that cannot be opened. */
export class StorageError extends Error {
  constructor(
    readonly code: StorageCode,
    options?: ErrorOptions,
  ) {
    super(code, options);
    this.name = "StorageError";
  }
}

/** What an error says of the browser's storage; undefined: nothing. */
export function storageCode(error: unknown): StorageCode | undefined {
  const names = new Set<string | undefined>();
  for (let each = error as Told | undefined; each; each = each.inner ?? each.failures?.[0]) {
    if (each instanceof StorageError) return each.code;
    names.add(each.name);
  }
  return NAMES.find(([, known]) => known.some((name) => names.has(name)))?.[0];
}

interface Told {
  name?: string;
  inner?: Told;
  failures?: Told[];
}

/**
 * Opens a database. Raises StorageError. `onLost` hears, once, that it was closed: by `close()`, by the browser, or for a
 * newer page. From then on it answers nothing: Dexie opens a closed database again with the next read, and one that the
 * browser has deleted would come back empty.
 */
export async function openBook(db: Dexie, onLost: (code: StorageCode) => void): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const slow = new Promise<never>(
    (_, reject) => (timer = setTimeout(() => reject(new StorageError("storage_slow")), LONGEST_OPENING)),
  );
  try {
    await Promise.race([db.open(), slow]);
  } catch (error) {
    db.close();
    const code = storageCode(error);
    throw error instanceof StorageError
      ? error
      : new StorageError(code && code !== "storage_lost" ? code : "storage_failed", { cause: error });
  } finally {
    clearTimeout(timer);
  }
  let lost: StorageCode | undefined;
  let isFirst = true; // Dexie calls who asks for "ready" once for the opening above
  let putAway = timesPutAway;
  const tell = (code: StorageCode): void => {
    lost = code;
    db.on.close.unsubscribe(hear);
    queueMicrotask(() => onLost(code)); // Dexie tells it in the middle of closing
  };
  const hear = (): void => void (isPutAway || tell("storage_lost"));
  const refuse = (): void => {
    if (lost) throw new StorageError(lost);
  };
  // Versions of Dexie before 4.2 say nothing of a lost database: they open it again with the next read.
  const check = (): void => {
    if (!isFirst && !lost && putAway === timesPutAway) tell("storage_lost");
    isFirst = false;
    putAway = timesPutAway;
    refuse();
  };
  db.on("ready", check, true);
  db.on("populate", () => {
    if (!lost) tell("storage_lost"); // the browser may also delete it while the page is put away
    refuse();
  });
  db.on("close", hear);
  db.on("versionchange", ({ newVersion }) => newVersion === null || tell("storage_newer"));
}

let isPutAway = false; // the page, by a browser that may show it again: Dexie closes its databases then, and opens them again afterwards
let timesPutAway = 0;
if (typeof window !== "undefined") {
  const putAway = (): void => {
    isPutAway = true;
    timesPutAway++;
  };
  window.addEventListener("pagehide", putAway, { capture: true });
  window.addEventListener("pageshow", () => (isPutAway = false), { capture: true });
}
