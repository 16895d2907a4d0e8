/** How the sync of a book is, as one value that can be shown. */

import { ServerError } from "./client.js";
import type { Progress } from "./exchange.js";
import { storageCode } from "./storage.js";

export type SyncState =
  | "idle" // all is well
  | "syncing"
  | "loading" // the whole book, see `progress`
  | "paused" // the person wants to be offline
  | "offline" // the server cannot be reached; `code` `proxy_error`: a proxy before it says so
  | "proxy_login" // a login page answers in the server's place: a proxy's, or that of the network
  | "waiting" // the server is busy; see `retryAt`
  | "logged_out" // the token is not taken
  | "forbidden" // the role does not allow to write; what is new still comes
  | "quota" // there is no room for more; deletions and what is new still go
  | "stopped" // the book was deleted, or is not this person's any more
  | "error"; // something that waiting does not mend; see `code`

export interface SyncStatus {
  state: SyncState;
  /** The problem's code, or a StorageCode of this device's, for `waiting`, `quota`, `stopped`, `error` and the like. */
  code?: string;
  /** Of a bug of the server: the number by which the operator finds it in the log. */
  incident?: string;
  /** When it is tried again by itself, ms since 1970. */
  retryAt?: number;
  progress?: Progress;
  /** When the last sync ended well, ms since 1970. */
  syncedAt?: number;
}

/** The state that an error leads to. */
export function stateAfter(error: unknown): Pick<SyncStatus, "state" | "code" | "incident"> {
  if (!(error instanceof ServerError)) return { state: "error", code: storageCode(error) ?? "internal" };
  const { status, code, incident } = error;
  return { state: stateOf(status, code), code, ...(incident !== undefined && { incident }) };
}

function stateOf(status: number, code: string): SyncState {
  if (code === "network" || code === "proxy_error") return "offline";
  if (code === "proxy_login") return "proxy_login";
  if (status === 401) return "logged_out";
  if (status === 403) return "forbidden";
  if (code === "not_found" || code === "tenant_deleted") return "stopped";
  if (status === 507) return "quota";
  if (status === 429 || status >= 500) return "waiting";
  return "error";
}
