/** After the first visit the page needs no server to start and to be worked with. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHROMIUM } from "./chromium.ts";
import { enter, Household, inStep } from "./household.ts";
import { Profile } from "./profile.ts";
import { Server } from "./server.ts";

describe.skipIf(!CHROMIUM)("without a network", () => {
  const server = new Server();
  const profile = new Profile();

  beforeAll(() => server.start());
  afterAll(() => Promise.all([profile.remove(), server.remove()]));

  test("the page starts after the first visit, takes transactions, and sends them when the server is back", async () => {
    const home = await new Household(server).create();
    await home.furnish([{ id: "one", payee: "Bakery", amount: -4.2 }]);
    let page = await profile.start();
    await home.logIn(page, server.url);
    await inStep(page);
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
    await profile.close();
    await server.stop();

    page = await profile.start();
    await page.goto(`${server.url}/app/`);
    await page.getByRole("button", { name: "Bakery" }).waitFor();
    expect(await page.evaluate(() => document.fonts.ready.then((fonts) => fonts.check("1rem 'Source Sans'")))).toBe(
      true,
    );
    await enter(page, "12.50", "Market");
    await page.getByText(/1 waiting to be sent/).waitFor();
    await page.reload();
    await page.getByRole("button", { name: "Market" }).waitFor();

    await server.start();
    await page.goto(`${server.url}/app/#/sync`);
    await page.getByRole("button", { name: "Sync now" }).click();
    await inStep(page);
    expect(JSON.stringify(await home.held())).toContain("Market");
    expect(profile.complaints).toEqual([]);
  });

  test("the offline switch keeps everything here until it is switched back", async () => {
    const { page } = profile;
    await page.getByRole("switch", { name: /Work offline/ }).check();
    await page.goto(`${server.url}/app/#/transactions`);
    await enter(page, "3", "Newspaper");
    await page.getByText("Offline, by your choice · 1 waiting to be sent").waitFor();
    await page.reload();
    await page.getByText("Offline, by your choice · 1 waiting to be sent").waitFor();
    await page.goto(`${server.url}/app/#/sync`);
    await page.getByRole("switch", { name: /Work offline/ }).uncheck();
    await inStep(page);
  });
});
