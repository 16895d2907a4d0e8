/**
 * Devices with wrong clocks on a bad network, two tabs on one of them, against a real server that is purged and restored
 * meanwhile: in the end all hold the same, and without a restore no acknowledged edit has vanished unseen.
 */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Desk } from "./desk";
import { RealServer } from "./real_server";

const STEPS = 150;
const IDS = ["e1", "e2", "e3", "e4", "e5", "e6"];
const HOUR = 3_600_000;

let server: RealServer;

beforeAll(async () => {
  server = await new RealServer().start();
});
afterAll(() => server.stop());

/** Reproducible dice (mulberry32). */
function dice(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What somebody made of an entity, and what they had before their eyes when they did. `name` null: they deleted it. */
interface Edit {
  id: string;
  name: string | null;
  seen: string | undefined;
}

class World {
  readonly desks: Desk[] = [];
  readonly tabs: Desk[]; // second ones, on the book of the first device
  readonly edits = new Map<string, Edit>(); // by the name it gave, or a name for the deletion
  readonly counts: Record<string, number> = {};
  private readonly seenDeletion = new Map<string, string>();
  private number = 0;
  private backup: string | undefined;

  constructor(
    private readonly random: () => number,
    readonly tenantId: string,
    private readonly restores: boolean,
  ) {
    for (const skew of [0, -5 * HOUR, 9 * HOUR]) this.desks.push(this.desk(skew));
    this.tabs = [this.desks[0]!.tab()];
  }

  async step(): Promise<void> {
    const place = this.pick([0, 1, 2]);
    const kind = this.weighted({ edit: 50, delete: 8, sync: 26, "edit while it syncs": 8, reinstall: 1, restart: 3, purge: 2, backup: this.restores ? 2 : 0, restore: this.restores ? 2 : 0 });
    this.count(kind);
    const desk = this.pick([this.desks[place]!, ...this.tabs.filter(({ db }) => db.name === this.desks[place]!.db.name)]);
    if (kind === "edit") await this.edit(desk, false);
    else if (kind === "delete") await this.edit(desk, true);
    else if (kind === "sync") await this.sync(desk);
    else if (kind === "edit while it syncs") await Promise.all([this.sync(desk), this.edit(desk, false), this.edit(desk, true)]);
    else if (kind === "reinstall") await this.reinstall(place);
    else if (kind === "restart") desk.restart();
    else if (kind === "purge") server.purge();
    else if (kind === "backup") this.backup = this.made();
    else if (this.backup) server.command("restore", "--tenant", this.tenantId, "--backup", this.backup);
  }

  /** Until nothing moves any more. */
  async settle(): Promise<void> {
    this.isBad = false;
    for (let round = 0; round < 3; round++) for (const desk of this.desks) await desk.sync();
  }

  /** Acknowledged edits that are neither stored, nor built upon by something that is, nor kept as a conflict. */
  async vanished(): Promise<string[]> {
    const kept = new Set<string>();
    const keep = (name: string | undefined) => {
      for (let at = name; at !== undefined && !kept.has(at); at = this.edits.get(at)?.seen) kept.add(at);
    };
    const stored = await this.desks[0]!.names();
    Object.values(stored).forEach(keep);
    for (const [name, { id, name: given }] of this.edits) if (given === null && !(id in stored)) keep(name);
    for (const { id, loser } of await this.desks[0]!.db.syncConflicts.toArray()) {
      if (loser.data) keep((loser.data as { name: string }).name);
      else for (const [name, edit] of this.edits) if (edit.name === null && edit.id === id) keep(name);
    }
    return [...this.edits].filter(([name, { name: given }]) => given !== null && !kept.has(name)).map(([name]) => name);
  }

  private isBad = true; // the network

  private async edit(desk: Desk, deletes: boolean): Promise<void> {
    const id = this.pick(IDS);
    const name = `${id}-${++this.number}`;
    // What is seen and what is made of it belong together: nothing may come between.
    await desk.db.transaction("rw", desk.db.tables, async () => {
      const row = await desk.db.tags.get(id);
      if (deletes && !row) return;
      this.edits.set(name, { id, name: deletes ? null : name, seen: row?.name ?? this.seenDeletion.get(id) });
      if (deletes) this.seenDeletion.set(id, name);
      if (deletes) await desk.book.delete("tags", id);
      else await desk.tag(id, name);
    });
  }

  private async sync(desk: Desk): Promise<void> {
    await desk.sync().catch((error: { code?: string }) => {
      if (error.code !== "network") throw error as Error;
    });
  }

  private async reinstall(place: number): Promise<void> {
    const desk = this.desks[place]!;
    this.isBad = false;
    await desk.sync(); // what was never sent would be lost with the device, which nobody can help
    this.isBad = true;
    await desk.db.delete();
    this.tabs.splice(0, this.tabs.length, ...this.tabs.filter(({ db }) => db.name !== desk.db.name));
    this.desks[place] = this.desk(this.pick([0, -2 * HOUR, HOUR]));
  }

  private made(): string {
    const folder = `backups-${++this.number}`;
    server.command("backup", folder, "--tenant", this.tenantId);
    return join(folder, readdirSync(join(server.folder, folder))[0]!);
  }

  private desk(skew: number): Desk {
    const options = { tenantId: this.tenantId, baseUrl: server.url, token: server.token };
    return new Desk(this.fetch, () => Date.now() + skew, options);
  }

  /** A network that loses requests and answers, and delivers some twice. */
  private readonly fetch = async (url: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const luck = this.isBad ? this.random() : 1;
    if (luck < 0.08) throw new TypeError("lost on the way there");
    const answer = await fetch(url, init);
    if (luck < 0.16) throw new TypeError("lost on the way back");
    if (luck < 0.2) return fetch(url, init);
    return answer;
  };

  private pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.random() * items.length)]!;
  }

  private weighted(weights: Record<string, number>): string {
    let left = this.random() * Object.values(weights).reduce((sum, each) => sum + each);
    return Object.entries(weights).find(([, weight]) => (left -= weight) < 0)![0];
  }

  private count(kind: string): void {
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
  }
}

async function tenant(): Promise<string> {
  const uuid = crypto.randomUUID();
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${server.token}` };
  const answer = await fetch(`${server.url}/tenants`, { method: "POST", headers, body: JSON.stringify({ uuid, name: "Simulated" }) });
  expect(answer.status).toBe(201);
  return uuid;
}

async function served(tenantId: string): Promise<Record<string, unknown>> {
  const answer = await fetch(`${server.url}/sync/initial/${tenantId}`, { headers: { Authorization: `Bearer ${server.token}` } });
  const { changes } = (await answer.json()) as { changes: { entity_type: string; id: string; data: unknown }[] };
  return Object.fromEntries(changes.map(({ entity_type, id, data }) => [`${entity_type}/${id}`, data]));
}

describe.each([
  ["on a bad network", false, [1, 2, 3]],
  ["and a server that is restored from backups", true, [11, 12]],
] as const)("devices %s", (_, restores, seeds) => {
  test.each(seeds)("end equal to the server (seed %i)", async (seed) => {
    const world = new World(dice(seed), await tenant(), restores);
    for (let step = 0; step < STEPS; step++) await world.step();
    await world.settle();
    const expected = await served(world.tenantId);
    for (const desk of world.desks) {
      expect(await desk.living()).toEqual(expected);
      expect(await desk.db.syncQueue.count()).toBe(0);
      expect(await desk.db.syncRejected.count()).toBe(0);
    }
    if (!restores) expect(await world.vanished()).toEqual([]);
    console.log(`seed ${seed}: ${JSON.stringify(world.counts)}, ${world.edits.size} edits, ${await world.desks[0]!.db.syncConflicts.count()} conflicts`);
  });
});
