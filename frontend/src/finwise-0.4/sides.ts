/** What a conversation is between: the app's database and the book, with what the app was told of it. */

import type { Dexie } from "dexie";
import type { FinwiseTenantSpecificDB } from "../database.js";
import type { AvailableFunds } from "./available_funds.js";
import type { Changed } from "./changed.js";
import type { ToldVersions } from "./told.js";

export interface Sides {
  app: Dexie;
  book: FinwiseTenantSpecificDB;
  told: ToldVersions;
  /** What of the book the app may not have been told yet. */
  changed: Changed;
  funds: AvailableFunds;
}
