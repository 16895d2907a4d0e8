import { defineStore } from "pinia";
import { computed, effectScope, onScopeDispose, ref, shallowRef, triggerRef, watch, type EffectScope } from "vue";
import { newId, NoSuchEntity, type Data, type Row } from "../../src/index.ts";
import { useTenantStore } from "../../src/pinia.ts";
import { fieldsOf, mirrored, signOf, TYPES, type Entry, type TransactionData } from "./transaction.ts";
import { useBookCurrency } from "./book_currency.ts";
import { today } from "./calendar.ts";
import { asPlain, clearing } from "./clearing.ts";
import type { Day } from "./days.ts";
import { Ledger, type Transaction, type Line, type Offsets, type Point } from "./ledger.ts";
import { fromCents, type Cents } from "./money.ts";
import {
  shownAccount,
  shownTransaction,
  shownCategory,
  shownCategoryGroup,
  shownGroup,
  type Account,
  type Category,
  type CategoryGroup,
  type Group,
} from "./shown.ts";
import { adding, changing, deleting, take, type Step, type Undo } from "./steps.ts";
import { followTable, UNREAD, useRows } from "./table_watch.ts";
import { nameForm } from "./text.ts";
import { words } from "../words/index.ts";

export type { Account, Group };

export interface Section {
  id: string;
  group: Group | null;
  accounts: { account: Account; balance: Cents }[];
  sum: Cents;
}

/** Transactions whose account is not there: another device deleted it before they arrived. */
export interface Stray {
  accountId: string;
  count: number;
  balance: Cents;
}

/** What the form of an account has to say; of an account that is changed, only what was touched. */
export type AccountFields = Partial<
  Pick<Data<"accounts">, "name" | "accountType" | "accountGroupId" | "iban" | "isActive">
>;

/** What a new account held before the transactions of a day. */
export interface Opening {
  cents: Cents;
  day: Day;
}

/** The open book as the page shows and edits it. Every edit goes through the sync package, which queues it. */
export const useBook = defineStore("book", () => {
  const tenant = useTenantStore();
  const ledger = shallowRef(new Ledger());
  const bookCurrency = useBookCurrency();
  const areTransactionsRead = ref(false);
  const tables = shallowRef({
    accounts: shallowRef<Account[]>(UNREAD),
    groups: shallowRef<Group[]>(UNREAD),
    categories: shallowRef<Category[]>(UNREAD),
    categoryGroups: shallowRef<CategoryGroup[]>(UNREAD),
    recipients: shallowRef<Row<"recipients">[]>(UNREAD),
  });
  const isReady = computed(() => {
    const areTablesRead = Object.values(tables.value).every(({ value }) => value !== UNREAD);
    return areTransactionsRead.value && areTablesRead && bookCurrency.own !== undefined;
  });
  let scope: EffectScope | undefined;
  let arriving = new Ledger();

  watch(
    () => tenant.db,
    (db) => {
      scope?.stop();
      scope = effectScope(true);
      ledger.value = new Ledger();
      areTransactionsRead.value = false;
      if (!db) return;
      scope.run(() => {
        tables.value = {
          accounts: useRows(db.accounts, shownAccount),
          groups: useRows(db.account_groups, shownGroup),
          categories: useRows(db.categories, shownCategory),
          categoryGroups: useRows(db.category_groups, shownCategoryGroup),
          recipients: useRows(db.recipients, (row) => row),
        };
      });
      scope.run(() => onScopeDispose(followTable<Row<"transactions">>(db.transactions, { loaded, changed })));
    },
    { immediate: true },
  );

  function loaded(rows: Row<"transactions">[], isFirst: boolean, isLast: boolean): void {
    if (isFirst) arriving = new Ledger();
    arriving.put(rows.map(shownTransaction));
    if (!isLast) return;
    ledger.value = arriving;
    areTransactionsRead.value = true;
  }
  function changed(rows: Map<string, Row<"transactions"> | undefined>): void {
    ledger.value.put([...rows.values()].filter((row) => row !== undefined).map(shownTransaction));
    ledger.value.delete([...rows].filter(([, row]) => !row).map(([id]) => id));
    triggerRef(ledger);
  }

  const canWrite = computed(() => ["owner", "editor"].includes(tenant.tenant?.role ?? "")); // a book that the server does not list is read only
  const groups = computed(() => [...tables.value.groups.value].sort(bySortOrder));
  const accounts = computed(() => {
    const places = new Map(groups.value.map((group, place) => [group.id, place]));
    const placeOf = (account: Account): number => places.get(account.accountGroupId) ?? places.size;
    return [...tables.value.accounts.value].sort((a, b) => placeOf(a) - placeOf(b) || bySortOrder(a, b));
  });
  const activeAccounts = computed(() => accounts.value.filter((account) => account.isActive));
  const accountsById = computed(() => new Map(accounts.value.map((account) => [account.id, account])));
  const categories = computed(() => tables.value.categories.value);
  const categoryGroups = computed(() => tables.value.categoryGroups.value);
  const categoriesById = computed(
    () => new Map(tables.value.categories.value.map((category) => [category.id, category])),
  );
  const categorySections = computed(() => {
    const shown = tables.value.categories.value
      .filter((category) => category.isActive && !category.isHidden)
      .sort(bySortOrder);
    const sections = [...tables.value.categoryGroups.value].sort(bySortOrder).map(({ id, name }) => ({
      id,
      name,
      categories: shown.filter((category) => category.categoryGroupId === id),
    }));
    const known = new Set(sections.map(({ id }) => id));
    const others = shown.filter((category) => !known.has(category.categoryGroupId ?? ""));
    return [...sections, { id: "", name: words.value.category, categories: others }].filter(
      ({ categories }) => categories.length,
    );
  });

  /** The accounts that transactions name and that are not there; they count like all others. */
  const strayIds = computed(() =>
    isReady.value ? [...ledger.value.accountIds()].filter((id) => !accountsById.value.has(id)) : [],
  );
  const strays = computed<Stray[]>(() =>
    strayIds.value.map((id) => ({ accountId: id, count: countOf(id), balance: balances.value.get(id) ?? 0 })),
  );
  const balances = computed(() => ledger.value.balances(offsetsOf(null), today()));
  const total = computed(() => [...balances.value.values()].reduce((sum, balance) => sum + balance, 0));
  const sections = computed<Section[]>(() => {
    const known = new Set(groups.value.map(({ id }) => id));
    const made = groups.value.map((group) =>
      sectionOf(group.id, group, (account) => account.accountGroupId === group.id),
    );
    const others = sectionOf("", null, (account) => !known.has(account.accountGroupId));
    return others.accounts.length ? [...made, others] : made;
  });

  function sectionOf(id: string, group: Group | null, belongs: (account: Account) => boolean): Section {
    const listed = accounts.value
      .filter(belongs)
      .map((account) => ({ account, balance: balances.value.get(account.id) ?? 0 }));
    return { id, group, accounts: listed, sum: listed.reduce((sum, { balance }) => sum + balance, 0) };
  }

  /** What was entered as payee before, the most frequent first, and the last transaction of each. */
  const habits = computed(() => {
    const known = new Map<string, { payee: string; last: Transaction; count: number }>();
    const forms = new Map<string, string>(); // few payees are behind many transactions
    for (const transaction of ledger.value.all()) {
      const payee = transaction.payee || transaction.description;
      const form = forms.get(payee) ?? nameForm(payee);
      forms.set(payee, form);
      const habit = known.get(form);
      if (habit) habit.count++;
      else if (form && !transaction.transferToAccountId && transaction.type !== TYPES.opening)
        known.set(form, { payee, last: transaction, count: 1 });
    }
    return known;
  });
  const payees = computed(() => [...habits.value.values()].sort((a, b) => b.count - a.count).map(({ payee }) => payee));

  /** How many transactions have each category. */
  const usesOfCategories = computed(() => {
    const counts = new Map<string, number>();
    for (const { categoryId } of ledger.value.all())
      if (categoryId) counts.set(categoryId, (counts.get(categoryId) ?? 0) + 1);
    return counts;
  });

  const lastOf = (payee: string): Transaction | undefined => habits.value.get(nameForm(payee))?.last;
  const hasAccount = (id: string): boolean => accountsById.value.has(id);
  const accountName = (id: string | null | undefined): string =>
    nameIn(accountsById.value, id, words.value.missingAccount) || "—";
  const categoryName = (id: string | null | undefined): string =>
    nameIn(categoriesById.value, id, words.value.missingCategory);
  const transactionOf = (id: string): Transaction | undefined => ledger.value.get(id);
  const counterOf = (id: string): Transaction | undefined => ledger.value.counterOf(id);
  const openingAfter = (accountId: string, day: Day): Transaction | undefined =>
    ledger.value.openingAfter(accountId, day);
  const countOf = (accountId: string): number =>
    ledger.value.all().filter((transaction) => transaction.accountId === accountId).length;
  /** How many entries point at some of these, and are none of them. */
  const dependentsOf = (ids: ReadonlySet<string>): number => {
    const isOf = (id: string, ...named: (string | null | undefined)[]): boolean =>
      !ids.has(id) && named.some((each) => ids.has(each ?? ""));
    const transactions = ledger.value
      .all()
      .filter((each) => isOf(each.id, each.accountId, each.transferToAccountId, each.categoryId));
    return transactions.length + accounts.value.filter(({ id, accountGroupId }) => isOf(id, accountGroupId)).length;
  };
  const linesOf = (wanted: Offsets): Line[] => ledger.value.lines(wanted);
  const seriesOf = (wanted: Offsets, first: Day, last: Day): Point[] => ledger.value.series(wanted, first, last);

  /** One account with its opening sum, or all, with those that are not there any more and with what names none. */
  function offsetsOf(accountId: string | null): Offsets {
    const wanted = accountId === null ? [...accountsById.value.keys(), ...strayIds.value, ""] : [accountId];
    return new Map(wanted.map((id) => [id, accountsById.value.get(id)?.offset ?? 0]));
  }

  /** The name of what an id points at; empty without an id, and `missing` if it is not there any more. */
  function nameIn(known: Map<string, { name: string }>, id: string | null | undefined, missing: string): string {
    return id ? (known.get(id)?.name ?? (isReady.value ? missing : "")) : "";
  }

  // ---- edits; each answers how to take it back where that makes sense ----

  async function enter(entry: Entry): Promise<Undo> {
    const ids: [string, string] = [newId(), newId()];
    const there = newTransaction(entry);
    if (!entry.toAccountId) return take(opened(), [[adding("transactions", ids[0], there)]]);
    const here = {
      ...there,
      ...mirrored(there),
      runningBalance: fromCents((balances.value.get(entry.toAccountId) ?? 0) + entry.cents),
    };
    return take(opened(), [
      [
        adding("transactions", ids[0], { ...there, counterTransactionId: ids[1] }),
        adding("transactions", ids[1], { ...here, counterTransactionId: ids[0] }),
      ],
    ]);
  }

  /** Changes some fields of a transaction, and of a transfer's other side what both have in common. Raises NoSuchEntity. */
  async function change(id: string, fields: Partial<TransactionData>): Promise<void> {
    const service = opened(); // once: by the time the rows are read, another book may be open
    const [row, other] = await service.db.transactions.bulkGet([id, counterOf(id)?.id ?? ""]);
    if (!row) throw new NoSuchEntity("transactions", id);
    const isMoved = fields.accountId !== undefined && fields.accountId !== row.accountId;
    const own = { ...(isMoved && asPlain(row, countedOf(id))), ...fields };
    const theirs = mirrored(fields);
    await take(service, [
      [
        ...(Object.keys(own).length ? [changing("transactions", row, own)] : []),
        ...(other && Object.keys(theirs).length ? [changing("transactions", other, theirs)] : []),
      ],
    ]);
  }

  async function removeTransaction(id: string): Promise<Undo> {
    const service = opened();
    const rows = await service.db.transactions.bulkGet([id, counterOf(id)?.id ?? ""]);
    return take(service, [rows.flatMap((row) => (row ? [deleting("transactions", row)] : []))]);
  }

  /** Adds an account, with a new group if one is named, and what was in it as its first transaction. */
  async function addAccount(fields: Required<AccountFields>, newGroup: string, opening: Opening): Promise<void> {
    const id = newId();
    const own = withGroup(fields, newGroup);
    const account = {
      ...own.fields,
      isOfflineBudget: false,
      sortOrder: accounts.value.length,
      balance: fromCents(opening.cents),
      offset: 0,
    };
    await take(opened(), [[...own.group, adding("accounts", id, account), ...openingSteps(id, opening)]]);
  }

  /** Raises NoSuchEntity. */
  async function changeAccount(id: string, fields: AccountFields, newGroup: string): Promise<void> {
    const row = accountsById.value.get(id);
    if (!row) throw new NoSuchEntity("accounts", id);
    const own = withGroup(fields, newGroup);
    if (Object.keys(own.fields).length)
      await take(opened(), [[...own.group, changing("accounts", row.stored, own.fields)]]);
  }

  /** Deletes an account after its transactions were moved to another one, or with them. */
  async function removeAccount(id: string, to: string | null, onProgress: (share: number) => void): Promise<Undo> {
    const row = accountsById.value.get(id);
    return take(
      opened(),
      [...(await clearing(opened().db, id, to, countedOf)), row ? [deleting("accounts", row.stored)] : []],
      onProgress,
    );
  }

  async function saveGroup(name: string, id?: string): Promise<void> {
    const row = groups.value.find((group) => group.id === id);
    if (id && !row) throw new NoSuchEntity("account_groups", id);
    await take(opened(), [[row ? changing("account_groups", row.stored, { name }) : addingGroup(newId(), name)]]);
  }

  async function removeGroup(group: Group): Promise<Undo> {
    return take(opened(), [[deleting("account_groups", group.stored)]]);
  }

  /** The fields of an account, in a new group if one is named, which `group` makes. */
  function withGroup<Fields extends AccountFields>(fields: Fields, name: string): { fields: Fields; group: Step[] } {
    if (!name) return { fields, group: [] };
    const id = newId();
    return { fields: { ...fields, accountGroupId: id }, group: [addingGroup(id, name)] };
  }

  function addingGroup(id: string, name: string): Step {
    return adding("account_groups", id, { name, sortOrder: groups.value.length });
  }

  function openingSteps(accountId: string, { cents, day }: Opening): Step[] {
    if (!cents) return [];
    const kind = cents > 0 ? "income" : "expense";
    const entry = {
      kind,
      cents: Math.abs(cents),
      date: day,
      payee: words.value.openingTransaction,
      accountId,
      categoryId: null,
      toAccountId: null,
    } as const;
    return [adding("transactions", newId(), { ...newTransaction(entry), type: TYPES.opening, opensAccount: true })];
  }

  function newTransaction(entry: Entry): TransactionData {
    const recipient = tables.value.recipients.value.find(({ name }) => nameForm(name ?? "") === nameForm(entry.payee));
    const balance = (balances.value.get(entry.accountId) ?? 0) + signOf(entry.kind) * entry.cents;
    return fieldsOf(entry, recipient?.id ?? null, balance);
  }

  function countedOf(id: string): Cents {
    const transaction = ledger.value.get(id);
    return transaction ? ledger.value.centsOf(transaction) : 0;
  }

  function opened(): NonNullable<typeof tenant.service> {
    if (!tenant.service) throw new Error("No book is open.");
    return tenant.service;
  }

  return {
    isReady,
    canWrite,
    groups,
    categories,
    categoryGroups,
    usesOfCategories,
    accounts,
    activeAccounts,
    categorySections,
    balances,
    total,
    sections,
    strays,
    payees,
    lastOf,
    hasAccount,
    accountName,
    categoryName,
    transactionOf,
    counterOf,
    countOf,
    openingAfter,
    dependentsOf,
    linesOf,
    seriesOf,
    offsetsOf,
    enter,
    change,
    removeTransaction,
    addAccount,
    changeAccount,
    removeAccount,
    saveGroup,
    removeGroup,
  };
});

function bySortOrder(a: { sortOrder: number; name: string }, b: { sortOrder: number; name: string }): number {
  return a.sortOrder - b.sortOrder || a.name.localeCompare(b.name);
}
