/** What a generated client is told, and what it has to find out. */

export interface Told {
  url: string;
  token: string;
  tenantId: string;
  /** The id of the group of accounts to push. */
  id: string;
}

export interface Found {
  /** Of a push of that group, and of two tags in one group, the second of them without data. */
  pushed: string[];
  pulled: Group[];
  loaded: Group[];
  /** The code of a push into a book that is not there. */
  refused: string | undefined;
}

/** An entity as a load brings it. */
export interface Loaded {
  id: string;
  data: unknown;
}

export interface Group {
  id: string;
  name: string | null | undefined;
  color: unknown;
}

export const NOW = "2026-01-09T19:01:00.123Z";
