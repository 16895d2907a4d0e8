import { computed, shallowRef, type ComputedRef } from "vue";
import { shelvedBooks, useSyncStore, type ShelvedBook } from "../../src/pinia.ts";
import { listTenants, session } from "./session.ts";
import { words } from "../words/index.ts";

/** A book that one may open: the server lists it, or this device holds it, or both. */
export interface KnownBook {
  uuid: string;
  name: string;
  /** One's own; undefined: the server does not list the book, which can be read here and no more. */
  role: string | undefined;
  /** What this device holds of it. */
  shelved: ShelvedBook | undefined;
}

/** The books of the person who is logged in: those that the server listed last, and those of theirs on this device. */
export function useBooks(): {
  books: ComputedRef<KnownBook[]>;
  lookAtDevice: () => Promise<void>;
  lookAtServer: () => Promise<void>;
} {
  const sync = useSyncStore();
  const shelf = shallowRef(new Map<string, ShelvedBook>());
  const listed = computed<KnownBook[]>(() =>
    session.tenants.map(({ uuid, name, role }) => ({ uuid, name, role, shelved: shelf.value.get(uuid) })),
  );
  const onlyHere = computed<KnownBook[]>(() => {
    const known = new Set(session.tenants.map(({ uuid }) => uuid));
    return [...shelf.value.values()]
      .filter((book) => isOwn(book) && !known.has(book.tenantId) && (book.isLoaded || book.unsent))
      .map((shelved) => ({
        uuid: shelved.tenantId,
        name: shelved.name ?? words.value.namelessBook,
        role: undefined,
        shelved,
      }));
  });
  const books = computed(() => [...listed.value, ...onlyHere.value]);

  async function lookAtDevice(): Promise<void> {
    shelf.value = new Map((await shelvedBooks().catch(() => [])).map((book) => [book.tenantId, book]));
  }

  /** Raises ServerError. */
  async function lookAtServer(): Promise<void> {
    if (session.token && !sync.isOffline) await listTenants();
  }

  return { books, lookAtDevice, lookAtServer };
}

/** Books that somebody else opened on this device are theirs. */
function isOwn({ readers }: ShelvedBook): boolean {
  return session.user !== null && readers.includes(session.user.uuid);
}
