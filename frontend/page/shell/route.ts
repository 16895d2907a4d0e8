import { readonly, shallowRef } from "vue";

/** Where one is, as the address says behind `#/`. */
export const PLACES = [
  "accounts",
  "transactions",
  "categories",
  "sync",
  "settings",
  "people",
  "you",
  "books",
  "join",
] as const;
export type Place = (typeof PLACES)[number];

export interface Route {
  place: Place;
  /** The account whose transactions are shown; null: all. */
  accountId: string | null;
  /** The invitation that a link brings: `#/join/CODE`. */
  invitation: string | null;
}

const current = shallowRef<Route>(read());

/** The present place; follows the address. */
export const route = readonly(current);

addEventListener("hashchange", () => (current.value = read()));

export function linkTo(place: Place, detail: string | null = null): string {
  return detail === null ? `#/${place}` : `#/${place}/${encodeURIComponent(detail)}`;
}

export function go(place: Place, detail: string | null = null): void {
  location.hash = linkTo(place, detail);
}

function read(): Route {
  const [place, detail] = location.hash.replace(/^#\/?/, "").split("/");
  const known = PLACES.find((each) => each === place) ?? "accounts";
  const given = detail ? decoded(detail) : null;
  return { place: known, accountId: known === "join" ? null : given, invitation: known === "join" ? given : null };
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
