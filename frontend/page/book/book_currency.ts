import { liveQuery } from "dexie";
import { defineStore } from "pinia";
import { computed, effectScope, onScopeDispose, ref, shallowRef, watch, type EffectScope } from "vue";
import type { Row } from "../../src/index.ts";
import { useTenantStore } from "../../src/pinia.ts";
import { currency, isCurrency } from "./currency.ts";
import { preferences } from "../shell/preferences.ts";
import { adding, changing, take, type Step } from "./steps.ts";

/** The open book's own currency: its setting `currency`, which syncs as all else does. */
export const useBookCurrency = defineStore("book_currency", () => {
  const tenant = useTenantStore();
  /** null: the book has none; undefined: nobody has looked yet. */
  const own = computed(() =>
    isRead.value ? (isCurrency(setting.value?.value) ? setting.value.value : null) : undefined,
  );
  const setting = shallowRef<Row<"book_settings">>();
  const isRead = ref(false);
  /** Whether somebody wants to choose one later. */
  const isPutOff = ref(false);
  /** Whether the book has none, and nobody wants to choose one later. */
  const isOpenQuestion = computed(() => own.value === null && !isPutOff.value);
  let scope: EffectScope | undefined;

  watch(
    () => tenant.db,
    (db) => {
      scope?.stop();
      setting.value = undefined;
      isRead.value = false;
      isPutOff.value = false;
      if (!db) return;
      scope = effectScope(true);
      scope.run(() => {
        const subscription = liveQuery(() => db.book_settings.get("currency")).subscribe((found) => {
          setting.value = found;
          isRead.value = true;
        });
        onScopeDispose(() => subscription.unsubscribe());
      });
    },
    { immediate: true },
  );

  watch([own, () => preferences.currency], ([ofBook, preferred]) => (currency.value = ofBook ?? preferred), {
    immediate: true,
    flush: "sync",
  });

  /** What makes a currency the book's, for all who use it. */
  function choosing(code: string): Step {
    return setting.value
      ? changing("book_settings", setting.value, { value: code })
      : adding("book_settings", "currency", { value: code });
  }

  async function choose(code: string): Promise<void> {
    if (!tenant.service) throw new Error("No book is open.");
    await take(tenant.service, [[choosing(code)]]);
  }

  return { own, isPutOff, isOpenQuestion, choosing, choose };
});
