import { defineStore } from "pinia";
import { ref, shallowRef } from "vue";
import type { Schemas } from "../../src/index.ts";
import { useSyncStore, useTenantStore } from "../../src/pinia.ts";
import { useAttempt } from "../shell/attempt.ts";
import { words } from "../words/index.ts";

/** The import of a whole book into the open one. It goes on whatever the page shows meanwhile; one at a time. */
export const useImporting = defineStore("importing", () => {
  const tenant = useTenantStore();
  const sync = useSyncStore();
  const { attempt, problem, isBusy } = useAttempt();
  /** The UUID of the book that all the others are about. */
  const tenantId = ref("");
  /** How much the server has read, from 0 to 1; undefined: the file is being sent. */
  const share = ref<number>();
  const outcome = shallowRef<Schemas["Outcome"]>();
  let ended = new AbortController();

  async function begin(file: Blob, datedNow: boolean): Promise<void> {
    const { client, tenantId: into } = tenant;
    if (!client || !into || isBusy.value) return;
    ended = new AbortController();
    tenantId.value = into;
    share.value = outcome.value = undefined;
    await attempt(async () => {
      const onProgress = (read: number): void => void (share.value = read);
      outcome.value = await client.importBook(into, file, { onProgress, datedNow, signal: ended.signal });
    }, words.value.importing.problems);
    if (ended.signal.aborted) problem.value = words.value.importing.cancelled;
    await sync.syncNow(); // what came is wanted here as well
  }

  function cancel(): void {
    ended.abort();
  }

  return { tenantId, share, outcome, problem, isBusy, begin, cancel };
});
