import { computed, ref, shallowRef } from "vue";

/** What Chromium hands out where the page can be installed. */
interface InstallPrompt extends Event {
  prompt(): Promise<unknown>;
}

const offered = shallowRef<InstallPrompt | null>(null);

/** Whether the browser offers to install the page as an app. */
export const canInstall = computed(() => offered.value !== null);
/** Whether there is a newer version of the page than the one in this tab. */
export const hasNewVersion = ref(false);

addEventListener("beforeinstallprompt", (event) => {
  event.preventDefault();
  offered.value = event as InstallPrompt;
});
addEventListener("appinstalled", () => (offered.value = null));

export async function install(): Promise<void> {
  await offered.value?.prompt();
  offered.value = null;
}

/** Registers the service worker, with which the page starts without a network. Over plain HTTP in a network there is none. */
export async function register(): Promise<void> {
  const workers = import.meta.env.PROD && serviceWorkers();
  if (!workers) return;
  const wasControlled = workers.controller !== null;
  const registration = await workers.register("./sw.js", { updateViaCache: "none" }).catch(() => null);
  if (!registration) return;
  const announceOnceInstalled = (worker: ServiceWorker | null): void => {
    worker?.addEventListener("statechange", () => {
      if (worker.state === "installed" && workers.controller) hasNewVersion.value = true;
    });
  };
  if (registration.waiting && workers.controller) hasNewVersion.value = true;
  announceOnceInstalled(registration.installing);
  registration.addEventListener("updatefound", () => announceOnceInstalled(registration.installing));
  // Another tab let the new version take over. This one goes on with what it has, until it is asked to reload.
  if (wasControlled) workers.addEventListener("controllerchange", () => (hasNewVersion.value = true));
}

/** Lets the new version take over, if no other tab has done so before, and shows it in this tab. */
export async function takeNewVersion(): Promise<void> {
  const waiting = (await navigator.serviceWorker.getRegistration())?.waiting;
  if (!waiting) return location.reload();
  // "redundant": a still newer version has replaced it, which the reload then finds.
  waiting.addEventListener(
    "statechange",
    () => ["activated", "redundant"].includes(waiting.state) && location.reload(),
  );
  waiting.postMessage("take over");
}

/** Asks the browser not to clear the book away when it runs out of room. */
export async function keepForGood(): Promise<void> {
  await navigator.storage?.persist?.().catch(() => undefined);
}

/** Whether the browser has promised that; true if it cannot say. */
export async function isKeptForGood(): Promise<boolean> {
  return (await navigator.storage?.persisted?.().catch(() => undefined)) ?? true;
}

function serviceWorkers(): ServiceWorkerContainer | undefined {
  try {
    return navigator.serviceWorker; // missing over plain HTTP
  } catch {
    return undefined; // the page may keep nothing
  }
}
