import { defineStore } from "pinia";
import { computed, effectScope, onScopeDispose, ref, shallowRef, triggerRef, watch, type EffectScope } from "vue";
import { newId, type Data, type EntityType, type Row } from "../src/index.ts";
import { useTenantStore } from "../src/pinia.ts";
import { useBookCurrency } from "./book_currency.ts";
import { fieldsOf, sidesOf, TYPES, type Entry } from "./booking.ts";
import { today, type Day } from "./days.ts";
import { Ledger, type Booking, type Line, type Offsets, type Point } from "./ledger.ts";
import { fromCents, type Cents } from "./money.ts";
import { followTable, useRows } from "./table_watch.ts";
import { nameForm } from "./text.ts";
import { words } from "./words/index.ts";

export type Account = Row<"accounts">;
export type Group = Row<"account_groups">;
type Transaction = Data<"transactions">;
type Undo = () => Promise<void>;

export interface Section {
  id: string;
  group: Group | null;
  accounts: { account: Account; balance: Cents }[];
  sum: Cents;
}

export interface AccountForm {
  name: string;
  accountType: string;
  accountGroupId: string;
  newGroup: string;
  iban: string | null;
  isActive: boolean;
}

/** The open book as the page shows and edits it. Every edit goes through the sync package, which queues it. */
export const useBook = defineStore("book", () => {
  const tenant = useTenantStore();
  const ledger = shallowRef(new Ledger());
  const bookCurrency = useBookCurrency();
  const areBookingsRead = ref(false);
  const isReady = computed(() => areBookingsRead.value && bookCurrency.own !== undefined);
  const tables = shallowRef({
    accounts: shallowRef<Account[]>([]),
    groups: shallowRef<Group[]>([]),
    categories: shallowRef<Row<"categories">[]>([]),
    categoryGroups: shallowRef<Row<"category_groups">[]>([]),
    recipients: shallowRef<Row<"recipients">[]>([]),
  });
  let scope: EffectScope | undefined;
  let arriving = new Ledger();

  watch(() => tenant.db, (db) => {
    scope?.stop();
    scope = effectScope(true);
    ledger.value = new Ledger();
    areBookingsRead.value = false;
    if (!db) return;
    scope.run(() => {
      tables.value = {
        accounts: useRows(db.accounts),
        groups: useRows(db.account_groups),
        categories: useRows(db.categories),
        categoryGroups: useRows(db.category_groups),
        recipients: useRows(db.recipients),
      };
    });
    scope.run(() => onScopeDispose(followTable<Row<"transactions">>(db.transactions, { loaded, changed })));
  }, { immediate: true });

  function loaded(rows: Booking[], isFirst: boolean, isLast: boolean): void {
    if (isFirst) arriving = new Ledger();
    arriving.put(rows);
    if (!isLast) return;
    ledger.value = arriving;
    areBookingsRead.value = true;
  }
  function changed(rows: Map<string, Booking | undefined>): void {
    ledger.value.put([...rows.values()].filter((row) => row !== undefined));
    ledger.value.delete([...rows].filter(([, row]) => !row).map(([id]) => id));
    triggerRef(ledger);
  }

  const canWrite = computed(() => tenant.tenant?.role !== "viewer");
  const groups = computed(() => [...tables.value.groups.value].sort(bySortOrder));
  const accounts = computed(() => {
    const places = new Map(groups.value.map((group, place) => [group.id, place]));
    const placeOf = (account: Account): number => places.get(account.accountGroupId) ?? places.size;
    return [...tables.value.accounts.value].sort((a, b) => placeOf(a) - placeOf(b) || bySortOrder(a, b));
  });
  const activeAccounts = computed(() => accounts.value.filter((account) => account.isActive));
  const accountsById = computed(() => new Map(accounts.value.map((account) => [account.id, account])));
  const categoriesById = computed(() => new Map(tables.value.categories.value.map((category) => [category.id, category])));
  const categorySections = computed(() => {
    const shown = tables.value.categories.value.filter((category) => category.isActive && !category.isHidden).sort(bySortOrder);
    const sections = [...tables.value.categoryGroups.value].sort(bySortOrder).map(({ id, name }) => ({
      id, name, categories: shown.filter((category) => category.categoryGroupId === id),
    }));
    const known = new Set(sections.map(({ id }) => id));
    const others = shown.filter((category) => !known.has(category.categoryGroupId ?? ""));
    return [...sections, { id: "", name: words.value.category, categories: others }].filter(({ categories }) => categories.length);
  });

  const balances = computed(() => ledger.value.balances(offsetsOf(null), today()));
  const total = computed(() => [...balances.value.values()].reduce((sum, balance) => sum + balance, 0));
  const sections = computed<Section[]>(() => {
    const known = new Set(groups.value.map(({ id }) => id));
    const made = groups.value.map((group) => sectionOf(group.id, group, (account) => account.accountGroupId === group.id));
    const others = sectionOf("", null, (account) => !known.has(account.accountGroupId));
    return others.accounts.length ? [...made, others] : made;
  });

  function sectionOf(id: string, group: Group | null, belongs: (account: Account) => boolean): Section {
    const listed = accounts.value.filter(belongs).map((account) => ({ account, balance: balances.value.get(account.id) ?? 0 }));
    return { id, group, accounts: listed, sum: listed.reduce((sum, { balance }) => sum + balance, 0) };
  }

  /** What was entered as payee before, the most frequent first, and the last booking of each. */
  const habits = computed(() => {
    const known = new Map<string, { payee: string; last: Booking; count: number }>();
    const forms = new Map<string, string>(); // few payees are behind many bookings
    for (const booking of ledger.value.all()) {
      const payee = booking.payee || booking.description;
      const form = forms.get(payee) ?? nameForm(payee);
      forms.set(payee, form);
      const habit = known.get(form);
      if (habit) habit.count++;
      else if (form && !booking.transferToAccountId && booking.type !== TYPES.opening) known.set(form, { payee, last: booking, count: 1 });
    }
    return known;
  });
  const payees = computed(() => [...habits.value.values()].sort((a, b) => b.count - a.count).map(({ payee }) => payee));

  const lastOf = (payee: string): Booking | undefined => habits.value.get(nameForm(payee))?.last;
  const accountName = (id: string | null | undefined): string => accountsById.value.get(id ?? "")?.name ?? "—";
  const categoryName = (id: string | null | undefined): string => categoriesById.value.get(id ?? "")?.name ?? "";
  const bookingOf = (id: string): Booking | undefined => ledger.value.get(id);
  const countOf = (accountId: string): number => ledger.value.all().filter((booking) => booking.accountId === accountId).length;
  const linesOf = (wanted: Offsets): Line[] => ledger.value.lines(wanted);
  const seriesOf = (wanted: Offsets, first: Day, last: Day): Point[] => ledger.value.series(wanted, first, last);

  /** One account with its opening sum, or all. */
  function offsetsOf(accountId: string | null): Offsets {
    const wanted = accountId === null ? accounts.value : accounts.value.filter(({ id }) => id === accountId);
    return new Map(wanted.map(({ id, offset }) => [id, offset]));
  }

  // ---- edits; each answers how to take it back where that makes sense ----

  async function enter(entry: Entry): Promise<Undo> {
    const { toAccountId } = entry;
    const ids: [string, string] = [newId(), newId()];
    const made = toAccountId ? sidesOf({ ...entry, toAccountId }, ids) : [{ ...entry, id: ids[0] }];
    await together(async () => {
      for (const { id, ...side } of made) {
        const counter = "counterTransactionId" in side ? { counterTransactionId: side.counterTransactionId } : {};
        await opened().put("transactions", id, { ...transaction(side), ...counter });
      }
    });
    return () => together(async () => {
      for (const { id } of made) await opened().delete("transactions", id);
    });
  }

  async function change(id: string, edit: Omit<Entry, "kind" | "toAccountId">): Promise<void> {
    const { cents, date, payee, note, accountId, categoryId } = edit;
    const fields = { date, valueDate: date, payee: payee || null, description: payee, note: note || null };
    const other = counterOf(id);
    await together(async () => {
      await opened().change("transactions", id, { ...fields, amount: fromCents(cents), accountId, categoryId });
      if (other) await opened().change("transactions", other.id, { ...fields, amount: fromCents(-cents) });
    });
  }

  async function removeBooking(id: string): Promise<Undo> {
    const ids = [id, counterOf(id)?.id].filter((each) => each !== undefined);
    const kept = await Promise.all(ids.map(async (each) => [each, await opened().get("transactions", each)] as const));
    await together(async () => {
      for (const each of ids) await opened().delete("transactions", each);
    });
    return () => together(async () => {
      for (const [each, row] of kept) if (row) await opened().put("transactions", each, dataOf(row));
    });
  }

  /** Adds an account, or changes one; `opening` becomes a new one's first booking. */
  async function saveAccount(form: AccountForm, opening: Cents, id?: string): Promise<void> {
    const { newGroup, ...fields } = form;
    const accountId = id ?? newId();
    await together(async () => {
      const group = form.accountGroupId || (newGroup ? (await addGroup(newGroup)) : "");
      if (id) return opened().change("accounts", id, { ...fields, accountGroupId: group });
      await opened().put("accounts", accountId, {
        ...fields, accountGroupId: group, isOfflineBudget: false, sortOrder: accounts.value.length, balance: fromCents(opening), offset: 0,
      });
      if (!opening) return;
      const first = { kind: "income", cents: opening, date: today(), payee: words.value.openingBooking, note: "", accountId, categoryId: null, toAccountId: null } as const;
      await opened().put("transactions", newId(), { ...transaction(first), type: TYPES.opening, runningBalance: fromCents(opening) });
    });
  }

  async function saveGroup(name: string, id?: string): Promise<void> {
    if (id) await opened().change("account_groups", id, { name });
    else await addGroup(name);
  }

  async function addGroup(name: string): Promise<string> {
    const id = newId();
    await opened().put("account_groups", id, { name, sortOrder: groups.value.length });
    return id;
  }

  function remove(entityType: EntityType, id: string): Promise<void> {
    return opened().delete(entityType, id);
  }

  function transaction(entry: Entry): Transaction {
    const recipient = tables.value.recipients.value.find(({ name }) => nameForm(name) === nameForm(entry.payee));
    const balance = (balances.value.get(entry.accountId) ?? 0) + entry.cents;
    return fieldsOf(entry, recipient?.id ?? null, balance) as Transaction;
  }

  /** The other side of a transfer, if both are there. */
  function counterOf(id: string): Booking | undefined {
    const counter = ledger.value.get(ledger.value.get(id)?.counterTransactionId ?? "");
    return counter?.counterTransactionId === id ? counter : undefined;
  }

  function together(edits: () => Promise<void>): Promise<void> {
    return opened().together(edits);
  }

  function opened(): NonNullable<typeof tenant.service> {
    if (!tenant.service) throw new Error("No book is open.");
    return tenant.service;
  }

  return {
    isReady, canWrite, groups, accounts, activeAccounts, categorySections, balances, total, sections, payees,
    lastOf, accountName, categoryName, bookingOf, countOf, linesOf, seriesOf, offsetsOf,
    enter, change, removeBooking, saveAccount, saveGroup, remove,
  };
});

/** An entity's own fields: without what the device notes beside them. */
function dataOf(row: Row<"transactions">): Transaction {
  const { id, created_at, updated_at, base_updated_at, $own, ...data } = row;
  return { ...data, ...$own } as Transaction;
}

function bySortOrder(a: { sortOrder: number; name: string }, b: { sortOrder: number; name: string }): number {
  return a.sortOrder - b.sortOrder || a.name.localeCompare(b.name);
}
