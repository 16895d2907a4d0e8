/** What axe-core finds on every view, in light and dark, on a phone and on a desk; nothing. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findings } from "./axe.ts";
import { CHROMIUM } from "./chromium.ts";
import { enter, inStep } from "./household.ts";
import { Profile } from "./profile.ts";
import { Server } from "./server.ts";

describe.skipIf(!CHROMIUM)("everybody can use the page", () => {
  const server = new Server(["--demo"]);
  const profile = new Profile();

  beforeAll(async () => {
    await server.start();
    await profile.start();
  });
  afterAll(() => Promise.all([profile.remove(), server.remove()]));

  test("the door has labels for all it asks", async () => {
    const { page } = profile;
    await page.goto(`${server.url}/app/`);
    await page.getByLabel("E-mail").waitFor();
    expect(await findings(page)).toEqual([]);
  });

  test("the start page opens the demo book in one click", async () => {
    const { page } = profile;
    await page.goto(server.url);
    expect(await findings(page)).toEqual([]);
    await page.getByRole("link", { name: "demo book" }).click();
    await page.getByRole("heading", { name: "All accounts" }).waitFor();
    await inStep(page);
    await page
      .getByRole("button", { name: /Market/ })
      .first()
      .waitFor();
  });

  const SIZES = { desk: { width: 1280, height: 900 }, phone: { width: 360, height: 740 } };
  const views = ["transactions", "accounts", "categories", "sync", "settings"];
  const cases = (Object.keys(SIZES) as (keyof typeof SIZES)[]).flatMap((size) =>
    (["light", "dark"] as const).flatMap((colorScheme) => views.map((view) => ({ size, colorScheme, view }))),
  );

  test.each(cases)("$view, $colorScheme, $size", async ({ size, colorScheme, view }) => {
    const { page } = profile;
    await page.setViewportSize(SIZES[size]);
    await page.emulateMedia({ colorScheme });
    await page.goto(`${server.url}/app/#/${view}`);
    await page.getByRole("main").waitFor();
    await inStep(page);
    expect(await findings(page)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(SIZES[size].width);
  });

  test("dialogs have names, and give the focus back", async () => {
    const { page } = profile;
    await page.setViewportSize(SIZES.desk);
    await page.goto(`${server.url}/app/#/transactions`);
    const line = page.locator("ol.lines button").first();
    await line.focus();
    await page.keyboard.press("Enter");
    await page.getByRole("dialog", { name: "Edit transaction" }).waitFor();
    expect(await findings(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect(await line.evaluate((element) => element === document.activeElement)).toBe(true);
  });

  test("what becomes of the sync is read out, and what was entered as well", async () => {
    const { page } = profile;
    await profile.context.setOffline(true);
    await enter(page, "5", "Newspaper");
    const live = page.locator("[role=status][aria-live=polite]");
    await live.filter({ hasText: "1 waiting to be sent" }).waitFor();
    await live.filter({ hasText: "Newspaper" }).waitFor();
    await profile.context.setOffline(false);
    await inStep(page);
    expect(profile.complaints).toEqual([]);
  });
});
