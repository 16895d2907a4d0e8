import { toDate } from "./days.ts";
import { toCents } from "./money.ts";
import { useBook } from "./book.ts";
import { words, written } from "./words/index.ts";

type Fields = Record<string, unknown>;

const SHOWN = [
  "name", "date", "amount", "payee", "description", "accountId", "transferToAccountId", "categoryId", "accountGroupId", "accountType", "isActive", "iban", "note",
];
const MONEY = new Set(["amount", "balance", "offset"]);
const REFERENCES: Record<string, "account" | "category"> = { accountId: "account", transferToAccountId: "account", categoryId: "category" };

/** An entry in a few words, such as "25 November 2026, Bakery, −€4.20". */
export function nameOf(entityType: string, data: object | null | undefined): string {
  const fields = (data ?? {}) as Fields;
  const kind = words.value.entity[entityType] ?? entityType;
  const what =
    entityType === "transactions"
      ? [fieldText("date", fields.date), fields.payee || fields.description, fieldText("amount", fields.amount)].filter(Boolean).join(", ")
      : text(fields.name ?? fields.value);
  return what ? words.value.changeOf(what, kind) : kind;
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
  const others = [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((field) => !SHOWN.includes(field) && text(a[field]) !== text(b[field]));
  return [...SHOWN, ...others]
    .filter((field) => isThere(a[field]) || isThere(b[field]))
    .filter((field) => field !== "description" || a.description !== a.payee || b.description !== b.payee)
    .map((field) => ({
      field,
      label: words.value.fields[field] ?? field,
      left: fieldText(field, a[field]),
      right: fieldText(field, b[field]),
      isDifferent: text(a[field]) !== text(b[field]),
    }));
}

function fieldText(field: string, value: unknown): string {
  if (!isThere(value)) return "";
  if (MONEY.has(field) && typeof value === "number") return written.value.signed(toCents(value));
  if (field === "date" && typeof value === "string") return written.value.day(toDate(value));
  if (typeof value === "boolean") return value ? words.value.yes : words.value.no;
  const book = useBook();
  if (REFERENCES[field] === "account") return book.accountName(String(value));
  if (REFERENCES[field] === "category") return book.categoryName(String(value));
  if (field === "accountGroupId") return book.groups.find(({ id }) => id === value)?.name ?? "—";
  if (field === "accountType") return words.value.accountTypes[String(value)] ?? String(value);
  return text(value);
}

function isThere(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "";
}

function text(value: unknown): string {
  return typeof value === "string" ? value : isThere(value) ? JSON.stringify(value) : "";
}
