import { computed, onScopeDispose, ref, watch, type ComputedRef, type Ref } from "vue";
import type { StorageCode, SyncState, SyncStatus } from "../../src/index.ts";
import { useSyncStore } from "../../src/pinia.ts";
import type { Words } from "../words/en.ts";
import { words } from "../words/index.ts";

export type StatusKey = keyof Words["statuses"];
export type Tone = "good" | "busy" | "quiet" | "bad";

const KEYS: Record<SyncState, StatusKey> = {
  idle: "inStep",
  syncing: "syncing",
  loading: "loading",
  paused: "paused",
  offline: "offline",
  waiting: "waiting",
  proxy_login: "proxyLogin",
  logged_out: "loggedOut",
  forbidden: "forbidden",
  quota: "full",
  stopped: "stopped",
  error: "error",
};
const TONES: Record<StatusKey, Tone> = {
  inStep: "good",
  syncing: "busy",
  loading: "busy",
  paused: "quiet",
  offline: "quiet",
  waiting: "quiet",
  unreachable: "quiet",
  proxyLogin: "bad",
  loggedOut: "bad",
  forbidden: "bad",
  full: "bad",
  stopped: "bad",
  error: "bad",
};
const NOTICEABLE = 600; // ms; a shorter sync is not worth a flicker

/** What the browser does not keep, if that is what the status says. */
export function storageCodeOf({ code }: SyncStatus): StorageCode | undefined {
  return code !== undefined && code in words.value.storage ? (code as StorageCode) : undefined;
}

/** How the sync is, as the page shows it: without the short moments in which it only looks. */
export function useSyncStatus(): {
  key: Ref<StatusKey>;
  tone: ComputedRef<Tone>;
  text: ComputedRef<string>;
  hint: ComputedRef<string>;
} {
  const sync = useSyncStore();
  /** A book that was just opened is not known to be in step before the first sync. */
  const present = computed(() => {
    if (sync.status.code === "proxy_error") return "unreachable";
    return sync.status.state === "idle" && !sync.lastSync ? "syncing" : KEYS[sync.status.state];
  });
  const key = ref<StatusKey>(present.value);
  let timer: ReturnType<typeof setTimeout> | undefined;
  watch(present, (next) => {
    clearTimeout(timer);
    if (next === "syncing") timer = setTimeout(() => (key.value = next), NOTICEABLE);
    else key.value = next;
  });
  onScopeDispose(() => clearTimeout(timer));
  const hasMore = computed(() => sync.waitingCount > 0 && key.value !== "syncing" && key.value !== "loading");
  const tone = computed<Tone>(() =>
    sync.rejectedCount || sync.conflicts.length
      ? "bad"
      : TONES[key.value] === "good" && hasMore.value
        ? "busy"
        : TONES[key.value],
  );
  const text = computed(() => {
    const waiting = words.value.inStepButWaiting(sync.waitingCount);
    if (!hasMore.value) return words.value.statuses[key.value];
    return key.value === "inStep" ? waiting : `${words.value.statuses[key.value]} · ${waiting}`;
  });
  const hint = computed(() => {
    const code = storageCodeOf(sync.status);
    if (code) return words.value.storage[code];
    const { incident } = sync.status;
    return incident
      ? `${words.value.problems["internal"]} ${words.value.incident(incident)}`
      : words.value.statusHints[key.value];
  });
  return { key, tone, text, hint };
}

/** The present moment, a few times a minute, for texts such as "2 minutes ago". */
export function useNow(): Ref<number> {
  const now = ref(Date.now());
  const timer = setInterval(() => (now.value = Date.now()), 15_000);
  onScopeDispose(() => clearInterval(timer));
  return now;
}
