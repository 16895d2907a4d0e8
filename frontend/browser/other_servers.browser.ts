/** A server below a path, for one person who does not log in; and a page whose new version takes over when it is let. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHROMIUM } from "./chromium.ts";
import { inStep } from "./household.ts";
import { Profile } from "./profile.ts";
import { Server } from "./server.ts";

const WORKER = join(import.meta.dirname, "../../finwise/api/built/sw.js");

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
    expect(await page.evaluate(() => navigator.serviceWorker.ready.then(({ scope }) => scope))).toBe(`${server.url}/app/`);
  });

  test.skipIf(!existsSync(WORKER))("a new version waits until somebody lets it take over", async () => {
    const { page } = profile;
    const present = readFileSync(WORKER, "utf8");
    try {
      writeFileSync(WORKER, present.replace(/"[0-9a-f]{16}"/, '"0123456789abcdef"'));
      await page.evaluate(() => navigator.serviceWorker.ready.then((registration) => registration.update()).then(() => undefined));
      await page.getByText("There is a new version of this page.").waitFor();
      await Promise.all([page.waitForEvent("load"), page.getByRole("button", { name: "Reload" }).click()]);
      await inStep(page);
      await expect.poll(() => page.evaluate(() => caches.keys())).toEqual(["finwise-page-0123456789abcdef"]);
    } finally {
      writeFileSync(WORKER, present);
    }
    expect(profile.complaints).toEqual([]);
  });
});
