/**
 * The service worker: keeps the files of one build, so that the page starts without a network.
 * It touches nothing but the page's own files; what the server says about books goes past it.
 */
export {}; // a module, so that `self` may be declared anew; what is built is a plain script

declare const self: ServiceWorkerGlobalScope;
/** The files of this build, as they are named from here, and a name made from their contents (precache.ts). */
declare const FILES: string[];
declare const BUILD: string;

const PREFIX = "finwise-page-";
const CACHE = PREFIX + BUILD;
const KEPT = new Set(FILES.map((name) => new URL(name, self.location.href).href));
const START = new URL("./", self.location.href).href;

self.addEventListener("install", (event) => {
  // Past the browser's cache, or an old index.html could be kept together with new names.
  const requests = FILES.map((name) => new Request(name, { cache: "reload" }));
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(requests)));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(forgetOtherBuilds().then(() => self.clients.claim()));
});

self.addEventListener("message", (event) => {
  if (event.data === "take over") void self.skipWaiting();
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = request.url.replace(/[?#].*$/, "");
  const kept = request.mode === "navigate" && isPage(url) ? START : url;
  if (request.method === "GET" && KEPT.has(kept)) event.respondWith(fromCache(kept, request));
});

function isPage(url: string): boolean {
  return url === START || url === `${START}index.html`;
}

async function fromCache(url: string, request: Request): Promise<Response> {
  return (await (await caches.open(CACHE)).match(url)) ?? fetch(request);
}

async function forgetOtherBuilds(): Promise<void> {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith(PREFIX) && name !== CACHE).map((name) => caches.delete(name)));
}
