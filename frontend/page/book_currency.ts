import { defineStore } from "pinia";
import { effectScope, onScopeDispose, shallowRef, watch, type EffectScope } from "vue";
import { liveQuery } from "dexie";
import { useTenantStore } from "../src/pinia.ts";
import { currency, isCurrency } from "./currency.ts";
import { preferences } from "./preferences.ts";

/** The open book's own currency: its setting `currency`, which syncs as all else does. */
export const useBookCurrency = defineStore("book_currency", () => {
  const tenant = useTenantStore();
  /** null: the book has none; undefined: nobody has looked yet. */
  const own = shallowRef<string | null>();
  let scope: EffectScope | undefined;

  watch(() => tenant.db, (db) => {
    scope?.stop();
    own.value = undefined;
    if (!db) return;
    scope = effectScope(true);
    scope.run(() => {
      const subscription = liveQuery(() => db.book_settings.get("currency")).subscribe((setting) => {
        own.value = isCurrency(setting?.value) ? setting.value : null;
      });
      onScopeDispose(() => subscription.unsubscribe());
    });
  }, { immediate: true });

  watch([own, () => preferences.currency], ([ofBook, preferred]) => (currency.value = ofBook ?? preferred), { immediate: true, flush: "sync" });

  return { own };
});
