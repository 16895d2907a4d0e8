import { computed, shallowRef, watch } from "vue";
import { rememberChoice, session } from "./session.ts";

/** The book that somebody chose in this tab. */
interface Choice {
  /** The UUID of the person: what one chose is not opened for another. */
  reader: string;
  tenantId: string;
}

const KEY = "finwise.tab"; // in sessionStorage, which each tab has of its own

const choice = shallowRef<Choice | null>(kept());

/** The book that is open in this tab. Other tabs may show others; a new tab begins with the last one that was chosen. */
export const openTenantId = computed(() => {
  const { value } = choice;
  return value && value.reader === session.user?.uuid ? value.tenantId : session.tenantId;
});

// From then on it is a matter of this tab alone.
watch(openTenantId, (tenantId) => tenantId && put(tenantId), { immediate: true });

/** Opens a book in this tab; null: none. */
export function choose(tenantId: string | null): void {
  if (tenantId) put(tenantId);
  rememberChoice(tenantId);
  if (!tenantId) forget();
}

function put(tenantId: string): void {
  if (!session.user) return;
  choice.value = { reader: session.user.uuid, tenantId };
  try {
    sessionStorage.setItem(KEY, JSON.stringify(choice.value));
  } catch {
    // This tab remembers it until it is closed or reloaded.
  }
}

function forget(): void {
  choice.value = null;
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // Nothing was kept there either.
  }
}

function kept(): Choice | null {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "null") as Choice | null;
  } catch {
    return null;
  }
}
