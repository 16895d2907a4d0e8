import { readonly, shallowRef } from "vue";

/** Where one is, as the address says behind `#/`. */
export const PLACES = ["accounts", "bookings", "sync", "settings", "people", "you", "books", "join"] as const;
export type Place = (typeof PLACES)[number];

export interface Route {
  place: Place;
  /** The account whose bookings are shown; null: all. */
  accountId: string | null;
}

const current = shallowRef<Route>(read());

/** The present place; follows the address. */
export const route = readonly(current);

addEventListener("hashchange", () => (current.value = read()));

export function linkTo(place: Place, accountId: string | null = null): string {
  return accountId === null ? `#/${place}` : `#/${place}/${encodeURIComponent(accountId)}`;
}

export function go(place: Place, accountId: string | null = null): void {
  location.hash = linkTo(place, accountId);
}

function read(): Route {
  const [place, accountId] = location.hash.replace(/^#\/?/, "").split("/");
  const known = PLACES.find((each) => each === place) ?? "accounts";
  return { place: known, accountId: accountId ? decoded(accountId) : null };
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
