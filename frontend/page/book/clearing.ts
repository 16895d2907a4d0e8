import type { FinwiseTenantSpecificDB, Row } from "../../src/index.ts";
import type { TransactionData } from "./transaction.ts";
import { fromCents, type Cents } from "./money.ts";
import { changing, deleting, type Step } from "./steps.ts";

type Transaction = Row<"transactions">;
type Planned = Row<"planning_transactions">;

/**
 * Frees an account of everything that names it: moves it to another account, or deletes its transactions. Of
 * transfers that are deleted, the sides in other accounts stay, for their balances are right. Each unit belongs together.
 *
 * `counted`: what a transaction changes in the balance of its account.
 */
export async function clearing(
  db: FinwiseTenantSpecificDB,
  accountId: string,
  to: string | null,
  counted: (id: string) => Cents,
): Promise<Step[][]> {
  const names = (row: Transaction | Planned): boolean =>
    row.accountId === accountId || row.transferToAccountId === accountId;
  const transactions = await db.transactions.filter(names).toArray();
  const planned = await db.planning_transactions.filter(names).toArray();
  if (to === null) {
    return [
      ...transactions.filter((row) => row.accountId === accountId).map((row) => [deleting("transactions", row)]),
      ...planned.filter((row) => row.accountId === accountId).map((row) => [deleting("planning_transactions", row)]),
    ];
  }
  const units = new Map<string, Step[]>();
  for (const row of transactions) {
    const transfer = [row.id, row.counterTransactionId ?? ""].sort().join("\n");
    const step = changing("transactions", row, moved(row, accountId, to, counted));
    units.set(transfer, [...(units.get(transfer) ?? []), step]);
  }
  return [
    ...units.values(),
    ...planned.map((row) => [changing("planning_transactions", row, renamed(row, accountId, to))]),
  ];
}

function moved(
  row: Transaction,
  accountId: string,
  to: string,
  counted: (id: string) => Cents,
): Partial<TransactionData> {
  return { ...renamed(row, accountId, to), ...(row.accountId === accountId && asPlain(row, counted(row.id))) };
}

function renamed(
  row: Transaction | Planned,
  accountId: string,
  to: string,
): { accountId?: string; transferToAccountId?: string } {
  return {
    ...(row.accountId === accountId && { accountId: to }),
    ...(row.transferToAccountId === accountId && { transferToAccountId: to }),
  };
}

/** What opened one account must not open another: there it is a transaction like all others. */
export function asPlain(transaction: TransactionData, cents: Cents): Partial<TransactionData> {
  return transaction.opensAccount ? { opensAccount: undefined, amount: fromCents(cents) } : {};
}
