import { computed, ref, shallowRef } from "vue";

/** What Chromium hands out where the page can be installed. */
interface InstallPrompt extends Event {
  prompt(): Promise<unknown>;
}

const offered = shallowRef<InstallPrompt | null>(null);
const fresh = shallowRef<ServiceWorker | null>(null);

/** Whether the browser offers to install the page as an app. */
export const canInstall = computed(() => offered.value !== null);
/** Whether a new version of the page waits to take over. */
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
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
  const registration = await navigator.serviceWorker.register("./sw.js", { updateViaCache: "none" }).catch(() => null);
  if (!registration) return;
  const look = (worker: ServiceWorker | null): void => {
    worker?.addEventListener("statechange", () => {
      if (worker.state === "installed" && navigator.serviceWorker.controller) announce(worker);
    });
  };
  if (registration.waiting && navigator.serviceWorker.controller) announce(registration.waiting);
  look(registration.installing);
  registration.addEventListener("updatefound", () => look(registration.installing));
}

/** Lets the new version take over, and shows it. */
export function takeNewVersion(): void {
  navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
  fresh.value?.postMessage("take over");
}

function announce(worker: ServiceWorker): void {
  fresh.value = worker;
  hasNewVersion.value = true;
}
