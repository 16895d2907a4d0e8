/** A book of 25,000 transactions: the first load shows how far it is, and the page stays alive. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHROMIUM } from "./chromium.ts";
import { transaction, change, enter, Household, inStep } from "./household.ts";
import { Profile } from "./profile.ts";
import { Server } from "./server.ts";

const TRANSACTIONS = 25_000;
const LONGEST_GAP = 2_000; // ms between two frames; a person calls a page frozen long after that
const MOST_OF_LOADING = 1 / 4; // or so much of the time that all takes, for a machine that is busy or slow

interface Watched {
  longest: number;
  frames: number;
  progress: string[];
}

describe.skipIf(!CHROMIUM)("a large book", () => {
  const server = new Server();
  const profile = new Profile();

  beforeAll(() => server.start());
  afterAll(() => Promise.all([profile.remove(), server.remove()]));

  test("25,000 transactions load the first time with a progress bar, without the page freezing", async () => {
    const home = await new Household(server).create();
    await home.furnish();
    const first = Date.UTC(2010, 0, 1);
    await home.push(
      Array.from({ length: TRANSACTIONS }, (_, at) => {
        const date = new Date(first + Math.floor(at / 4.2) * 86_400_000).toISOString().slice(0, 10);
        return change(
          "transactions",
          `transaction-${at}`,
          transaction(`Payee ${at % 400}`, at % 9 ? -(at % 70) - 0.5 : 300, date),
        );
      }),
    );
    const page = await profile.start();
    await page.addInitScript(() => {
      const watched: Watched = { longest: 0, frames: 0, progress: [] };
      Object.assign(globalThis, { watched });
      let before = performance.now();
      requestAnimationFrame(function frame(now) {
        watched.longest = Math.max(watched.longest, now - before);
        watched.frames++;
        before = now;
        const bar = document.querySelector("progress");
        const seen = bar && (bar.position < 0 ? "receiving" : `stored ${Math.floor(bar.position * 4)}/4`);
        if (seen && watched.progress.at(-1) !== seen) watched.progress.push(seen);
        requestAnimationFrame(frame);
      });
    });
    const begun = Date.now();
    await home.logIn(page, server.url);
    await inStep(page);
    await page.getByText("25,000 transactions").waitFor();
    const seconds = (Date.now() - begun) / 1000;
    const watched = await page.evaluate(() => (globalThis as unknown as { watched: Watched }).watched);
    console.log(
      `25,000 transactions: ${seconds.toFixed(1)} s, longest gap between frames ${watched.longest.toFixed(0)} ms, bar: ${watched.progress.join(", ")}`,
    );
    expect(watched.progress[0]).toBe("receiving");
    expect(watched.progress.filter((each) => each.startsWith("stored")).length).toBeGreaterThan(2);
    const longest = Math.max(LONGEST_GAP, seconds * 1000 * MOST_OF_LOADING);
    expect(watched.longest).toBeLessThan(longest);

    // Only what is near the window is in the document, and the whole length can be walked.
    expect(await page.locator("ol.lines li").count()).toBeLessThan(80);
    await page.locator("ol.lines button").first().focus();
    await page.keyboard.press("End");
    await page.locator(`li[aria-posinset="${TRANSACTIONS}"] button:focus`).waitFor();
    expect(await page.locator("ol.lines li").count()).toBeLessThan(80);

    const gap = (): Promise<number> =>
      page.evaluate(() => (globalThis as unknown as { watched: Watched }).watched.longest);
    await page.evaluate(() => ((globalThis as unknown as { watched: Watched }).watched.longest = 0));
    await enter(page, "12", "One more");
    await page.getByText("25,001 transactions").waitFor();
    console.log(`One more transaction: longest gap between frames ${(await gap()).toFixed(0)} ms`);
    expect(await gap()).toBeLessThan(longest);
    expect(profile.complaints).toEqual([]);
  });
});
