/**
 * Devices with wrong clocks on a bad network, two tabs on one of them, against a real server that is purged and restored
 * meanwhile: in the end all hold the same, and no acknowledged edit has vanished unseen, but for what a restore took back.
 */

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

/** FINWISE_SEEDS of them; a few unless that is set. */
function seeds(first: number, few: number): number[] {
  return Array.from({ length: Number(process.env["FINWISE_SEEDS"] ?? few) }, (_, i) => first + i);
}

/** Reproducible dice (mulberry32). */
function dice(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function refusal(status: number, code: string): Response {
  return new Response(JSON.stringify({ status, code, type: "about:blank", title: code, detail: code }), { status });
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
  private readonly tookBack = new Set<string>(); // edits that had left the queues when a backup was restored

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
    const kind = this.weighted({
      edit: 50,
      "edit two together": 10,
      delete: 8,
      sync: 24,
      "edit while it syncs": 8,
      "two tabs sync at once": 6,
      reinstall: 1,
      restart: 3,
      purge: 2,
      backup: this.restores ? 4 : 0,
      restore: this.restores ? 3 : 0,
    });
    this.count(kind);
    const desk = this.pick([
      this.desks[place]!,
      ...this.tabs.filter(({ db }) => db.name === this.desks[place]!.db.name),
    ]);
    if (kind === "edit") await this.edit(desk, false);
    else if (kind === "edit two together") await this.editTwo(desk);
    else if (kind === "delete") await this.edit(desk, true);
    else if (kind === "sync") await this.sync(desk);
    else if (kind === "edit while it syncs")
      await Promise.all([this.sync(desk), this.edit(desk, false), this.edit(desk, true)]);
    else if (kind === "two tabs sync at once") await this.atOnce();
    else if (kind === "reinstall") await this.reinstall(place);
    else if (kind === "restart") desk.restart();
    else if (kind === "purge") server.purge(this.tenantId);
    else if (kind === "backup") this.backup = server.backUp(this.tenantId);
    else if (this.backup) await this.restore(this.backup);
  }

  /** Until nothing moves any more. */
  async settle(): Promise<void> {
    this.isBad = false;
    for (let round = 0; round < 3; round++) for (const desk of this.desks) await desk.sync();
  }

  /** Acknowledged edits that are neither stored, nor built upon by something that is, nor kept as a conflict. */
  async vanished(): Promise<string[]> {
    const kept = new Set<string>();
    const deletions = (of: string) =>
      [...this.edits].flatMap(([name, { id, name: given }]) => (given === null && id === of ? name : []));
    const keep = (name: string | undefined): void => {
      const edit = name === undefined || kept.has(name) ? undefined : this.edits.get(name);
      if (!edit) return;
      kept.add(name!);
      keep(edit.seen);
      if (edit.name === null) deletions(edit.id).forEach(keep); // all say the same, so none of them is kept beside another
    };
    const stored = await this.desks[0]!.names();
    Object.values(stored).forEach(keep);
    for (const id of IDS) if (!(id in stored)) deletions(id).forEach(keep);
    for (const { id, loser } of await this.desks[0]!.client.conflicts(this.tenantId)) {
      if (loser.data) keep((loser.data as { name: string }).name);
      else deletions(id).forEach(keep);
    }
    return [...this.edits].flatMap(([name, { name: given }]) =>
      given === null || kept.has(name) || this.tookBack.has(name) ? [] : name,
    );
  }

  private isBad = true; // the network
  private editedAt = 0;

  private async edit(desk: Desk, deletes: boolean): Promise<void> {
    await this.millisecond();
    // What is seen and what is made of it belong together: nothing may come between.
    await desk.db.transaction("rw", desk.db.tables, async () => this.write(desk, deletes));
  }

  /** Two edits of one group, perhaps of the same entity. */
  private async editTwo(desk: Desk): Promise<void> {
    await this.millisecond();
    await desk.book.together(async () => {
      await this.write(desk, false);
      await this.write(desk, false);
    });
  }

  private async write(desk: Desk, deletes: boolean): Promise<void> {
    const id = this.pick(IDS);
    const name = `${id}-${++this.number}`;
    const row = await desk.db.tags.get(id);
    if (deletes && !row) return;
    this.edits.set(name, { id, name: deletes ? null : name, seen: row?.name ?? this.seenDeletion.get(id) });
    if (deletes) this.seenDeletion.set(id, name);
    if (deletes) await desk.book.delete("tags", id);
    else await desk.tag(id, name);
  }

  /** Edits are apart: a version is named by its time, so two of the same millisecond are one version to who builds upon it. */
  private async millisecond(): Promise<void> {
    while (Date.now() < this.editedAt + 2) await new Promise((resolve) => setTimeout(resolve, 1));
    this.editedAt = Date.now();
  }

  private async restore(backup: string): Promise<void> {
    const waiting = await Promise.all(this.desks.map((desk) => desk.db.syncQueue.toArray()));
    const names = new Set(waiting.flat().map(({ data }) => (data as { name: string } | null)?.name));
    for (const name of this.edits.keys()) if (!names.has(name)) this.tookBack.add(name);
    server.restore(this.tenantId, backup);
  }

  private async sync(desk: Desk): Promise<void> {
    await desk.sync().catch((error: { code?: string }) => {
      if (!["network", "forbidden", "quota_exceeded"].includes(error.code!)) throw error as Error;
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

  /** As it happens where a browser has no Web Locks. */
  private async atOnce(): Promise<void> {
    const tabs = [...this.tabs.filter(({ db }) => db.name === this.desks[0]!.db.name), this.desks[0]!];
    await Promise.all(tabs.map((desk) => this.sync(desk)));
  }

  private desk(skew: number): Desk {
    const options = { tenantId: this.tenantId, baseUrl: server.url, token: server.token };
    return new Desk(this.fetch, () => Date.now() + skew, options);
  }

  /** A network that loses requests and answers and delivers some twice, and a server that sometimes takes no pushes. */
  private readonly fetch = async (url: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const luck = this.isBad ? this.random() : 1;
    if (luck < 0.08) throw new TypeError("lost on the way there");
    if (luck > 0.9 && luck < 0.97 && init?.method === "POST")
      return luck < 0.94 ? refusal(403, "forbidden") : refusal(507, "quota_exceeded");
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

describe.each([
  ["on a bad network", false, seeds(1, 4)],
  ["and a server that is restored from backups", true, seeds(101, 3)],
] as const)("devices %s", (_, restores, seeds) => {
  test.each(seeds)("end equal to the server (seed %i)", async (seed) => {
    const world = new World(dice(seed), await server.tenant(), restores);
    for (let step = 0; step < STEPS; step++) await world.step();
    await world.settle();
    const expected = await server.living(world.tenantId);
    for (const desk of world.desks) {
      expect(await desk.living()).toEqual(expected);
      expect(await desk.db.syncQueue.count()).toBe(0);
      expect(await desk.db.syncRejected.count()).toBe(0);
    }
    expect(await world.vanished()).toEqual([]);
    console.log(
      `seed ${seed}: ${JSON.stringify(world.counts)}, ${world.edits.size} edits, ${(await world.desks[0]!.client.conflicts(world.tenantId)).length} conflicts`,
    );
  });
});

test("what all had before a restore all have after it, deletions included, and what was overwritten for it is a conflict", async () => {
  const tenantId = await server.tenant();
  const options = { tenantId, baseUrl: server.url, token: server.token };
  const [one, two] = [new Desk(fetch, Date.now, options), new Desk(fetch, Date.now, options)];
  const settle = async () => {
    for (const desk of [one, two, one]) await desk.sync();
  };
  for (const id of ["edited", "deleted", "kept"]) await one.tag(id, `${id} 1`);
  await settle();
  const backup = server.backUp(tenantId);
  await two.tag("edited", "edited 2");
  await two.tag("new", "new 2");
  await one.book.delete("tags", "deleted");
  await settle();
  const before = await server.living(tenantId);
  expect(Object.keys(before)).toHaveLength(3);

  server.restore(tenantId, backup);
  expect(await server.living(tenantId)).not.toEqual(before);
  await two.tag("edited", "edited 3"); // before anybody knows of it
  await settle();
  const expected = { ...before, "tags/edited": { name: "edited 3" } };
  expect(await server.living(tenantId)).toEqual(expected);
  for (const desk of [one, two]) expect(await desk.living()).toEqual(expected);
  const overwritten = (await one.db.syncConflicts.toArray()).map(({ loser }) => (loser.data as { name: string }).name);
  expect(overwritten.sort()).toEqual(["deleted 1", "edited 1", "edited 2"]);
});
