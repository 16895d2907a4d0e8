/** What the page looks like: on paper, in the plot, on a phone; and what searching finds. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHROMIUM } from "./chromium.ts";
import { transaction, change, Household, inStep } from "./household.ts";
import { Profile } from "./profile.ts";
import { Server } from "./server.ts";

const TRANSACTIONS = 400;
const PHONE = { width: 390, height: 844 };
const LONG = "An account with a name that is far too long for a line of any width";

describe.skipIf(!CHROMIUM)("what the page looks like", () => {
  const server = new Server();
  const profile = new Profile();
  const home = new Household(server);

  beforeAll(async () => {
    await server.start();
    await home.create();
    await home.furnish();
    const account = {
      accountType: "giro",
      isActive: true,
      isOfflineBudget: false,
      accountGroupId: "bank",
      balance: 0,
      offset: 0,
    };
    await home.push([
      change("book_settings", "currency", { value: "CHF" }),
      change("accounts", "long", { ...account, name: LONG, sortOrder: 2 }),
      change("transactions", "huge", transaction("Mu\u0308ller", -1_500_000_000_000, "2026-01-02")),
      change("transactions", "there", {
        ...transaction("", -50, "2026-01-03"),
        payee: null,
        type: "ACCOUNTTRANSFER",
        transferToAccountId: "cash",
        counterTransactionId: "back",
      }),
      change("transactions", "back", {
        ...transaction("", 50, "2026-01-03"),
        payee: null,
        accountId: "cash",
        type: "ACCOUNTTRANSFER",
        transferToAccountId: "giro",
        counterTransactionId: "there",
      }),
      ...Array.from({ length: TRANSACTIONS }, (_, at) =>
        change(
          "transactions",
          `each-${at}`,
          transaction(`Payee ${at}`, -1 - at / 100, `2026-${String(1 + (at % 9)).padStart(2, "0")}-10`),
        ),
      ),
    ]);
    await profile.start();
    await home.logIn(profile.page, server.url);
    await inStep(profile.page);
    await profile.page.goto(`${server.url}/app/#/transactions/giro`);
  });
  afterAll(() => Promise.all([profile.remove(), server.remove()]));

  test("searching finds a name in whichever Unicode form, case and accent it is typed, and an amount", async () => {
    const { page } = profile;
    const search = page.getByRole("searchbox");
    for (const typed of ["Müller", "mu\u0308ller", "MULLER", "1500000000000", "−1,500,000,000,000.00"]) {
      await search.fill(typed);
      await page.getByText("1 found").waitFor();
      await page.getByRole("button", { name: /Mu\u0308ller/ }).waitFor();
    }
    await search.fill("nobody");
    await page.getByRole("button", { name: "Show all transactions" }).click();
    await page.getByText(`${TRANSACTIONS + 2} transactions`).waitFor();
  });

  test("what is printed is a table of all transactions on a few sheets, in black on white", async () => {
    const { page } = profile;
    await page.emulateMedia({ colorScheme: "dark" });
    await page.evaluate(() => {
      const printed = { rows: 0, text: "", hidden: true };
      Object.assign(globalThis, { printed });
      const observer = new MutationObserver(() => {
        const statement = document.querySelector<HTMLElement>(".statement");
        if (statement)
          Object.assign(printed, { rows: statement.querySelectorAll("tbody tr").length, text: statement.textContent });
      });
      observer.observe(document.body, { childList: true, subtree: true });
    });
    const pdf = await page.pdf({ format: "A4" });
    const sheets = (pdf.toString("latin1").match(/\/Type\s*\/Page\b/g) ?? []).length;
    const printed = await page.evaluate(
      () => (globalThis as unknown as { printed: { rows: number; text: string } }).printed,
    );
    expect(printed.rows).toBe(TRANSACTIONS + 2);
    expect(printed.text).toMatch(/Giro.*January 2, 2026 to September 10, 2026.*402 transactions/);
    expect(printed.text).toContain("Transfer");
    expect(sheets).toBeGreaterThan(4);
    expect(sheets).toBeLessThan(20);
    await page.locator(".statement").waitFor({ state: "detached" });
    await page.emulateMedia({ media: "print" });
    await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
    await page.locator(".statement").waitFor();
    const shown = await page.evaluate(() =>
      ["nav", "form", "ol.lines", "button"].filter((each) =>
        [...document.querySelectorAll<HTMLElement>(each)].some((found) => found.offsetParent),
      ),
    );
    expect(shown).toEqual([]);
    expect(await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)).toBe(
      "rgb(255, 255, 255)",
    );
    await page.evaluate(() => dispatchEvent(new Event("afterprint")));
    await page.emulateMedia({ media: "screen", colorScheme: "light" });
  });

  test.each([
    ["desk", { width: 1280, height: 900 }],
    ["phone", PHONE],
  ] as const)("no label of the plot and no sum is cut off, and sums stand in line: %s", async (_, size) => {
    const { page } = profile;
    await page.setViewportSize(size);
    await page.goto(`${server.url}/app/#/transactions/giro`);
    await page.locator(".plot .label").first().waitFor();
    await page.evaluate(() => document.fonts.ready.then(() => undefined));
    const plot = await page.evaluate(() => {
      const left = document.querySelector(".plot svg")?.getBoundingClientRect().left ?? 0;
      const labels = [...document.querySelectorAll(".plot .label")];
      return {
        texts: labels.map((each) => each.textContent ?? ""),
        left: Math.min(...labels.map((each) => each.getBoundingClientRect().left)) - left,
      };
    });
    expect(plot.texts).toContain("CHF\u00a00");
    expect(plot.texts.some((text) => text.startsWith("−CHF"))).toBe(true);
    expect(plot.left).toBeGreaterThanOrEqual(-0.5);
    const cut = (selector: string): Promise<string[]> =>
      page
        .locator(selector)
        .evaluateAll((sums) =>
          sums
            .filter((sum) => sum.scrollWidth > sum.clientWidth + 1 || sum.getBoundingClientRect().right > innerWidth)
            .map(
              (sum) =>
                `${sum.textContent}: ${sum.scrollWidth} in ${sum.clientWidth}, to ${sum.getBoundingClientRect().right}`,
            ),
        );
    const rights = (selector: string): Promise<number[]> =>
      page
        .locator(selector)
        .evaluateAll((sums) => [...new Set(sums.map((sum) => Math.round(sum.getBoundingClientRect().right)))]);
    for (const selector of ["ol.lines .amount", "ol.lines .after"]) {
      expect(await cut(selector)).toEqual([]);
      expect(await rights(selector)).toHaveLength(1);
    }
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(size.width);
    if (size === PHONE) await page.goto(`${server.url}/app/#/accounts`);
    await page.getByRole("link", { name: LONG }).waitFor();
    expect(await cut("nav.accounts .sum")).toEqual([]);
    expect(await rights("nav.accounts .entry .sum")).toHaveLength(1);
  });

  test("a transfer without a text is called one, in the list and in its dialog", async () => {
    const { page } = profile;
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.goto(`${server.url}/app/#/transactions/cash`);
    await page.getByRole("button", { name: /Transfer.*Giro → Cash/ }).click();
    await page.getByRole("dialog", { name: "Edit transfer" }).waitFor();
    expect(profile.complaints).toEqual([]);
  });
});
