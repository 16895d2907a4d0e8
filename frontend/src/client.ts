/** The server's routes, as far as a device uses them. Shapes come from the OpenAPI document. */

import { brokenOff, errorOf, ServerError } from "./answers.js";
import type { Entity, EntityType, Schemas } from "./catalogue.js";
import { Patience } from "./patience.js";

export { ServerError };
export type Page = Schemas["Page"];
export type PushAnswer = Schemas["PushAnswer"];

const PROTOCOL = 1;

export interface Connection {
  /** Where the server is: an origin with the path before all routes, such as `https://book.example.org`. */
  baseUrl: string;
  /** The token of this device; undefined: logged out. */
  token: () => string | undefined;
  fetch?: typeof fetch;
  /** Hears how each request ended; undefined: well. */
  onAnswer?: (error: ServerError | undefined) => void;
}

export class FinwiseClient {
  constructor(private readonly connection: Connection) {}

  health = () => this.json<Schemas["Health"]>("GET", "/healthz");

  signUp = (user: Schemas["NewUser"]) => this.json<Schemas["User"]>("POST", "/users", user);
  logIn = (login: Schemas["Login"]) => this.json<Schemas["IssuedToken"]>("POST", "/auth/tokens", login);
  logOut = (tokenId: string) => this.json<void>("DELETE", `/auth/tokens/${encodeURIComponent(tokenId)}`);

  /** The person whose token it is. */
  me = () => this.json<Schemas["User"][]>("GET", "/users").then(([me]) => me!);
  updateUser = (userId: string, change: Schemas["UserPatch"]) =>
    this.json<Schemas["User"]>("PATCH", `/users/${userId}`, change);
  deleteUser = (userId: string) => this.json<void>("DELETE", `/users/${userId}`);
  listTokens = () => this.json<Schemas["Token"][]>("GET", "/auth/tokens");
  renameToken = (tokenId: string, device_name: string) =>
    this.json<Schemas["Token"]>("PATCH", `/auth/tokens/${tokenId}`, { device_name });
  logOutOthers = () => this.json<void>("DELETE", "/auth/tokens?others=true");

  listTenants = () => this.json<Schemas["Tenant"][]>("GET", "/tenants");
  createTenant = (tenant: Schemas["NewTenant"]) => this.json<Schemas["Tenant"]>("POST", "/tenants", tenant);
  renameTenant = (tenantId: string, name: string) =>
    this.json<Schemas["Tenant"]>("PATCH", `/tenants/${tenantId}`, { name });
  deleteTenant = (tenantId: string) => this.json<void>("DELETE", `/tenants/${tenantId}`);
  members = (tenantId: string) => this.json<Schemas["Member"][]>("GET", `/tenants/${tenantId}/members`);
  /** With the role `owner` the member takes the book over, and who was its owner becomes an editor. */
  updateMember = (tenantId: string, userId: string, role: Schemas["MemberPatch"]["role"]) =>
    this.json<Schemas["Member"]>("PATCH", `/tenants/${tenantId}/members/${userId}`, { role });
  removeMember = (tenantId: string, userId: string) =>
    this.json<void>("DELETE", `/tenants/${tenantId}/members/${userId}`);
  invitations = (tenantId: string) => this.json<Schemas["Invitation"][]>("GET", `/tenants/${tenantId}/invitations`);
  invite = (tenantId: string, invitation: Schemas["NewInvitation"]) =>
    this.json<Schemas["Invited"]>("POST", `/tenants/${tenantId}/invitations`, invitation);
  revokeInvitation = (tenantId: string, invitationId: string) =>
    this.json<void>("DELETE", `/tenants/${tenantId}/invitations/${invitationId}`);
  devices = (tenantId: string) => this.json<Schemas["Device"][]>("GET", `/tenants/${tenantId}/devices`);
  acceptInvitation = (code: string) => this.json<Schemas["Tenant"]>("POST", "/invitations/accept", { code });

  conflicts = (tenantId: string, signal?: AbortSignal) =>
    this.json<Schemas["Conflict"][]>("GET", `/sync/conflicts/${tenantId}`, undefined, signal);
  restoreConflict = (tenantId: string, conflictId: string, seen: string | null) =>
    this.json<Entity>("POST", `/sync/conflicts/${tenantId}/${encodeURIComponent(conflictId)}/restore`, {
      base_updated_at: seen,
    });
  dismissConflict = (tenantId: string, conflictId: string) =>
    this.json<void>("POST", `/sync/conflicts/${tenantId}/${encodeURIComponent(conflictId)}/dismiss`);

  push = (body: Record<string, unknown>, signal?: AbortSignal) =>
    this.json<PushAnswer>("POST", "/sync/changes", body, signal).then(understood);

  pull(tenantId: string, since: string, entityTypes: readonly EntityType[], signal?: AbortSignal): Promise<Page> {
    const query = new URLSearchParams({ since, entity_types: entityTypes.join(",") });
    return this.json<Page>("GET", `/sync/changes/${tenantId}?${query}`, undefined, signal).then(understood);
  }

  /** The living entities, given to `take` as they come; then the rest of the answer. Raises ServerError if it breaks off. */
  async initial(
    tenantId: string,
    entityTypes: readonly EntityType[],
    take: (entities: Entity[]) => void,
    signal?: AbortSignal,
  ): Promise<Page> {
    const query = new URLSearchParams({ entity_types: entityTypes.join(",") });
    let last: Page | undefined;
    await this.send(
      "GET",
      `/sync/initial/${tenantId}?${query}`,
      undefined,
      "application/x-ndjson",
      signal,
      async (answer, patience) => {
        for await (const lines of linesOf(answer)) {
          patience.renew();
          const parsed = lines.map((line) => JSON.parse(line) as Entity | Page);
          const end = parsed.at(-1);
          if (end && "next_since" in end) last = parsed.pop() as Page;
          take(parsed as Entity[]);
        }
      },
    );
    if (!last) throw brokenOff();
    return understood(last);
  }

  /** The book as a file: `application/vnd.sqlite3`, or `application/json` as `finwise import` reads it. */
  exported(tenantId: string, mediaType: "application/vnd.sqlite3" | "application/json"): Promise<Blob> {
    return this.send("GET", `/tenants/${tenantId}/export`, undefined, mediaType, undefined, (answer) => answer.blob());
  }

  private json<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
    return this.send(method, path, body, "application/json", signal, async (answer) => {
      return (answer.status === 204 ? undefined : await answer.json()) as T;
    });
  }

  /** Asks and reads. What breaks off is as if there were no network. */
  private async send<T>(
    method: string,
    path: string,
    body: unknown,
    accept: string,
    signal: AbortSignal | undefined,
    read: (answer: Response, patience: Patience) => Promise<T>,
  ): Promise<T> {
    const { baseUrl, token, fetch: ask = fetch, onAnswer } = this.connection;
    const headers: Record<string, string> = { Accept: accept };
    const secret = token();
    if (secret) headers["Authorization"] = `Bearer ${secret}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const patience = new Patience(signal);
    const request: RequestInit = { method, headers, cache: "no-store", redirect: "manual", signal: patience.signal };
    if (body !== undefined) request.body = JSON.stringify(body);
    try {
      const answer = await ask(baseUrl.replace(/\/$/, "") + path, request);
      patience.renew();
      const refusal = await errorOf(answer);
      if (refusal) throw refusal;
      const taken = await read(answer, patience);
      onAnswer?.(undefined);
      return taken;
    } catch (error) {
      const known = error instanceof ServerError ? error : brokenOff();
      onAnswer?.(known);
      throw known;
    } finally {
      patience.end();
    }
  }
}

/** An answer, if it is of the protocol that this program speaks. */
function understood<T extends { protocol: number }>(answer: T): T {
  if (answer?.protocol !== PROTOCOL) throw new ServerError(200, "protocol", {}, undefined);
  return answer;
}

/** The lines of an answer, some at a time, as they come. The last one has to be ended, too. */
async function* linesOf(answer: Response): AsyncGenerator<string[]> {
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const lines = (rest + value).split("\n");
    rest = lines.pop()!;
    yield lines.filter(Boolean);
  }
  if (rest.trim()) throw brokenOff();
}
