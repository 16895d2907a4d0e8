/**
 * A login page in the server's place: a proxy's before it, or that of a network. The way there is a navigation that the service worker
 * lets pass (worker.ts). The address says so as long as it is needed, so that a reload by hand gets there as well.
 */
import { readonly, ref, watch } from "vue";
import type { ServerError, SyncState } from "../../src/index.ts";

const PAST = "login";
const needed = ref(false);

/** Whether a login page answered last. */
export const isLoginNeeded = readonly(needed);

watch(needed, mark, { immediate: true });

/** Hears how each request ended: `error` undefined: well. */
export function hear(error: ServerError | undefined): void {
  if (error?.code !== "network") needed.value = error?.code === "proxy_login";
}

/** Hears how the sync is, which another tab may be doing. */
export function hearState(state: SyncState): void {
  if (state === "proxy_login") needed.value = true;
  if (state === "idle") needed.value = false;
}

/** Lets the login page show itself. It sends people back here. */
export function goToLogin(): void {
  mark(true);
  location.reload();
}

function mark(isNeeded: boolean): void {
  const address = new URL(location.href);
  if (isNeeded) address.searchParams.set(PAST, "");
  else address.searchParams.delete(PAST);
  if (address.href !== location.href) history.replaceState(history.state, "", address);
}
