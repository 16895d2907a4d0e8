/** The server's judgement of a change (docs/protocol.md 2.4), written once more, as the vectors of the server's own tests have it. */

export interface Version {
  change_id: string;
  created_at: string;
  updated_at: string;
  deleted_at: string | null;
  data: unknown;
}

export interface WireChange {
  change_id: string;
  group?: string | null;
  entity_type: string;
  id: string;
  created_at?: string | null;
  updated_at: string;
  base_updated_at?: string | null;
  deleted_at?: string | null;
  data?: unknown;
}

export interface Verdict {
  status: "applied" | "unchanged" | "superseded";
  /** Of the version that is stored now; null: none is. */
  updated_at: string | null;
  conflict: { reason: "older" | "overwritten"; change_id: string; updated_at: string } | null;
}

const TIME = /^(\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.(\d{1,9}))?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/** A time in any accepted form as canonical text; undefined for anything else. */
export function canonicalTime(text: unknown): string | undefined {
  const match = typeof text === "string" ? TIME.exec(text) : null;
  if (!match) return undefined;
  const [, seconds, fraction = "", zone] = match;
  const parsed = new Date(`${seconds}.${fraction.padEnd(3, "0").slice(0, 3)}${zone}`);
  const day = new Date(`${seconds}Z`);
  if (Number.isNaN(parsed.valueOf()) || day.toISOString().slice(0, 10) !== seconds!.slice(0, 10)) return undefined;
  const canonical = parsed.toISOString();
  return canonical >= "1970" && canonical.length === 24 ? canonical : undefined;
}

/** What a server holds of one entity, and the changes of one push judged against it. */
export class Judge {
  private readonly now: string;
  private ancestor: WireChange | undefined;

  constructor(
    public stored: Version | null,
    private readonly remembered: Set<string>,
    now: string,
    private readonly push: WireChange[],
    /** Of the last purge, in whole milliseconds. */
    private readonly horizon?: string,
    /** The fields that devices compute from other entities. */
    private readonly aside: string[] = [],
  ) {
    this.now = canonicalTime(now)!;
  }

  judge(change: WireChange): Verdict {
    const stored = this.stored;
    if (stored?.change_id === change.change_id.toLowerCase()) {
      this.ancestor = change;
      return verdict("unchanged", stored);
    }
    const sent = canonicalTime(change.updated_at)!;
    const time = sent < this.now ? sent : this.now;
    if (this.remembered.has(change.change_id)) return verdict("superseded", stored);
    if (!stored) return this.apply(change, this.horizon ? later(time, this.horizon) : time, null);
    if (this.knew(change, stored)) return this.apply(change, later(time, stored.updated_at), null);
    const content = change.deleted_at ? null : change.data;
    const agrees = sameContent(this.without(content), this.without(stored.data));
    if (time > stored.updated_at) {
      const lost = "base_updated_at" in change && !agrees ? stored : null;
      return this.apply(change, time, lost);
    }
    if (time === stored.updated_at && sameContent(content, stored.data)) {
      this.remembered.add(change.change_id);
      this.ancestor = change;
      return verdict("unchanged", stored);
    }
    this.remembered.add(change.change_id);
    const kept =
      agrees || this.isBuiltUpon(change)
        ? null
        : ({ reason: "older", change_id: change.change_id, updated_at: time } as const);
    return verdict("superseded", stored, kept);
  }

  private without(data: unknown): unknown {
    return data && Object.fromEntries(Object.entries(data).filter(([name]) => !this.aside.includes(name)));
  }

  private knew(change: WireChange, stored: Version): boolean {
    const base = baseOf(change);
    if (base === undefined) return false;
    if (base === stored.updated_at) return true;
    return this.ancestor !== undefined && baseOf(this.ancestor) === base;
  }

  private apply(change: WireChange, time: string, lost: Version | null): Verdict {
    const before = this.stored;
    if (before) this.remembered.add(before.change_id);
    this.ancestor = change;
    this.stored = {
      change_id: change.change_id.toLowerCase(),
      created_at: before?.created_at ?? canonicalTime(change.created_at) ?? time,
      updated_at: time,
      deleted_at: change.deleted_at ? time : null,
      data: change.deleted_at ? null : change.data,
    };
    const conflict =
      lost && ({ reason: "overwritten", change_id: lost.change_id, updated_at: lost.updated_at } as const);
    return verdict("applied", this.stored, conflict);
  }

  private isBuiltUpon(change: WireChange): boolean {
    const later = this.push.slice(this.push.indexOf(change) + 1);
    const base = baseOf(change);
    return base !== undefined && later.some((other) => other.id === change.id && baseOf(other) === base);
  }
}

function verdict(status: Verdict["status"], stored: Version | null, conflict: Verdict["conflict"] = null): Verdict {
  return { status, updated_at: stored?.updated_at ?? null, conflict };
}

/** undefined: it does not say. */
function baseOf(change: WireChange): string | null | undefined {
  if (!("base_updated_at" in change)) return undefined;
  return change.base_updated_at == null ? null : canonicalTime(change.base_updated_at)!;
}

function later(time: string, stored: string): string {
  const next = new Date(Date.parse(stored) + 1).toISOString();
  return time > next ? time : next;
}

/** null is the content of a tombstone. */
function sameContent(one: unknown, other: unknown): boolean {
  return (one ?? null) === (other ?? null) || (Boolean(one) && Boolean(other) && sameJson(one, other));
}

function sameJson(one: unknown, other: unknown): boolean {
  return JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => [key, sorted(each)]),
  );
}
