/**
 * A server in memory that answers the sync routes as docs/protocol.md says, for tests of one device's rules. What it is told
 * to do wrong it does: lose a request or its answer, refuse.
 */

import type { Entity, EntityType } from "../src/catalogue";
import { ENTITY_TYPES } from "../src/catalogue";
import { NOTHING, added, weight } from "../src/digest";
import { Judge, type Version, type WireChange } from "./judge";

type Stored = Version & { entity_type: EntityType; id: string; stamp: number };
type Answer = { status: number; body?: unknown; headers?: Record<string, string> };
/** What happens to one request: `lost` before or after the server has dealt with it, no end at all, or another answer. */
export type Fault = "request lost" | "answer lost" | "no answer" | Answer;

export class FakeServer {
  now = Date.parse("2026-01-10T12:00:00.000Z");
  epoch = "0a0a0a0a";
  serverVersion = "0.1.0";
  horizon = 0;
  maxChanges = 5000;
  pageSize = 1000;
  conflicts: { reason: string; entity_type: string; id: string; change_id: string }[] = [];
  reject: (change: WireChange) => { code: string; errors: Record<string, string[]> } | undefined = () => undefined;
  warn: (change: WireChange) => Record<string, string[]> | undefined = () => undefined;
  readonly requests: { method: string; path: string; body: Record<string, unknown> | undefined }[] = [];
  readonly entities = new Map<string, Stored>();
  private readonly faults: { matches: (path: string) => boolean; fault: Fault }[] = [];
  private readonly remembered = new Map<string, Set<string>>();
  private last = 0;

  /** The pushes that came. */
  pushes = () => this.requests.filter(({ method, path }) => method === "POST" && path === "/sync/changes");

  /** The changes of a push; unless told otherwise, of the last one. */
  sent = (place = -1) => this.pushes().at(place)!.body!["changes"] as Record<string, unknown>[];

  /** What happens to the next request whose path begins so. */
  next(path: string, fault: Fault): void {
    this.faults.push({ matches: (asked) => asked.startsWith(path), fault });
  }

  /** A change by another device, stored at once. */
  edit(entityType: EntityType, id: string, data: unknown, updatedAt = new Date(this.now).toISOString()): void {
    this.push([
      {
        change_id: crypto.randomUUID(),
        entity_type: entityType,
        id,
        updated_at: updatedAt,
        deleted_at: data === null ? updatedAt : null,
        data,
      },
    ]);
  }

  /** Forgets its tombstones. */
  purge(): void {
    for (const [key, stored] of this.entities) {
      if (stored.deleted_at === null) continue;
      this.horizon = Math.max(this.horizon, stored.stamp);
      this.entities.delete(key);
    }
  }

  /** What a restore brings back: the state of before, in a new life. */
  snapshot(): () => void {
    const kept = structuredClone([...this.entities]);
    const last = this.last;
    return () => {
      this.entities.clear();
      for (const [key, stored] of kept) this.entities.set(key, stored);
      this.last = last;
      this.epoch = crypto.randomUUID().slice(0, 8);
    };
  }

  living(): Record<string, unknown> {
    return Object.fromEntries(
      [...this.entities].filter(([, stored]) => stored.data !== null).map(([key, stored]) => [key, stored.data]),
    );
  }

  digest(): Record<string, string> {
    const sums = Object.fromEntries(ENTITY_TYPES.map((name) => [name, NOTHING]));
    for (const { entity_type, id, updated_at, data } of this.entities.values()) {
      if (data !== null) sums[entity_type] = added(sums[entity_type]!, weight(entity_type, id, updated_at));
    }
    return sums;
  }

  fetch = async (url: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const { pathname, searchParams } = new URL(String(url));
    const body = init.body ? (JSON.parse(String(init.body)) as Record<string, unknown>) : undefined;
    this.requests.push({ method: init.method ?? "GET", path: pathname, body });
    const place = this.faults.findIndex(({ matches }) => matches(pathname));
    const fault = place < 0 ? undefined : this.faults.splice(place, 1)[0]!.fault;
    if (fault === "request lost") throw new TypeError("network");
    if (fault === "no answer")
      return new Promise((_, reject) =>
        init.signal!.addEventListener("abort", () => reject(new TypeError("given up"))),
      );
    const answer = typeof fault === "object" ? fault : this.answer(pathname, searchParams, body);
    if (fault === "answer lost") throw new TypeError("network");
    const text = typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body ?? null);
    return new Response(answer.status === 204 ? null : text, { status: answer.status, headers: answer.headers ?? {} });
  };

  private answer(path: string, query: URLSearchParams, body: Record<string, unknown> | undefined): Answer {
    if (path.startsWith("/sync/conflicts/"))
      return { status: 200, body: this.conflicts.map((each, i) => ({ ...each, conflict_id: String(i) })) };
    if (path.startsWith("/sync/initial/")) return this.initial(query.get("entity_types")!.split(","));
    const since = body ? (body["since"] as string) : query.get("since")!;
    const gone = this.refusal(since);
    if (gone) return gone;
    if (!body) return { status: 200, body: this.page(since, new Set()) };
    const changes = body["changes"] as WireChange[];
    if (changes.length > this.maxChanges) return problem(413, "too_large");
    const before = this.last;
    const results = this.push(changes);
    const own = new Set(
      changes
        .map((change) => this.find(change))
        .filter(
          (stored) => stored && (stored.stamp > before || changes.some((each) => each.change_id === stored.change_id)),
        ),
    );
    return { status: 200, body: { ...this.page(since, own as Set<Stored>), results } };
  }

  private refusal(since: string): Answer | undefined {
    const [time, epoch] = since.split("~");
    const stamp = Date.parse(time!);
    if (epoch !== this.epoch)
      return problem(410, "epoch_changed", { action: "initial", give_back: stamp >= this.horizon });
    if (stamp < this.horizon) return problem(410, "cursor_expired", { action: "initial" });
    return undefined;
  }

  private push(changes: WireChange[]): unknown[] {
    const judges = new Map<string, Judge>();
    const broken = new Set(changes.filter((change) => this.reject(change)).map(({ group }) => group));
    return changes.map((change) => {
      const rejected =
        this.reject(change) ?? (change.group && broken.has(change.group) ? { code: "group", errors: {} } : undefined);
      if (rejected) return { change_id: change.change_id, status: "rejected", ...rejected };
      const key = `${change.entity_type}/${change.id}`;
      const remembered = this.remembered.get(key) ?? new Set<string>();
      this.remembered.set(key, remembered);
      if (!judges.has(key))
        judges.set(
          key,
          new Judge(
            this.find(change) ?? null,
            remembered,
            new Date(this.now).toISOString(),
            changes,
            this.horizon ? new Date(this.horizon).toISOString() : undefined,
          ),
        );
      const judge = judges.get(key)!;
      const { status, updated_at, conflict } = judge.judge(change);
      if (conflict) this.conflicts.push({ ...conflict, entity_type: change.entity_type, id: change.id });
      if (status === "superseded")
        return { change_id: change.change_id, status, entity: judge.stored ? wire(this.find(change)!) : null };
      if (status === "applied") {
        this.last = Math.max(this.last + 1, this.now);
        this.entities.set(key, {
          ...judge.stored!,
          entity_type: change.entity_type as EntityType,
          id: change.id,
          stamp: this.last,
        });
      }
      const warnings = this.warn(change);
      const created_at = judge.stored!.created_at;
      return { change_id: change.change_id, status, updated_at, created_at, ...(warnings && { warnings }) };
    });
  }

  private page(since: string, own: Set<Stored>): Record<string, unknown> {
    const after = Date.parse(since.split("~")[0]!);
    const found = [...this.entities.values()]
      .filter((each) => each.stamp > after && !own.has(each))
      .sort((a, b) => a.stamp - b.stamp);
    const page = found.slice(0, this.pageSize);
    const hasMore = found.length > page.length;
    return {
      ...this.envelope(hasMore ? page.at(-1)!.stamp : this.last),
      changes: page.map(wire),
      has_more: hasMore,
      ...(hasMore ? {} : { digest: this.digest() }),
    };
  }

  private initial(types: string[]): Answer {
    const living = [...this.entities.values()]
      .filter((each) => each.data !== null && types.includes(each.entity_type))
      .map(wire);
    const last = { ...this.envelope(this.last), has_more: false, digest: this.digest() };
    return { status: 200, body: [...living, last].map((line) => JSON.stringify(line) + "\n").join("") };
  }

  private envelope(stamp: number): Record<string, unknown> {
    const time = new Date(this.now).toISOString();
    return {
      protocol: 1,
      server_version: this.serverVersion,
      server_time: time,
      epoch: this.epoch,
      next_since: `${new Date(stamp).toISOString().replace("Z", "000Z")}~${this.epoch}`,
    };
  }

  private find({ entity_type, id }: { entity_type: string; id: string }): Stored | undefined {
    return this.entities.get(`${entity_type}/${id}`);
  }
}

export function problem(
  status: number,
  code: string,
  more: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Answer {
  return { status, body: { type: "about:blank", title: code, status, detail: code, code, ...more }, headers };
}

function wire({ entity_type, id, created_at, updated_at, deleted_at, data }: Stored): Entity {
  return { entity_type, id, created_at, updated_at, deleted_at, data } as Entity;
}
