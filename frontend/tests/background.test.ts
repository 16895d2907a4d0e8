/** When a device syncs by itself, which tab does it, and how long it waits after a failure. */

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { BackgroundSync, type Options } from "../src/background";
import type { SyncStatus } from "../src/status";
import { Desk } from "./desk";
import { FakeServer, problem } from "./fake_server";

/** Web Locks as far as a lock of one name for one holder goes; node 20 has none. */
class Locks {
  private readonly tails = new Map<string, Promise<unknown>>();

  request = async (
    name: string,
    { signal }: { signal: AbortSignal },
    work: () => Promise<unknown>,
  ): Promise<unknown> => {
    const before = this.tails.get(name) ?? Promise.resolve();
    const mine = before.then(() => {
      if (signal.aborted) throw new DOMException("aborted", "AbortError");
      return work();
    });
    this.tails.set(
      name,
      mine.catch(() => undefined),
    );
    return mine;
  };
}

let server: FakeServer;
let desk: Desk;
const running: BackgroundSync[] = [];

beforeEach(() => {
  vi.stubGlobal("navigator", { locks: new Locks() });
  server = new FakeServer();
  desk = new Desk(server.fetch, Date.now);
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((sync) => sync.stop()));
  vi.unstubAllGlobals();
});

interface Tab {
  sync: BackgroundSync;
  seen: SyncStatus[];
}

function tab(options: Options = {}, of: Desk = desk): Tab {
  const seen: SyncStatus[] = [];
  const sync = new BackgroundSync(of.db, of.client, {
    random: () => 1,
    every: 3_600_000,
    ...options,
    onStatus: (status) => seen.push(status),
  });
  running.push(sync);
  return { sync: sync.start(), seen };
}

const until = (holds: () => boolean | Promise<boolean>) =>
  vi.waitFor(async () => expect(await holds()).toBe(true), { timeout: 10_000 });
const synced = ({ seen }: Tab) => until(() => seen.at(-1)?.state === "idle" && seen.at(-1)?.syncedAt !== undefined);
const syncs = () => server.requests.filter(({ path }) => path.startsWith("/sync/changes")).length;

describe("one tab", () => {
  test("syncs when it is opened, and a moment after an edit", async () => {
    const { sync, seen } = tab();
    await synced({ sync, seen });
    await desk.tag("a", "x");
    sync.edited();
    await until(() => "tags/a" in server.living());
  });

  test("polls from time to time", async () => {
    await synced(tab({ every: 50 }));
    const before = syncs();
    await until(() => syncs() >= before + 3);
  });

  test("syncs when the network returns, and when it is looked at again", async () => {
    const page = Object.assign(new EventTarget(), { visibilityState: "visible" });
    vi.stubGlobal("window", new EventTarget());
    vi.stubGlobal("document", page);
    await synced(tab());
    for (const [target, event] of [
      [window, "online"],
      [page, "visibilitychange"],
    ] as const) {
      const before = syncs();
      target.dispatchEvent(new Event(event));
      await until(() => syncs() > before);
    }
  });

  test.each([
    ["network", "request lost", "offline"],
    ["busy", problem(503, "busy"), "waiting"],
    ["quota_exceeded", problem(507, "quota_exceeded"), "quota"],
    ["forbidden", problem(403, "forbidden"), "forbidden"],
    ["unauthorized", problem(401, "unauthorized"), "logged_out"],
    ["tenant_deleted", problem(410, "tenant_deleted"), "stopped"],
    ["invalid", problem(422, "invalid"), "error"],
  ] as const)("says what is the matter: %s", async (code, fault, state) => {
    await desk.sync();
    await desk.tag("a", "x");
    server.next("/sync/changes", fault);
    const { seen } = tab();
    await until(() => seen.at(-1)?.state === state);
    expect(seen.at(-1)).toMatchObject({ state, code });
    expect(await desk.db.syncQueue.count()).toBe(1);
  });

  test("says under which number the operator finds a bug of the server", async () => {
    await desk.sync();
    server.next("/sync/changes", problem(500, "internal", { detail: "It is in the log as 0a1b2c3d4e5f." }));
    const { seen } = tab();
    await until(() => seen.at(-1)?.state === "waiting");
    expect(seen.at(-1)).toMatchObject({ code: "internal", incident: "0a1b2c3d4e5f" });
  });

  test("says that the device has no room for what is new, and takes it when it has", async () => {
    await desk.sync();
    server.edit("tags", "theirs", { name: "x" });
    const full = () => {
      throw new DOMException("no room", "QuotaExceededError");
    };
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    desk.db.tags.hook("creating", full);
    const { sync, seen } = tab();
    await until(() => seen.at(-1)?.state === "error");
    expect(seen.at(-1)!.code).toBe("device_full");
    desk.db.tags.hook("creating").unsubscribe(full);
    await sync.sync();
    expect(await desk.names()).toEqual({ theirs: "x" });
    vi.restoreAllMocks();
  });

  test("waits longer with each failure, as long as the server asks, and no more after a success", async () => {
    let clock = 1_000_000;
    const now = Date.parse("2026-01-10T12:00:00Z");
    await desk.sync();
    for (let i = 0; i < 12; i++) server.next("/sync/changes", problem(503, "busy"));
    const { sync, seen } = tab({ now: () => now, clock: () => clock });
    const waits: number[] = [];
    for (let i = 0; i < 12; i++) {
      await until(() => seen.filter(({ state }) => state === "waiting").length > i);
      waits.push(seen.filter(({ state }) => state === "waiting")[i]!.retryAt! - now);
      clock += 600_000;
      void sync.sync();
    }
    expect(waits.slice(0, 4)).toEqual([2_000, 4_000, 8_000, 16_000]);
    expect(waits.at(-1)).toBe(300_000);
    await synced({ sync, seen });
    server.next("/sync/changes", problem(429, "slow_down", {}, { "Retry-After": "40" }));
    void sync.sync();
    await until(() => seen.at(-1)?.state === "waiting");
    expect(seen.at(-1)!.retryAt! - now).toBe(40_000);
  });

  test("a clock that is set back by a day makes no wait longer", async () => {
    let now = Date.parse("2026-01-10T12:00:00Z");
    await desk.sync();
    server.next("/sync/changes", problem(503, "busy"));
    const timers = vi.spyOn(globalThis, "setTimeout");
    const { sync, seen } = tab({ now: () => now, random: () => 0 });
    await until(() => seen.at(-1)?.state === "waiting");
    now -= 86_400_000;
    await desk.tag("a", "x");
    sync.edited();
    expect(timers.mock.lastCall![1]).toBeLessThanOrEqual(2_000);
    await until(() => "tags/a" in server.living());
    vi.restoreAllMocks();
  });

  test("however long a server asks to wait, it is asked again within the hour, and not before", async () => {
    let clock = 0;
    await desk.sync();
    server.next("/sync/changes", problem(503, "busy", {}, { "Retry-After": "99999999999" }));
    const timers = vi.spyOn(globalThis, "setTimeout");
    const { sync, seen } = tab({ clock: () => clock });
    await until(() => seen.at(-1)?.state === "waiting");
    expect(timers.mock.lastCall![1]).toBe(3_600_000);
    const before = syncs();
    clock = 3_599_000;
    sync.edited();
    expect(timers.mock.lastCall![1]).toBe(1_000);
    expect(syncs()).toBe(before);
    clock = 3_600_000;
    sync.edited();
    await until(() => syncs() > before);
    vi.restoreAllMocks();
  });

  test("no timer is so long that it would fire at once", async () => {
    const timers = vi.spyOn(globalThis, "setTimeout");
    await synced(tab({ every: Infinity }));
    await until(() => timers.mock.calls.some(([, delay]) => delay === 2 ** 31 - 1));
    vi.restoreAllMocks();
  });

  test.each(["an edit", "online", "visibilitychange", "focus", "pageshow"])(
    "cuts its own wait short: %s",
    async (event) => {
      const page = Object.assign(new EventTarget(), { visibilityState: "visible" });
      vi.stubGlobal("window", new EventTarget());
      vi.stubGlobal("document", page);
      await desk.sync();
      for (let i = 0; i < 9; i++) server.next("/sync/changes", problem(503, "busy"));
      const { sync, seen } = tab();
      for (let i = 1; i <= 8; i++) {
        await until(() => seen.filter(({ state }) => state === "waiting").length === i);
        void sync.sync();
      }
      await until(() => seen.filter(({ state }) => state === "waiting").length === 9);
      if (event === "an edit") sync.edited();
      else for (const target of [window, page]) target.dispatchEvent(new Event(event));
      await synced({ sync, seen });
    },
  );

  test("a network that comes back during a try that fails is tried at once", async () => {
    vi.stubGlobal("window", new EventTarget());
    vi.stubGlobal("document", new EventTarget());
    await desk.sync();
    let isFirst = true;
    desk = new Desk(
      async (url, init) => {
        if (!isFirst) return server.fetch(url, init);
        isFirst = false;
        window.dispatchEvent(new Event("online"));
        throw new TypeError("network");
      },
      Date.now,
      {},
      desk.owner,
    );
    const timers = vi.spyOn(globalThis, "setTimeout");
    const { sync, seen } = tab();
    await synced({ sync, seen });
    expect(seen.some(({ state }) => state === "offline")).toBe(true);
    expect(timers.mock.calls.map(([, delay]) => delay)).not.toContain(2_000);
    vi.restoreAllMocks();
  });

  test("what happens around it does not make it ask before the server wants to be asked again; a person does", async () => {
    const page = Object.assign(new EventTarget(), { visibilityState: "visible" });
    vi.stubGlobal("window", new EventTarget());
    vi.stubGlobal("document", page);
    await desk.sync();
    server.next("/sync/changes", problem(503, "busy", {}, { "Retry-After": "3600" }));
    const { sync, seen } = tab();
    await until(() => seen.at(-1)?.state === "waiting");
    const before = syncs();
    window.dispatchEvent(new Event("online"));
    page.dispatchEvent(new Event("visibilitychange"));
    await desk.tag("a", "x");
    sync.edited();
    await new Promise((passed) => setTimeout(passed, 600));
    expect(syncs()).toBe(before);
    await sync.sync();
    expect(server.living()).toEqual({ "tags/a": { name: "x" } });
  });

  test("an edit that is made while a sync ends is sent a moment later", async () => {
    await desk.sync();
    await desk.tag("a", "x");
    let isLate = true;
    desk = new Desk(
      async (url, init) => {
        const answer = await server.fetch(url, init);
        if (String(url).includes("/sync/conflicts") && isLate) {
          isLate = false;
          await desk.tag("b", "y");
          sync.edited();
        }
        return answer;
      },
      Date.now,
      {},
      desk.owner,
    );
    const { sync } = tab();
    await until(() => "tags/b" in server.living());
  });

  test("gives up a request that gets no answer when the person wants to be offline, and when it ends", async () => {
    await desk.sync();
    server.next("/sync/changes", "no answer");
    server.next("/sync/changes", "no answer");
    const { sync, seen } = tab();
    await until(() => seen.at(-1)?.state === "syncing" && syncs() > 1);
    sync.pause(true);
    await sync.sync();
    expect(seen.at(-1)?.state).toBe("paused");
    const before = syncs();
    sync.pause(false);
    await until(() => syncs() > before);
    await sync.stop();
  });

  test("sends nothing while the person wants to be offline, and everything afterwards", async () => {
    const { sync, seen } = tab();
    await synced({ sync, seen });
    sync.pause(true);
    await desk.tag("a", "x");
    sync.edited();
    await sync.sync();
    expect(seen.at(-1)?.state).toBe("paused");
    expect(server.living()).toEqual({});
    sync.pause(false);
    await until(() => "tags/a" in server.living());
  });

  test("shows how the first load goes on", async () => {
    server.edit("tags", "a", { name: "x" });
    const { sync, seen } = tab();
    await synced({ sync, seen });
    expect(seen.find(({ state }) => state === "loading")?.progress).toMatchObject({ received: 1 });
  });

  test("ends what is under way when it is closed, and begins nothing more", async () => {
    const { sync } = tab({ every: 20 });
    await sync.stop();
    const before = server.requests.length;
    await new Promise((passed) => setTimeout(passed, 100));
    expect(server.requests).toHaveLength(before);
  });
});

describe("several tabs", () => {
  test("one syncs for all; the others are told how it is, and ask it to", async () => {
    const first = tab();
    await synced(first);
    const before = syncs();
    const other = desk.tab();
    const second = tab({}, other);
    await until(() => second.seen.at(-1)?.state === "idle");
    await new Promise((passed) => setTimeout(passed, 200));
    expect(syncs()).toBe(before);
    await other.tag("b", "y");
    second.sync.edited();
    await until(() => "tags/b" in server.living());
    expect(second.seen.some(({ state }) => state === "syncing")).toBe(true);
  });

  test("when the one that syncs is closed, another goes on", async () => {
    const first = tab();
    await synced(first);
    const other = desk.tab();
    const second = tab({}, other);
    await first.sync.stop();
    await synced(second);
    await other.tag("b", "y");
    second.sync.edited();
    await until(() => "tags/b" in server.living());
  });

  test("a browser that grants no locks to the page, or no way to talk to other tabs, has each tab sync for itself", async () => {
    vi.stubGlobal("navigator", {
      locks: { request: () => Promise.reject(new DOMException("denied", "SecurityError")) },
    });
    await synced(tab());
    vi.stubGlobal("navigator", { locks: { request: () => new Promise(() => undefined) } });
    vi.stubGlobal("BroadcastChannel", function denied() {
      throw new DOMException("denied", "SecurityError");
    });
    await synced(tab({}, desk.tab()));
  });

  test("without Web Locks, as over plain HTTP, each syncs for itself and nothing is stored twice", async () => {
    vi.stubGlobal("navigator", {});
    const tabs = [tab(), tab({}, desk.tab())];
    await Promise.all(tabs.map(synced));
    for (let i = 0; i < 5; i++) {
      await desk.tag("a", String(i));
      await Promise.allSettled(tabs.map(({ sync }) => sync.sync()));
    }
    await until(async () => (await desk.db.syncQueue.count()) === 0);
    expect(server.living()).toEqual({ "tags/a": { name: "4" } });
    expect(server.conflicts).toEqual([]);
    expect(await desk.names()).toEqual({ a: "4" });
  });
});
