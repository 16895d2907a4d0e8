/** FinWise 0.4's names beside the protocol's: types in messages, tables, lists of a first load, fields. */

import type { Data, EntityType } from "../catalogue.js";
import { timeText } from "../time.js";

export interface Named {
  entityType: EntityType;
  /** `entityType` of a queue entry and `entity_type` of a message. */
  message: string;
  /** The app's table. */
  table: string;
}

/** In the order in which a first load is taken: what others refer to comes first. */
export const NAMED: readonly Named[] = [
  { entityType: "account_groups", message: "AccountGroup", table: "accountGroups" },
  { entityType: "accounts", message: "Account", table: "accounts" },
  { entityType: "category_groups", message: "CategoryGroup", table: "categoryGroups" },
  { entityType: "categories", message: "Category", table: "categories" },
  { entityType: "recipients", message: "Recipient", table: "recipients" },
  { entityType: "tags", message: "Tag", table: "tags" },
  { entityType: "automation_rules", message: "AutomationRule", table: "rules" },
  { entityType: "planning_transactions", message: "PlanningTransaction", table: "planningTransactions" },
  { entityType: "transactions", message: "Transaction", table: "transactions" },
];

/** The protocol's type for `entityType` of a queue entry; undefined: there is none. */
export function typeOf(message: string): EntityType | undefined {
  return NAMED.find((named) => named.message === message)?.entityType;
}

/** Stamps of the app's rows. They are no contents: the protocol has its own. */
const STAMPS = new Set(["id", "updatedAt", "updated_at"]);

/** What a device computes for itself. A difference in these alone is none. */
const COMPUTED = new Set(["runningBalance", "balance", "activity", "available", "createdAt", "created_at"]);

/** An entity as the app keeps and sends it. */
export type AppEntity = { id: string } & Record<string, unknown>;

export function toData(row: AppEntity): Data {
  return Object.fromEntries(
    Object.entries(row).filter(([name, value]) => !STAMPS.has(name) && value !== undefined),
  ) as Data;
}

/** The entity as a message brings it. What the app's row has beyond it becomes null, since the app merges the two. */
export function toEntity(id: string, data: Data, updatedAt: string, row: AppEntity | undefined): AppEntity {
  const gone = Object.keys(row ?? {}).filter((name) => !STAMPS.has(name) && !COMPUTED.has(name) && !(name in data));
  return { ...Object.fromEntries(gone.map((name) => [name, null])), ...data, id, updated_at: updatedAt };
}

/** When a row was edited last, as canonical text; 1970 if it does not say. */
export function editedAt(row: AppEntity): string {
  const times = [row["updatedAt"], row["updated_at"]]
    .map((text) => Date.parse(String(text)))
    .filter((time) => time >= 0);
  return timeText(times.length ? Math.max(...times) : 0);
}

/** Whether two contents say the same, whatever each device computed. An absent field, null and "" are the same. */
export function saysTheSame(one: Data, other: Data): boolean {
  return canonical(one) === canonical(other);
}

function canonical(data: Data): string {
  const said = Object.entries(data).filter(([name, value]) => !COMPUTED.has(name) && value !== null && value !== "");
  return JSON.stringify(Object.fromEntries(said.sort(([a], [b]) => (a < b ? -1 : 1))));
}
