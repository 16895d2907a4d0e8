/** A book full of odd records on a phone: every view shows it, and its entries can be mended and deleted. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHROMIUM } from "./chromium.ts";
import { change, Household, inStep } from "./household.ts";
import { Profile } from "./profile.ts";
import { Server } from "./server.ts";

const RECORDS = JSON.parse(readFileSync(join(import.meta.dirname, "../../tests/data/odd_records.json"), "utf-8")) as {
  what: string;
  entity_type: string;
  data: Record<string, unknown>;
}[];
const PLACES = ["accounts", "transactions", "categories", "sync", "settings", "people", "you", "books"];

describe.skipIf(!CHROMIUM)("odd records", () => {
  const server = new Server();
  const profile = new Profile();
  const home = new Household(server);

  beforeAll(async () => {
    await server.start();
    await profile.start();
    await home.create();
    await home.furnish([{ id: "bakery", payee: "Bakery", amount: -20 }]);
    await home.push(RECORDS.map(({ entity_type, what, data }) => change(entity_type, idOf(what), titled(data, what))));
  });
  afterAll(() => Promise.all([profile.remove(), server.remove()]));

  test("are shown in every view of a phone, edited and deleted", async () => {
    const { page } = profile;
    await home.logIn(page, server.url);
    await page.setViewportSize({ width: 390, height: 844 });
    for (const place of PLACES) {
      await goTo(page, `#/${place}`);
      await page.getByRole("heading").first().waitFor({ state: "attached" });
      expect({ place, faults: await faults(page) }).toEqual({ place, faults: [] });
    }

    await goTo(page, "#/transactions");
    const list = page.getByRole("list", { name: "Transactions" });
    await list
      .getByRole("button", { name: /an import of the 31st of February.*This day does not exist: 2025-02-31/ })
      .click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("This day does not exist: 2025-02-31").waitFor();
    await dialog.getByLabel("Date", { exact: true }).fill("2025-02-28");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "detached" });

    await list.getByRole("button", { name: /two tags joined/ }).click();
    await dialog.getByLabel("Note").fill("looked at");
    await dialog.getByRole("button", { name: "Save" }).click();
    await inStep(page);
    await list.getByRole("button", { name: /two tags joined/ }).click();
    await dialog.getByText("Odd or missing: Tags").waitFor();
    await dialog.getByRole("button", { name: "Delete" }).click();
    await list.getByRole("button", { name: /two tags joined/ }).waitFor({ state: "detached" });

    await list.getByRole("button", { name: /The day is missing.*—/ }).click();
    await dialog.getByLabel("Date", { exact: true }).fill("2026-01-02");
    await dialog.getByLabel("Account", { exact: true }).selectOption({ label: "Giro" });
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "detached" });
    await inStep(page);
    expect(await faults(page)).toEqual([]);
    expect(profile.complaints).toEqual([]);
    const held = await home.held();
    expect(held[`transactions ${idOf("a transaction without fields")}`]).toMatchObject({
      data: { accountId: "giro", date: "2026-01-02" },
    });
    expect(held[`transactions ${idOf("an import of the 31st of February")}`]).toMatchObject({
      data: { date: "2025-02-28", amount: -1, runningBalance: 0 },
    });
    expect(held[`transactions ${idOf("two tags joined by a comma")}`]).toBeUndefined();
  });
});

function idOf(what: string): string {
  return what.replace(/[^a-z0-9]+/gi, "-").slice(0, 64);
}

/** Entries that say what is odd in them are easier to find, where they have a payee at all. */
function titled(data: Record<string, unknown>, what: string): object {
  return data["payee"] === "" ? { ...data, payee: what } : data;
}

async function goTo(page: Page, hash: string): Promise<void> {
  await page.evaluate((to) => (location.hash = to), hash);
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))));
}

/** What no page should show, and what is wider than the window. */
function faults(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const texts = ["NaN", "Invalid Date", "undefined", "null", "[object"];
    const shown = texts.filter((text) => document.body.innerText.includes(text));
    return document.documentElement.scrollWidth > innerWidth ? [...shown, "wider than the window"] : shown;
  });
}
