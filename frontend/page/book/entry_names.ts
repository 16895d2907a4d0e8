import { kindOf } from "./transaction.ts";
import { isDay, toDate } from "./days.ts";
import type { Transaction } from "./ledger.ts";
import { toCents } from "./money.ts";
import type { EntityType, OddEntity } from "../../src/index.ts";
import { useBook } from "./book.ts";
import { useNames } from "./names.ts";
import { words, written } from "../words/index.ts";

type Fields = Record<string, unknown>;

const SHOWN = [
  "name",
  "date",
  "amount",
  "payee",
  "description",
  "accountId",
  "transferToAccountId",
  "categoryId",
  "accountGroupId",
  "accountType",
  "isActive",
  "iban",
  "note",
];
const MONEY = new Set([
  "amount",
  "balance",
  "offset",
  "runningBalance",
  "creditLimit",
  "budgeted",
  "activity",
  "available",
  "targetAmount",
  "monthlyAmount",
  "approximateAmount",
  "minAmount",
  "maxAmount",
]);
const DAYS = new Set(["date", "valueDate", "goalDate", "startDate", "endDate"]);
/** What a field points at by an id, or by several. */
const TARGETS: Record<string, EntityType> = {
  accountId: "accounts",
  transferToAccountId: "accounts",
  accountGroupId: "account_groups",
  categoryId: "categories",
  toCategoryId: "categories",
  transferToCategoryId: "categories",
  parentCategoryId: "categories",
  defaultCategoryId: "categories",
  categoryGroupId: "category_groups",
  recipientId: "recipients",
  tagIds: "tags",
  parentTagId: "tags",
  planningTransactionId: "planning_transactions",
  counterPlanningTransactionId: "planning_transactions",
  counterTransactionId: "transactions",
};

/** An entry in a few words, such as "25 November 2026, Bakery, −€4.20". */
export function nameOf(entityType: string, data: object | null | undefined): string {
  const fields = (data ?? {}) as Fields;
  const kind = words.value.entity[entityType] ?? entityType;
  const what = entityType === "transactions" ? transactionText(fields) : text(fields.name ?? fields.value);
  return what ? words.value.changeOf(what, kind) : kind;
}

function transactionText({
  date,
  payee,
  description,
  amount,
}: {
  date?: unknown;
  payee?: unknown;
  description?: unknown;
  amount?: unknown;
}): string {
  return [fieldText("date", date), payee || description, fieldText("amount", amount)].filter(Boolean).join(", ");
}

/** What a transaction is called in a list: who or what, and what kind it is if nobody has written anything. */
export function titleOf(transaction: Transaction): string {
  return transaction.payee || transaction.description || words.value[kindOf(transaction)];
}

/** What a field of an entry is called. */
export function labelOf(field: string): string {
  return words.value.fields[field] ?? field;
}

/** What the odd fields of an entry are called. */
export function oddFieldsOf({ warnings }: Pick<OddEntity, "warnings">, without?: string): string {
  const fields = Object.keys(warnings).map((path) => path.replace(/^data\./, ""));
  return fields
    .filter((field) => field !== without)
    .map(labelOf)
    .join(", ");
}

export interface Difference {
  field: string;
  label: string;
  left: string;
  right: string;
  isDifferent: boolean;
}

/** Two versions of an entry field by field: those that are always worth seeing, and whatever differs. */
export function compare(left: object | null, right: object | null): Difference[] {
  const [a, b] = [left ?? {}, right ?? {}] as [Fields, Fields];
  const others = [...new Set([...Object.keys(a), ...Object.keys(b)])].filter(
    (field) => !SHOWN.includes(field) && text(a[field]) !== text(b[field]),
  );
  return [...SHOWN, ...others]
    .filter((field) => isThere(a[field]) || isThere(b[field]))
    .filter((field) => field !== "description" || a.description !== a.payee || b.description !== b.payee)
    .map((field) => {
      const isDifferent = text(a[field]) !== text(b[field]);
      const [left, right] = [fieldText(field, a[field]), fieldText(field, b[field])];
      const shown = isDifferent && left === right ? { left: text(a[field]), right: text(b[field]) } : { left, right }; // such as −4.20 and −4.201
      return { field, label: labelOf(field), isDifferent, ...shown };
    });
}

function fieldText(field: string, value: unknown): string {
  if (!isThere(value)) return "";
  if (MONEY.has(field) && typeof value === "number") return written.value.signed(toCents(value));
  if (DAYS.has(field) && typeof value === "string" && isDay(value)) return written.value.day(toDate(value));
  if (typeof value === "boolean") return value ? words.value.yes : words.value.no;
  const target = TARGETS[field];
  if (target)
    return [value]
      .flat()
      .map((id) => targetText(target, String(id)))
      .join(", ");
  if (field === "type") return words.value.transactionTypes[String(value)] ?? String(value);
  if (field === "accountType") return words.value.accountTypes[String(value)] ?? String(value);
  return text(value);
}

/** What an id stands for in the book as it is now. */
function targetText(entityType: EntityType, id: string): string {
  const transaction = entityType === "transactions" ? useBook().transactionOf(id) : undefined;
  return (transaction ? transactionText(transaction) : useNames().nameOf(entityType, id)) ?? words.value.notThere;
}

function isThere(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "";
}

function text(value: unknown): string {
  return typeof value === "string" ? value : isThere(value) ? JSON.stringify(value) : "";
}
