import { reactive, readonly, ref, toRaw, watch } from "vue";
import { newId, ServerError, type Schemas } from "../../src/index.ts";
import { useTenantStore } from "../../src/pinia.ts";
import { keep, kept } from "./kept.ts";
import { hear } from "./login_page.ts";

type Tenant = Schemas["Tenant"];

/** Who is logged in on this device, for all tabs, as it is kept between visits. The books themselves are in IndexedDB. */
interface Session {
  token: string | null;
  tokenId: string | null;
  user: { uuid: string; name: string; email: string } | null;
  tenants: Tenant[];
  /** The book that was chosen last, in whichever tab. */
  tenantId: string | null;
  isDemo: boolean;
}

const KEY = "finwise.session";
const NOBODY: Session = { token: null, tokenId: null, user: null, tenants: [], tenantId: null, isDemo: false };

/** Where the server is: the page lies at `/app/` below it. */
export const SERVER = new URL("..", document.baseURI).href.replace(/\/$/, "");

const state = reactive<Session>(remembered());
export const session = readonly(state) as Readonly<Session>;

/** Whether the person whose login has expired goes on for now with what is on this device. */
export const isWithoutLogin = ref(false);

/** Tells the stores of the sync where the server is, and which books are known without asking it. */
export function connect(): void {
  const store = useTenantStore();
  store.connect({ baseUrl: SERVER, token: () => state.token ?? undefined, onAnswer: hear });
  watch(
    () => state.tenants,
    (tenants) => (store.tenants = tenants),
    { immediate: true, flush: "sync" },
  );
  // The store asks for them itself when names and roles may have changed.
  watch(
    () => store.tenants,
    (tenants) => toRaw(tenants) !== toRaw(state.tenants) && put({ tenants }),
    { flush: "sync" },
  );
}

export interface Credentials {
  email?: string;
  password?: string;
  deviceName: string;
}

/** Raises ServerError. */
export async function logIn({ email, password, deviceName }: Credentials): Promise<void> {
  const known = email === undefined || password === undefined ? {} : { email, password };
  const { token, id: tokenId, user } = await client().logIn({ ...known, device_name: deviceName });
  const isSame = state.user?.uuid === user.uuid;
  put({ token, tokenId, user, isDemo: false, ...(!isSame && { tenants: [], tenantId: null }) });
  await listTenants();
  if (!state.tenantId && state.tenants.length === 1) rememberChoice(state.tenants[0]?.uuid ?? null);
}

/** Signs up and logs in. Raises ServerError. */
export async function signUp(name: string, invitation: string, credentials: Credentials): Promise<void> {
  const { email = "", password = "" } = credentials;
  await client().signUp({ uuid: newId(), name, email, password, ...(invitation && { invitation }) });
  await logIn(credentials);
}

/** Opens the demo book, where the server shows one. Raises ServerError. */
export async function enterDemo(): Promise<void> {
  if (state.isDemo && state.token && state.tenantId) return;
  const answer = await fetch(`${SERVER}/app/demo`, { method: "POST" }).catch(() => null);
  if (!answer?.ok) throw new ServerError(answer?.status ?? 0, answer ? "demo" : "network", {}, undefined);
  const admitted = (await answer.json().catch(() => null)) as {
    token: string;
    tenant_id: string;
    email: string;
  } | null;
  if (!admitted) throw new ServerError(answer.status, "proxy_login", {}, undefined); // a page, where the demo is JSON
  put({
    ...NOBODY,
    token: admitted.token,
    user: { uuid: admitted.email, name: "Demo", email: admitted.email },
    isDemo: true,
  });
  await listTenants();
  rememberChoice(admitted.tenant_id);
}

/** Asks which books there are. Raises ServerError; the known ones stay then. */
export async function listTenants(): Promise<void> {
  await useTenantStore().fetchTenants();
}

/** A new book. Raises ServerError. */
export function createTenant(name: string): Promise<Tenant> {
  return useTenantStore().createTenant(name);
}

/** Joins a book by an invitation, and lists it. Raises ServerError. */
export async function acceptInvitation(code: string): Promise<Tenant> {
  const joined = await client().acceptInvitation(code);
  await listTenants();
  return joined;
}

/** With which book a new tab begins. */
export function rememberChoice(tenantId: string | null): void {
  put({ tenantId });
}

/** One has another name or e-mail from now on. */
export function putUser({ uuid, name, email }: Schemas["User"]): void {
  put({ user: { uuid, name, email } });
}

/** To the door, since the token opens nothing any more; who it was and the book stay. */
export function forgetToken(): void {
  isWithoutLogin.value = false;
  put({ token: null, tokenId: null });
}

/** Ends the token, on the server too where it can be reached. The books stay on this device. */
export async function logOut(): Promise<void> {
  const { tokenId } = state;
  if (tokenId)
    await client()
      .logOut(tokenId)
      .catch(() => undefined);
  isWithoutLogin.value = false;
  put({ ...NOBODY });
}

/** What this device is called unless somebody says otherwise, such as "Chrome, Linux". */
export function defaultDeviceName(): string {
  const agent = navigator.userAgent;
  const browsers = { "Edg/": "Edge", "Firefox/": "Firefox", Chrom: "Chrome", "Safari/": "Safari" };
  const browser = Object.entries(browsers).find(([sign]) => agent.includes(sign))?.[1] ?? "Browser";
  const system = ["iPhone", "iPad", "Android", "Windows", "Mac", "Linux"].find((sign) => agent.includes(sign));
  return system ? `${browser}, ${system}` : browser;
}

function client(): NonNullable<ReturnType<typeof useTenantStore>["client"]> {
  const connected = useTenantStore().client;
  if (!connected) throw new Error("connect() comes first");
  return connected;
}

function put(change: Partial<Session>): void {
  Object.assign(state, change);
  keep(KEY, state);
}

/** What was kept; whatever is not as this page writes it counts as nothing. */
function remembered(): Session {
  const found = kept<Session>(KEY);
  return { ...NOBODY, ...found, tenants: Array.isArray(found.tenants) ? found.tenants : [] };
}

// Other tabs of this page log in and out as well.
addEventListener("storage", (event) => {
  if (event.key === KEY) Object.assign(state, remembered());
});
