/** The server's routes, as far as a device uses them. Shapes come from the OpenAPI document. */

import { brokenOff, errorOf, refusalIn, ServerError } from "./answers.js";
import type { Entity, EntityType, Schemas } from "./catalogue.js";
import { Patience } from "./patience.js";
import { fileOf, linesOf } from "./receiving.js";

export { ServerError };
export type Page = Schemas["Page"];
export type PushAnswer = Schemas["PushAnswer"];

/** What a book can be as a file. */
export type BookFileType = "json" | "sqlite";

const PROTOCOL = 1;
const MEDIA_TYPES = { json: "application/json", sqlite: "application/vnd.sqlite3", lines: "application/x-ndjson" };
const SQLITE_BEGINS = "SQLite format 3\0";

export interface Connection {
  /** Where the server is: an origin with the path before all routes, such as `https://book.example.org`. */
  baseUrl: string;
  /** The token of this device; undefined: logged out. */
  token: () => string | undefined;
  fetch?: typeof fetch;
  /** Hears how each request ended; undefined: well. */
  onAnswer?: (error: ServerError | undefined) => void;
}

export interface ImportOptions {
  /** Hears how much of the book the server has read, from 0 to 1, once the file has been sent. */
  onProgress?: (share: number) => void;
  /** Dates every entity now, so that it wins over what is stored; otherwise newer entities stay. */
  datedNow?: boolean;
  /** Ends the import early: nothing of it is stored, unless all of it was stored already. */
  signal?: AbortSignal;
}

export interface ExportOptions {
  /** Hears how many bytes have come. */
  onProgress?: (bytes: number) => void;
  signal?: AbortSignal;
}

/** What is sent, and what is wanted back. */
interface Asked {
  body?: BodyInit;
  /** Of the body. */
  type?: string;
  accept?: string;
  signal?: AbortSignal | undefined;
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
    const asked = { accept: MEDIA_TYPES.lines, signal };
    let last: Page | undefined;
    await this.send("GET", `/sync/initial/${tenantId}?${query}`, asked, async (answer, patience) => {
      for await (const lines of linesOf<Entity | Page>(answer, patience)) {
        const end = lines.at(-1);
        if (end && "next_since" in end) last = lines.pop() as Page;
        take(lines as Entity[]);
      }
    });
    if (!last) throw brokenOff();
    return understood(last);
  }

  /**
   * Stores a whole book, all of it or nothing, for its owner: an export, or a SQLite file with a table for each type.
   * Devices get it with their next sync. After `network` nobody knows whether it was stored; once more does no harm.
   */
  async importBook(
    tenantId: string,
    book: Blob,
    { onProgress = () => undefined, datedNow = false, signal }: ImportOptions = {},
  ): Promise<Schemas["Outcome"]> {
    const isSqlite = (await book.slice(0, SQLITE_BEGINS.length).text()) === SQLITE_BEGINS;
    const asked = { body: book, type: MEDIA_TYPES[isSqlite ? "sqlite" : "json"], accept: MEDIA_TYPES.lines, signal };
    let outcome: Schemas["Outcome"] | undefined;
    await this.send("POST", `/tenants/${tenantId}/import?dated_now=${datedNow}`, asked, async (answer, patience) => {
      for await (const lines of linesOf<{ progress: number } | Schemas["Outcome"]>(answer, patience)) {
        for (const line of lines) {
          const refusal = refusalIn(line);
          if (refusal) throw refusal;
          if ("progress" in line) onProgress(line.progress);
          else outcome = line;
        }
      }
    });
    if (!outcome) throw brokenOff();
    return outcome;
  }

  /** The book as a file; `importBook` takes either. */
  exportBook(tenantId: string, type: BookFileType, { onProgress, signal }: ExportOptions = {}): Promise<Blob> {
    return this.send("GET", `/tenants/${tenantId}/export`, { accept: MEDIA_TYPES[type], signal }, (answer, patience) =>
      fileOf(answer, patience, onProgress),
    );
  }

  /** Deletes everything in a book, for its owner: how many entities. `name` is the book's, so that it is the right one. */
  resetBook = (tenantId: string, name: string) =>
    this.json<{ deleted: number }>("POST", `/tenants/${tenantId}/reset`, { name }).then(({ deleted }) => deleted);

  private json<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
    const asked = body === undefined ? { signal } : { body: JSON.stringify(body), type: MEDIA_TYPES.json, signal };
    return this.send(method, path, asked, async (answer) => {
      return (answer.status === 204 ? undefined : await answer.json()) as T;
    });
  }

  /** Asks and reads. What breaks off is as if there were no network. */
  private async send<T>(
    method: string,
    path: string,
    { body, type, accept = MEDIA_TYPES.json, signal }: Asked,
    read: (answer: Response, patience: Patience) => Promise<T>,
  ): Promise<T> {
    const { baseUrl, token, fetch: ask = fetch, onAnswer } = this.connection;
    const headers: Record<string, string> = { Accept: accept };
    const secret = token();
    if (secret) headers["Authorization"] = `Bearer ${secret}`;
    if (type) headers["Content-Type"] = type;
    const patience = new Patience(signal, body instanceof Blob ? body.size : 0);
    const request: RequestInit = { method, headers, cache: "no-store", redirect: "manual", signal: patience.signal };
    if (body !== undefined) request.body = body;
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
