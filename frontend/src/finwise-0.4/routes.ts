/** The HTTP routes of the app's own backend, answered by this server. */

import { ServerError } from "../client.js";
import type { Schemas } from "../catalogue.js";
import type { People, Person } from "./people.js";

interface Asked {
  method: string;
  path: string;
  body: Record<string, string>;
}

type Answer = (asked: Asked, found: string[]) => Promise<unknown>;

const EPOCH = "1970-01-01T00:00:00.000Z"; // older than whatever the app has, so that it keeps its own

/** The function to use instead of fetch. A route that is not the app's goes to the network as it is. */
export function fetchFor(people: People, ask: typeof globalThis.fetch): typeof globalThis.fetch {
  const routes = routesOf(people);
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input, "http://localhost");
    const method = init?.method ?? "GET";
    const who = new Headers(init?.headers).get("X-User-Id") ?? url.searchParams.get("user_id");
    if (who) people.isHere(who);
    if (url.pathname.startsWith("/tenants")) await people.comeIn();
    for (const [verb, path, answer] of routes) {
      const found = verb === method ? path.exec(url.pathname) : null;
      if (found)
        return answered(() => answer({ method, path: url.pathname, body: bodyOf(init?.body) }, found.slice(1)));
    }
    return ask(input, init);
  };
}

function routesOf(people: People): [string, RegExp, Answer][] {
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
    ["GET", /^\/tenants\/?$/, async () => (await client.listTenants()).map((tenant) => tenantOf(tenant))],
    [
      "POST",
      /^\/tenants\/?$/,
      async ({ body }) =>
        tenantOf(await client.createTenant({ uuid: body["uuid"]!, name: body["name"]! }), body["user_id"]),
    ],
    ["PUT", /^\/tenants\/([^/]+)$/, async ({ body }, [id]) => tenantOf(await client.renameTenant(id!, body["name"]!))],
    ["DELETE", /^\/tenants\/([^/]+)\/complete$/, (_, [id]) => client.deleteTenant(id!)],
    [
      "DELETE",
      /^\/tenants\/([^/]+)\/sync-queue$/,
      () => Promise.resolve({ message: "There is no queue on this server." }),
    ],
    [
      "GET",
      /^\/api\/v1\/tenant\/export-database$/,
      () => Promise.reject(new ServerError(404, "not_found", {}, undefined)),
    ],
  ];
}

/** A person whom the app made without a network: only with a password can they have an account. */
async function finishSignUp(people: People, body: Record<string, string>): Promise<unknown> {
  const person = personOf(body);
  if (body["hashed_password"]) {
    people.isHere(person.uuid);
    await people.finish(person);
    if (!people.token())
      throw new ServerError(401, "unauthorized", { detail: "The password is needed to finish signing up." }, undefined);
    return userOf(await people.client().me());
  }
  return userOf(person); // another person of this device, who has their own account
}

function personOf(body: Record<string, string>): Person {
  return { uuid: body["uuid"] ?? crypto.randomUUID(), name: body["name"] ?? "", email: body["email"] ?? "" };
}

function userOf({ uuid, name, email }: { uuid: string; name: string; email?: string | null }): object {
  return { uuid, name, email, createdAt: EPOCH, updatedAt: EPOCH };
}

function tenantOf({ uuid, name }: Schemas["Tenant"], user_id?: string): object {
  return { uuid, name, user_id, createdAt: EPOCH, updatedAt: EPOCH };
}

function bodyOf(body: BodyInit | null | undefined): Record<string, string> {
  return typeof body === "string" ? (JSON.parse(body) as Record<string, string>) : {};
}

/** An answer in the form of the app's backend. No answer at all is what fetch says without a network. */
async function answered(answer: () => Promise<unknown>): Promise<Response> {
  try {
    const body = await answer();
    return body === undefined ? new Response(null, { status: 204 }) : Response.json(body);
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    if (error.status < 400) throw new TypeError("Failed to fetch", { cause: error });
    return Response.json({ detail: error.message }, { status: error.status });
  }
}
