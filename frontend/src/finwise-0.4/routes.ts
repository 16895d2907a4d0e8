/** The HTTP routes of the app's own backend, answered by this server. */

import { ServerError } from "../client.js";
import type { Schemas } from "../catalogue.js";
import { newId } from "../identifiers.js";
import type { Conversation } from "./conversation.js";
import { findLogo, removeLogo, storeLogo } from "./logos.js";
import type { People, Person } from "./people.js";
import { readPreferences, resetPreferences, writePreferences } from "./preferences.js";

interface Asked {
  /** Whom the request names, if it does. */
  userId: string | undefined;
  tenantId: string | undefined;
  body: Record<string, string>;
  form: FormData;
}

type Answer = (asked: Asked, found: string[]) => unknown;
type Route = [string, RegExp, Answer];

/** The conversations by tenant; the last one is that of the book that is open. */
type Conversations = ReadonlyMap<string, Conversation>;

/** The function to use instead of fetch. A route that is not the app's goes to the network as it is. */
export function fetchFor(
  people: People,
  conversations: Conversations,
  ask: typeof globalThis.fetch,
): typeof globalThis.fetch {
  const routes = [...aboutPeople(people), ...aboutTenants(people), ...aboutBooks(conversations)];
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input, "http://localhost");
    const method = init?.method ?? "GET";
    const asked = read(url, init);
    if (asked.userId) people.isHere(asked.userId);
    if (url.pathname.startsWith("/tenants") || url.pathname.startsWith("/api/v1/tenant/")) await people.comeIn();
    for (const [verb, path, answer] of routes) {
      const found = verb === method ? path.exec(url.pathname) : null;
      if (found) return answered(() => answer(asked, found.slice(1)));
    }
    return ask(input, init);
  };
}

function read(url: URL, init: RequestInit | undefined): Asked {
  const headers = new Headers(init?.headers);
  return {
    userId: headers.get("X-User-Id") ?? url.searchParams.get("user_id") ?? undefined,
    tenantId: url.searchParams.get("tenant_id") ?? headers.get("X-Tenant-Id") ?? undefined,
    body: typeof init?.body === "string" ? (JSON.parse(init.body) as Record<string, string>) : {},
    form: init?.body instanceof FormData ? init.body : new FormData(),
  };
}

function aboutPeople(people: People): Route[] {
  const client = people.client();
  return [
    ["GET", /^\/ping$/, async () => ({ status: "ok", message: (await client.health()).server_version })],
    ["GET", /^\/api\/v1\/websocket\/health$/, () => client.health()],
    [
      "POST",
      /^\/login$/,
      async ({ body }) =>
        userOf(await people.logIn(await people.emailOf(body["username_or_email"]!), body["password"]!)),
    ],
    ["POST", /^\/register$/, async ({ body }) => userOf(await people.signUp(personOf(body), body["password"]!))],
    ["GET", /^\/users\/?$/, async () => (people.token() ? [userOf(await client.me())] : [])],
    ["POST", /^\/users\/?$/, ({ body }) => finishSignUp(people, body)],
    [
      "PUT",
      /^\/users\/([^/]+)$/,
      async ({ body }, [uuid]) => userOf(await client.updateUser(uuid!, { name: body["name"]! })),
    ],
  ];
}

function aboutTenants(people: People): Route[] {
  const client = people.client();
  return [
    [
      "GET",
      /^\/tenants\/?$/,
      async ({ userId }) => (await client.listTenants()).map((tenant) => tenantOf(tenant, userId)),
    ],
    [
      "POST",
      /^\/tenants\/?$/,
      async ({ body }) =>
        tenantOf(await client.createTenant({ uuid: body["uuid"]!, name: body["name"]! }), body["user_id"]),
    ],
    [
      "PUT",
      /^\/tenants\/([^/]+)$/,
      async ({ body, userId }, [id]) => tenantOf(await client.renameTenant(id!, body["name"]!), userId),
    ],
    ["DELETE", /^\/tenants\/([^/]+)\/complete$/, (_, [id]) => client.deleteTenant(id!)],
    ["POST", /^\/tenants\/([^/]+)\/reset-(?:database|to-initial)$/, (_, [id]) => reset(people, id!)],
    ["DELETE", /^\/tenants\/([^/]+)\/sync-queue$/, () => ({ message: "There is no queue on this server." })],
    [
      "GET",
      /^\/api\/v1\/tenant\/export-database$/,
      async ({ tenantId }) => new Response(await client.exportBook(tenantId!, "sqlite")),
    ],
    ["POST", /^\/api\/v1\/tenant\/import-database$/, ({ form }) => importDatabase(people, form)],
  ];
}

/** What the app's backend keeps beside the nine tables is in the book that is open. */
function aboutBooks(conversations: Conversations): Route[] {
  const open = (): Conversation => [...conversations.values()].at(-1) ?? refuse(404, "There is no book open.");
  const of = (tenantId: string): Conversation => conversations.get(tenantId) ?? refuse(404, "This book is not open.");
  return [
    [
      "GET",
      /^\/api\/v1\/user\/settings\/([^/]+)$/,
      async (_, [id]) => (await readPreferences(open(), id!)) ?? refuse(404, "Nothing is set."),
    ],
    ["PUT", /^\/api\/v1\/user\/settings\/([^/]+)$/, ({ body }, [id]) => writePreferences(open(), id!, body)],
    ["POST", /^\/api\/v1\/user\/settings\/([^/]+)\/reset$/, (_, [id]) => resetPreferences(open(), id!)],
    [
      "POST",
      /^\/api\/v1\/logos\/upload$/,
      async ({ form }) => ({ logo_path: await storeLogo(of(readText(form, "tenant_id")), readFile(form, "file")) }),
    ],
    [
      "GET",
      /^\/api\/v1\/logos\/([^/]+)\/([^/]+)$/,
      async (_, [tenantId, name]) =>
        new Response((await findLogo(of(tenantId!), name!)) ?? refuse(404, "There is no such logo.")),
    ],
    ["DELETE", /^\/api\/v1\/logos\/([^/]+)\/([^/]+)$/, (_, [tenantId, name]) => removeLogo(of(tenantId!), name!)],
  ];
}

/** A person whom the app made without a network: only with a password can they have an account. */
async function finishSignUp(people: People, body: Record<string, string>): Promise<unknown> {
  const person = personOf(body);
  if (body["hashed_password"]) {
    people.isHere(person.uuid);
    await people.finish(person);
    if (!people.token()) refuse(401, "The password is needed to finish signing up.");
    return userOf(await people.client().me());
  }
  return userOf({ ...person, created_at: NEVER, updated_at: NEVER }); // another person of this device, with an own account
}

/** Deletes everything in a tenant's book, which its other devices get as deletions. */
async function reset(people: People, tenantId: string): Promise<void> {
  const tenants = await people.client().listTenants();
  const tenant = tenants.find(({ uuid }) => uuid === tenantId) ?? refuse(404, "There is no such tenant.");
  await people.client().resetBook(tenantId, tenant.name);
}

/** A new tenant with the content of a SQLite file; none, if the file is refused. */
async function importDatabase(people: People, form: FormData): Promise<unknown> {
  const client = people.client();
  const name = readText(form, "new_tenant_name");
  const { uuid } = await client.createTenant({ uuid: newId(), name });
  try {
    await client.importBook(uuid, readFile(form, "database_file"));
  } catch (error) {
    await client.deleteTenant(uuid);
    throw error;
  }
  return { message: "Mandant erfolgreich importiert", tenant_id: uuid, tenant_name: name };
}

function readFile(form: FormData, name: string): Blob {
  const file = form.get(name);
  return file instanceof Blob ? file : refuse(422, `The file is missing: ${name}.`);
}

function readText(form: FormData, name: string): string {
  const text = form.get(name);
  return typeof text === "string" ? text : refuse(422, `This is missing: ${name}.`);
}

function personOf(body: Record<string, string>): Person {
  return { uuid: body["uuid"] ?? crypto.randomUUID(), name: body["name"] ?? "", email: body["email"] ?? "" };
}

const NEVER = "1970-01-01T00:00:00.000Z"; // older than what the app has, so that it keeps its own

type Told = Pick<Schemas["User"], "uuid" | "name" | "created_at" | "updated_at"> & { email?: string | null };

function userOf({ uuid, name, email, created_at, updated_at }: Told): object {
  return { uuid, name, email, createdAt: created_at, updatedAt: updated_at };
}

/** `userId`: who asks. The app shows a person the tenants that have that person's id. */
function tenantOf({ uuid, name, created_at, updated_at }: Schemas["Tenant"], userId: string | undefined): object {
  return { uuid, name, user_id: userId, createdAt: created_at, updatedAt: updated_at };
}

function refuse(status: number, detail: string): never {
  throw new ServerError(status, "refused", { detail }, undefined);
}

/** An answer in the form of the app's backend. No answer at all is what fetch says without a network. */
async function answered(answer: () => unknown): Promise<Response> {
  try {
    const body = await answer();
    if (body instanceof Response) return body;
    return body === undefined ? new Response(null, { status: 204 }) : Response.json(body);
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    if (error.status < 400) throw new TypeError("Failed to fetch", { cause: error });
    return Response.json({ detail: error.message }, { status: error.status });
  }
}
