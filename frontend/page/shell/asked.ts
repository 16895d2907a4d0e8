import { onMounted, ref, shallowRef, watch, type Ref, type ShallowRef } from "vue";
import type { FinwiseClient } from "../../src/index.ts";
import { useSyncStore, useTenantStore } from "../../src/pinia.ts";
import { explain } from "./explain.ts";

/** What only the server knows. `problem` says why there is no answer, or none since. */
export interface Asked<T> {
  answer: ShallowRef<T | undefined>;
  problem: Ref<string>;
  look: () => Promise<void>;
}

/** Asks at once, again after each sync, and whenever `look` is called. The last question counts. */
export function useAsked<T>(ask: (client: FinwiseClient, tenantId: string) => Promise<T>): Asked<T> {
  const tenant = useTenantStore();
  const sync = useSyncStore();
  const answer: ShallowRef<T | undefined> = shallowRef();
  const problem = ref("");
  let asked = 0;

  async function look(): Promise<void> {
    const { client, tenantId } = tenant;
    if (!client || !tenantId || sync.isOffline) return;
    const own = ++asked;
    try {
      const found = await ask(client, tenantId);
      if (own !== asked) return;
      answer.value = found;
      problem.value = "";
    } catch (error) {
      if (own === asked) problem.value = explain(error);
    }
  }

  onMounted(look);
  watch([() => sync.lastSync?.getTime(), () => sync.isOffline], look);
  return { answer, problem, look };
}
