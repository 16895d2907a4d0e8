/** Texts compared as people read them, whichever way a keyboard or another program has put their letters together. */

const UNSEEN = /\p{Cf}/gu; // joiners, direction marks, soft hyphens
const ACCENTS = /[\u0300-\u036f]/g;

/** What is searched in and for: without case, accents and the ways to write one letter; "Müller" is found by "muller", "Straße" by "strasse". */
export function searchForm(text: string): string {
  return text
    .normalize("NFKD")
    .replace(UNSEEN, "")
    .replace(ACCENTS, "")
    .toLowerCase()
    .toUpperCase()
    .replace(/\s+/g, " ")
    .trim();
}

/** What two names have in common that are the same name: case, spaces and Unicode form do not count, accents do. */
export function nameForm(text: string): string {
  return text
    .normalize("NFKC")
    .replace(UNSEEN, "")
    .toLowerCase()
    .toUpperCase()
    .normalize("NFC")
    .replace(/\s+/g, " ")
    .trim();
}
