import { defineStore } from "pinia";
import { computed } from "vue";
import {
  newId,
  type Data,
  type EntityType,
  type FinwiseTenantSpecificDB,
  type Row,
  type TenantDbService,
} from "../../src/index.ts";
import { useTenantStore } from "../../src/pinia.ts";
import { useBook } from "./book.ts";
import type { Category, CategoryGroup } from "./shown.ts";
import { adding, changing, deleting, take, type Step, type Undo } from "./steps.ts";
import { nameForm } from "./text.ts";
import { words } from "../words/index.ts";

export type { Category, CategoryGroup };

/** A group with its categories; those without a group, or with one that is gone, come last. */
export interface CategorySection {
  group: CategoryGroup | null;
  categories: Category[];
}

export type CategoryForm = Pick<Category, "name" | "isIncomeCategory" | "isHidden"> & {
  categoryGroupId: string | null;
};
export type CategoryGroupForm = Pick<CategoryGroup, "name" | "isIncomeGroup">;

/** The fields in which entries name a category. */
const REFERENCES: [EntityType, string][] = [
  ["transactions", "categoryId"],
  ["transactions", "toCategoryId"],
  ["planning_transactions", "categoryId"],
  ["planning_transactions", "transferToCategoryId"],
  ["recipients", "defaultCategoryId"],
  ["categories", "parentCategoryId"],
];

/** The categories of the open book, and every edit of them. */
export const useCategories = defineStore("categories", () => {
  const tenant = useTenantStore();
  const book = useBook();

  const groups = computed(() => inOrder(book.categoryGroups));
  const sections = computed<CategorySection[]>(() => {
    const known = new Set(groups.value.map(({ id }) => id));
    const made: CategorySection[] = groups.value.map((group) => ({
      group,
      categories: inOrder(book.categories.filter((each) => each.categoryGroupId === group.id)),
    }));
    const others = inOrder(book.categories.filter(({ categoryGroupId }) => !known.has(categoryGroupId ?? "")));
    return others.length ? [...made, { group: null, categories: others }] : made;
  });

  const groupIdOf = (category: Category): string | null =>
    groups.value.find(({ id }) => id === category.categoryGroupId)?.id ?? null;
  const isNameTaken = (name: string, groupId: string | null, except?: string): boolean =>
    book.categories.some(
      (each) => each.id !== except && groupIdOf(each) === groupId && nameForm(each.name) === nameForm(name),
    );
  const isGroupNameTaken = (name: string, except?: string): boolean =>
    groups.value.some((each) => each.id !== except && nameForm(each.name) === nameForm(name));

  async function add(form: CategoryForm): Promise<string> {
    const id = newId();
    await take(opened(), [[adding("categories", id, categoryOf(form, book.categories.length))]]);
    return id;
  }

  async function change(category: Category, fields: Partial<Data<"categories">>): Promise<void> {
    await take(opened(), [[changing("categories", category.stored, fields)]]);
  }

  /** Deletes a category; what names it names another one from now on, or none (null). */
  async function remove(category: Category, replacement: string | null): Promise<Undo> {
    const service = opened();
    const moved = await Promise.all(
      REFERENCES.map(([type, field]) => renaming(service.db, type, field, category.id, replacement)),
    );
    return take(service, [...moved.flat(), [deleting("categories", category.stored)]]);
  }

  async function addGroup(form: CategoryGroupForm): Promise<void> {
    await take(opened(), [[adding("category_groups", newId(), { ...form, sortOrder: groups.value.length })]]);
  }

  async function changeGroup(group: CategoryGroup, fields: Partial<CategoryGroupForm>): Promise<void> {
    await take(opened(), [[changing("category_groups", group.stored, fields)]]);
  }

  /** Deletes a group; its categories go to another one, or have none from now on (null). */
  function removeGroup(group: CategoryGroup, replacement: string | null): Promise<Undo> {
    const moved = book.categories.filter((each) => each.categoryGroupId === group.id);
    return take(opened(), [
      ...moved.map((each) => [changing("categories", each.stored, { categoryGroupId: replacement })]),
      [deleting("category_groups", group.stored)],
    ]);
  }

  /** Moves a category within its section. */
  function move(category: Category, by: 1 | -1): Promise<Undo> {
    const section = sections.value.find(({ categories }) => categories.some(({ id }) => id === category.id));
    return take(opened(), [moving("categories", section?.categories ?? [], category, by)]);
  }

  function moveGroup(group: CategoryGroup, by: 1 | -1): Promise<Undo> {
    return take(opened(), [moving("category_groups", groups.value, group, by)]);
  }

  /** What puts the groups and categories into the book with which most households begin. */
  function starting(): Step[] {
    const { accountGroups, categories } = words.value.starter;
    const made = (book.groups.length ? [] : accountGroups).map((name, sortOrder) =>
      adding("account_groups", newId(), { name, sortOrder }),
    );
    for (const [place, { group, isIncome, names }] of categories.entries()) {
      const categoryGroupId = newId();
      made.push(adding("category_groups", categoryGroupId, { name: group, sortOrder: place, isIncomeGroup: isIncome }));
      const form = { categoryGroupId, isIncomeCategory: isIncome, isHidden: false };
      made.push(
        ...names.map((name, sortOrder) => adding("categories", newId(), categoryOf({ ...form, name }, sortOrder))),
      );
    }
    return made;
  }

  async function start(): Promise<void> {
    await take(opened(), [starting()]);
  }

  function opened(): TenantDbService {
    if (!tenant.service) throw new Error("No book is open.");
    return tenant.service;
  }

  return {
    groups,
    sections,
    groupIdOf,
    isNameTaken,
    isGroupNameTaken,
    add,
    change,
    remove,
    addGroup,
    changeGroup,
    removeGroup,
    move,
    moveGroup,
    starting,
    start,
  };
});

function inOrder<T extends { sortOrder: number; name: string }>(rows: readonly T[]): T[] {
  return rows.toSorted((a, b) => a.sortOrder - b.sortOrder || a.name.localeCompare(b.name));
}

function categoryOf(form: CategoryForm, sortOrder: number): Data<"categories"> {
  return { ...form, sortOrder, isActive: true, budgeted: 0, activity: 0, available: 0 };
}

/** What makes all entries that name one category in a field name another one, or none; nothing names itself. */
async function renaming(
  db: FinwiseTenantSpecificDB,
  type: EntityType,
  field: string,
  from: string,
  to: string | null,
): Promise<Step[][]> {
  const rows = await db
    .entities(type)
    .filter((row) => (row as unknown as Record<string, unknown>)[field] === from)
    .toArray();
  return rows.map((row) => [changing(type, row, { [field]: row.id === to ? null : to })]);
}

/** What moves a row by one place; `sortOrder` is written only where it changes. */
function moving<T extends "categories" | "category_groups">(
  type: T,
  rows: readonly { id: string; sortOrder: number; stored: Row<T> }[],
  row: { id: string; sortOrder: number; stored: Row<T> },
  by: 1 | -1,
): Step[] {
  const from = rows.findIndex(({ id }) => id === row.id);
  if (!rows[from + by]) return [];
  const ordered = rows.toSpliced(from, 1).toSpliced(from + by, 0, row);
  return ordered.flatMap((each, place) =>
    each.sortOrder === place ? [] : [changing(type, each.stored, { sortOrder: place } as Partial<Data<T>>)],
  );
}
