/** A server below a path, for one person who does not log in; and a page whose new version takes over when it is let. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHROMIUM } from "./chromium.ts";
import { inStep } from "./household.ts";
import { Profile } from "./profile.ts";
import { Server } from "./server.ts";

const BUILT = join(import.meta.dirname, "../../finwise/api/built");
const [WORKER, START] = [join(BUILT, "sw.js"), join(BUILT, "index.html")];

describe.skipIf(!CHROMIUM)("other servers", () => {
  const server = new Server([], { FINWISE_URL_PREFIX: "/books/api", FINWISE_LOGIN: "none" });
  const profile = new Profile();

  beforeAll(async () => {
    await server.start();
    await profile.start();
  });
  afterAll(() => Promise.all([profile.remove(), server.remove()]));

  test("below a path, without a password: one button, and the book is there", async () => {
    const { page } = profile;
    await page.goto(`${server.url}/app`);
    await page.getByText("for one person on this machine").waitFor();
    await page.getByRole("button", { name: "Open the book" }).click();
    await page.getByLabel("Name of the book").fill("Alone");
    await page.getByRole("button", { name: "Create book" }).click();
    await page.getByRole("button", { name: "New account" }).waitFor();
    await inStep(page);
    expect(new URL(page.url()).pathname).toBe("/books/api/app/");
    expect(await page.evaluate(() => navigator.serviceWorker.ready.then(({ scope }) => scope))).toBe(
      `${server.url}/app/`,
    );
  });

  test.skipIf(!existsSync(WORKER))(
    "a new version waits until somebody lets it take over, in each tab for itself",
    async () => {
      const { page, context } = profile;
      const second = await context.newPage();
      await second.goto(`${server.url}/app/`);
      await second.getByLabel("Search transactions").fill("half typed");
      const mark = (tab: Page): Promise<boolean> =>
        tab.evaluate(() => document.querySelector("meta[name=second-build]") !== null);
      const undo = installSecondBuild();
      try {
        await page.evaluate(() =>
          navigator.serviceWorker.ready.then((registration) => registration.update()).then(() => undefined),
        );
        for (const tab of [page, second]) await tab.getByText("There is a new version of this page.").waitFor();
        await Promise.all([page.waitForEvent("load"), page.getByRole("button", { name: "Reload" }).click()]);
        await inStep(page);
        await expect.poll(() => page.evaluate(() => caches.keys())).toEqual(["finwise-page-0123456789abcdef"]);
        expect(await mark(page)).toBe(true);
        await page.getByText("There is a new version of this page.").waitFor({ state: "detached" });

        // The new version runs, and the second tab was not asked yet: it has what it had, and may reload later.
        expect(await second.getByLabel("Search transactions").inputValue()).toBe("half typed");
        expect(await mark(second)).toBe(false);
        await Promise.all([second.waitForEvent("load"), second.getByRole("button", { name: "Reload" }).click()]);
        await inStep(second);
        expect(await mark(second)).toBe(true);
      } finally {
        undo();
      }
      await second.close();
      expect(profile.complaints).toEqual([]);
    },
  );
});

/** Puts a second build where the first one is served from, and returns what takes it away. */
function installSecondBuild(): () => void {
  const [worker, start] = [readFileSync(WORKER, "utf8"), readFileSync(START, "utf8")];
  writeFileSync(WORKER, worker.replace(/"[0-9a-f]{16}"/, '"0123456789abcdef"'));
  writeFileSync(START, start.replace("<head>", '<head><meta name="second-build">'));
  return () => {
    writeFileSync(WORKER, worker);
    writeFileSync(START, start);
  };
}
