import { defineStore } from "pinia";
import { computed, effectScope, shallowRef, watch, type EffectScope, type ShallowRef } from "vue";
import type { EntityType } from "../../src/index.ts";
import { useTenantStore } from "../../src/pinia.ts";
import { useRows } from "./table_watch.ts";

const NAMED = [
  "account_groups",
  "accounts",
  "category_groups",
  "categories",
  "recipients",
  "tags",
  "planning_transactions",
] as const;

interface Named {
  id: string;
  name?: string | null;
}

/** What the entries of the open book are called that others point at by their ids. */
export const useNames = defineStore("names", () => {
  const tenant = useTenantStore();
  const tables = shallowRef<[EntityType, ShallowRef<Named[]>][]>([]);
  let scope: EffectScope | undefined;

  watch(
    () => tenant.db,
    (db) => {
      scope?.stop();
      scope = effectScope(true);
      tables.value = db
        ? (scope.run(() => NAMED.map((each) => [each, useRows(db.table<Named, string>(each), (row) => row)])) ?? [])
        : [];
    },
    { immediate: true },
  );

  const names = computed(
    () =>
      new Map(
        tables.value.flatMap(([entityType, rows]) =>
          rows.value.map(({ id, name }) => [`${entityType} ${id}`, name ?? ""]),
        ),
      ),
  );

  /** undefined: it is not there, or not any more. */
  function nameOf(entityType: EntityType, id: string): string | undefined {
    return names.value.get(`${entityType} ${id}`);
  }

  return { nameOf };
});
