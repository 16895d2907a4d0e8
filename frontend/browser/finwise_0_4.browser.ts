/** An app with FinWise 0.4's tables, queue and messages, in two browsers, from an origin of its own. */

import { join } from "node:path";
import { readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { TYPES } from "../tests/finwise-0.4/small_app.ts";
import { CHROMIUM } from "./chromium.ts";
import { AppOrigin, Device, type Row, type Rows } from "./finwise_0_4_app.ts";
import type { Driven } from "./finwise_0_4_page.ts";
import { Household } from "./household.ts";
import { Server } from "./server.ts";

declare const driven: Driven; // in the page

const TRANSACTION = {
  accountId: "giro",
  date: "2026-01-09",
  valueDate: "2026-01-09",
  amount: -1,
  description: "",
  tagIds: [],
  type: "EXPENSE",
  runningBalance: 0,
};
const RECORDS = join(import.meta.dirname, "../../tests/data/odd_records.json");
const ODD = JSON.parse(readFileSync(RECORDS, "utf8")) as { entity_type: string; data: Row }[];
const TYPE_OF = Object.fromEntries(Object.entries(TYPES).map(([type, { list }]) => [list, type]));

describe.skipIf(!CHROMIUM)("the FinWise 0.4 app", () => {
  const origin = new AppOrigin();
  let server: Server;
  let home: Household;
  let left: Device;
  let right: Device;

  beforeAll(async () => {
    await origin.start();
    server = await new Server([], { FINWISE_CORS_ORIGINS: origin.url }).start();
  });
  afterAll(async () => {
    origin.stop();
    await server.remove();
  });
  beforeEach(async () => {
    home = await new Household(server).create();
    [left, right] = [new Device(home, server), new Device(home, server)];
    await Promise.all([left.open(origin), right.open(origin)]);
  });
  afterEach(async () => {
    const complaints = [...left.profile.complaints, ...right.profile.complaints];
    await Promise.all([left.profile.remove(), right.profile.remove()]);
    if (complaints.length) throw new Error(complaints.join());
  });

  /** Waits until both devices have the same. */
  async function agree(): Promise<Rows> {
    const difference = async (): Promise<string[]> => {
      for (const device of [left, right]) await device.goOnline();
      return diff(await left.rows(), await right.rows());
    };
    for (const device of [left, right]) {
      await device.goOnline();
      await device.drained();
    }
    await expect.poll(difference, { timeout: 60_000 }).toEqual([]);
    return left.rows();
  }

  test("edits offline on two devices: they end equal, the edit that lost is a conflict, a reload changes nothing", async () => {
    await Promise.all([left.start(), right.start()]);
    await left.edit("AccountGroup", { id: "bank", name: "Bank", sortOrder: 0 }, "create");
    await left.edit("Account", { id: "giro", name: "Giro", accountGroupId: "bank", sortOrder: 0 }, "create");
    for (const id of ["both", "gone"]) await left.edit("Transaction", { id, ...TRANSACTION }, "create");
    await left.drained();
    await right.goOnline();
    await right.gets("Transaction", "gone");

    for (const device of [left, right]) await device.goOffline();
    await left.edit("Transaction", { id: "both", ...TRANSACTION, description: "left" });
    await left.edit("Account", { id: "giro", name: "Household", accountGroupId: "bank", sortOrder: 0 });
    await right.edit("Transaction", { id: "both", ...TRANSACTION, description: "right" });
    await right.edit("Transaction", { id: "gone" }, "delete");
    const rows = await agree();
    expect(rows["Transaction both"]).toMatchObject({ description: "right" });
    expect(rows["Account giro"]).toMatchObject({ name: "Household" });
    expect(Object.keys(rows)).not.toContain("Transaction gone");
    expect(await home.conflicts()).toHaveLength(1);

    for (const { page } of [left, right]) await page.reload();
    await Promise.all([left.start(), right.start()]);
    await left.edit("Transaction", { id: "both", ...TRANSACTION, description: "later" });
    expect((await agree())["Transaction both"]).toMatchObject({ description: "later" });
    expect(await home.conflicts()).toHaveLength(1);
  });

  test("sets aside what the server does not take, and goes on with the rest of a long queue", async () => {
    await left.startBefore();
    await left.edit("Tag", { id: "no spaces", name: "bad" }, "create");
    await left.page.evaluate(
      (transaction) =>
        driven.app.bring(
          "Transaction",
          Array.from({ length: 100 }, (_, i) => ({ id: `t${i}`, ...transaction })),
        ),
      TRANSACTION,
    );
    await left.page.reload();
    await left.start();
    await left.drained();
    const held = Object.keys(await home.held());
    expect(held.filter((key) => key.startsWith("transactions "))).toHaveLength(100);
    expect(held).not.toContain("tags no spaces");
    const rejected = () => left.page.evaluate(() => driven.rejected());
    expect(await rejected()).toMatchObject([{ id: "no spaces", code: "invalid_id" }]);
    await left.page.reload();
    await left.start();
    expect(await rejected()).toHaveLength(1);
  });

  test("moves what two devices had before, unsent edits included, and has its own category once", async () => {
    await Promise.all([left.startBefore(), right.startBefore()]);
    for (const device of [left, right]) {
      const categoryId = (await device.page.evaluate(() => driven.app.fundsId()))!;
      await device.edit("Tag", { id: "shared", name: device === left ? "first" : "second" });
      await device.edit(
        "Transaction",
        { id: device === left ? "on-left" : "on-right", ...TRANSACTION, categoryId },
        "create",
      );
      await device.page.evaluate(() => driven.app.db.table("syncQueue").clear()); // its old backend had these
    }
    await left.edit("Tag", { id: "unsent", name: "unsent" }, "create");
    for (const { page } of [left, right]) await page.reload();
    await Promise.all([left.start(), right.start()]);
    const rows = await agree();
    expect(Object.keys(rows).sort()).toEqual([
      "Category funds",
      "Tag shared",
      "Tag unsent",
      "Transaction on-left",
      "Transaction on-right",
    ]);
    expect(rows["Tag shared"]).toMatchObject({ name: "second" });
    for (const id of ["on-left", "on-right"]) expect(rows[`Transaction ${id}`]).toMatchObject({ categoryId: "funds" });
    const categories = Object.keys(await home.held()).filter((key) => key.startsWith("categories "));
    expect(categories).toEqual(["categories finwise-0.4:available-funds"]);
  });

  test("stores odd records as they are, and has them unchanged on a second device", async () => {
    await Promise.all([left.start(), right.start()]);
    for (const [place, { entity_type, data }] of ODD.entries())
      await left.edit(TYPE_OF[entity_type]!, { id: `odd-${place}`, ...data }, "create");
    const rows = await agree();
    expect(await left.page.evaluate(() => driven.rejected())).toEqual([]);
    for (const [place, { entity_type, data }] of ODD.entries())
      expect(rows[`${TYPE_OF[entity_type]} odd-${place}`]).toEqual({ id: `odd-${place}`, ...data });
  });
});

/** The keys under which two devices have different rows. */
function diff(one: Rows, other: Rows): string[] {
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...keys].filter((key) => JSON.stringify(sorted(one[key])) !== JSON.stringify(sorted(other[key])));
}

function sorted(row: Row | undefined): Row | undefined {
  return row && Object.fromEntries(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)));
}
