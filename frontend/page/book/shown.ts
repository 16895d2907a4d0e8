/**
 * Rows as the page shows them. Other programs leave fields out, and write days that do not exist; here each field that
 * lists, sums and plots need has a value. The book keeps what was written: `stored` is what edits start from.
 */
import type { EntityType, Row } from "../../src/index.ts";
import { dayOf, isDay, type Day } from "./days.ts";
import type { Transaction } from "./ledger.ts";

type Shown<T extends EntityType, Fields> = Row<T> & Fields & { stored: Row<T> };

/** What has a name and a place in a list. */
interface Listed {
  name: string;
  sortOrder: number;
}

export type Account = Shown<"accounts", Listed & { accountGroupId: string; isActive: boolean; offset: number }>;
export type Group = Shown<"account_groups", Listed>;
export type Category = Shown<
  "categories",
  Listed & { isActive: boolean; isHidden: boolean; isIncomeCategory: boolean }
>;
export type CategoryGroup = Shown<"category_groups", Listed & { isIncomeGroup: boolean }>;

export function shownAccount(row: Row<"accounts">): Account {
  const { accountGroupId, isActive, offset } = row;
  const own = { accountGroupId: accountGroupId ?? "", isActive: isActive ?? true, offset: offset ?? 0 };
  return { ...row, ...listed(row), ...own, stored: row };
}

export function shownGroup(row: Row<"account_groups">): Group {
  return { ...row, ...listed(row), stored: row };
}

export function shownCategory(row: Row<"categories">): Category {
  const { isActive, isHidden, isIncomeCategory } = row;
  const own = {
    isActive: isActive ?? true,
    isHidden: isHidden ?? false,
    isIncomeCategory: isIncomeCategory ?? false,
  };
  return { ...row, ...listed(row), ...own, stored: row };
}

export function shownCategoryGroup(row: Row<"category_groups">): CategoryGroup {
  return { ...row, ...listed(row), isIncomeGroup: row.isIncomeGroup ?? false, stored: row };
}

/** A transaction; one whose day does not exist is listed and summed on the day on which it was entered. */
export function shownTransaction(row: Row<"transactions">): Transaction {
  const written = row.date ?? "";
  const date = dayIn(written) ?? dayOf(new Date(row.created_at));
  return {
    ...row,
    date,
    valueDate: dayIn(row.valueDate ?? "") ?? date,
    ...(isDay(written) ? {} : { oddDay: written }),
    accountId: row.accountId ?? "",
    amount: row.amount ?? 0,
    description: row.description ?? "",
    type: row.type ?? "",
    opensAccount: row["opensAccount"] === true,
    isBudgetMove: !row.accountId && (row.isCategoryTransfer === true || row.type === "CATEGORYTRANSFER"),
  };
}

/** The day that a text begins with; null: none. Some programs write the time behind it. */
function dayIn(text: string): Day | null {
  const day = text.slice(0, 10);
  return isDay(day) ? day : null;
}

/** A place that was cleared in a form, or never given, is the first. */
function listed({ name, sortOrder }: { name?: string | null; sortOrder?: number | string | null }): Listed {
  return { name: name ?? "", sortOrder: typeof sortOrder === "number" ? sortOrder : 0 };
}
