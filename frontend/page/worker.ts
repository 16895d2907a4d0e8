/**
 * The service worker: keeps the files of one build, so that the page starts without a network.
 * It touches nothing but the page's own files; what the server says about books goes past it.
 */
export {}; // a module, so that `self` may be declared again; the build is a plain script

declare const self: ServiceWorkerGlobalScope;
/** The files of this build, as they are named from here, and a name made from their contents (precache.ts). */
declare const FILES: string[];
declare const BUILD: string;

const PREFIX = "finwise-page-";
const CACHE = PREFIX + BUILD;
const KEPT = new Set(FILES.map((name) => new URL(name, self.location.href).href));
const START = new URL("./", self.location.href).href;
const PAST = "login"; // in the address of a page that the server is to answer, or a login page before it (login_page.ts)

self.addEventListener("install", (event) => event.waitUntil(keepAll()));

self.addEventListener("activate", (event) => {
  event.waitUntil(forgetOtherBuilds().then(() => self.clients.claim()));
});

self.addEventListener("message", (event) => {
  if (event.data === "take over") void self.skipWaiting();
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { href, searchParams } = new URL(request.url);
  const url = href.replace(/[?#].*$/, "");
  const isStart = request.mode === "navigate" && isPage(url);
  const kept = isStart ? START : url;
  if (request.method !== "GET" || !KEPT.has(kept)) return;
  event.respondWith(isStart && searchParams.has(PAST) ? fromServer(request) : fromCache(kept, request));
});

function isPage(url: string): boolean {
  return url === START || url === `${START}index.html`;
}

async function fromCache(url: string, request: Request): Promise<Response> {
  const kept = await caches
    .open(CACHE)
    .then((cache) => cache.match(url))
    .catch(() => undefined); // the browser may have lost it
  return kept ?? fetch(request);
}

/** What the server answers, or a login page before it; without a server the kept page. */
async function fromServer(request: Request): Promise<Response> {
  const answer = await fetch(request).catch(() => undefined);
  return answer && answer.status < 500 ? answer : fromCache(START, request);
}

/** Keeps all files of this build, or none. */
async function keepAll(): Promise<void> {
  // Past the browser's cache, or an old index.html could be kept together with new names.
  const answers = await Promise.all(FILES.map((name) => fetch(name, { cache: "reload" })));
  for (const [at, answer] of answers.entries()) {
    if (!(await isFile(FILES[at]!, answer))) throw new Error(`${FILES[at]} cannot be fetched.`);
  }
  const cache = await caches.open(CACHE);
  await Promise.all(answers.map((answer, at) => cache.put(FILES[at]!, answer)));
}

/** Whether an answer is the file that was asked for, and no login page in its place. */
async function isFile(name: string, answer: Response): Promise<boolean> {
  if (!answer.ok || answer.redirected) return false;
  if (name !== "./") return !answer.headers.get("Content-Type")?.startsWith("text/html");
  const text = await answer.clone().text();
  return FILES.some((each) => each.endsWith(".js") && text.includes(each));
}

async function forgetOtherBuilds(): Promise<void> {
  const names = await caches.keys();
  await Promise.all(
    names.filter((name) => name.startsWith(PREFIX) && name !== CACHE).map((name) => caches.delete(name)),
  );
}
