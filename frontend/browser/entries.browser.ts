/** Entries, as they are entered and edited: what was touched is stored, nothing else, on the day that it is. */
import { isDeepStrictEqual } from "node:util";
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHROMIUM } from "./chromium.ts";
import { transaction, change, enter, Household, inStep } from "./household.ts";
import { Profile } from "./profile.ts";
import { Server } from "./server.ts";

type Fields = Record<string, unknown>;

const CARD: Fields = {
  ...transaction("REWE", -0.021385479, "2026-01-05"),
  description: "KARTENZAHLUNG REWE SAGT DANKE 4711",
  valueDate: "2026-01-07",
  note: null,
  categoryId: null,
  imported: { from: "bank", lines: [1, 2] },
};
const NAMELESS: Fields = {
  ...transaction("", 3, "2026-01-04"),
  payee: "",
  description: "GUTSCHRIFT 0815",
  runningBalance: 0.1,
};
const OUT: Fields = {
  ...transaction("Cash machine", -100, "2026-01-02"),
  type: "ACCOUNTTRANSFER",
  transferToAccountId: "cash",
  counterTransactionId: "in",
};
const IN: Fields = {
  ...OUT,
  accountId: "cash",
  amount: 100,
  date: "2026-01-03",
  valueDate: "2026-01-04",
  note: "its own",
  transferToAccountId: "giro",
  counterTransactionId: "out",
};
const TAXES: Fields = { ...transaction("Taxes", 50), type: "EXPENSE" }; // contradictory, as an earlier version left it

describe.skipIf(!CHROMIUM)("entries", () => {
  const server = new Server();
  const profile = new Profile();
  const home = new Household(server);
  let page: Page;

  beforeAll(async () => {
    await server.start();
    page = await profile.start();
    await home.create();
    await home.furnish([{ id: "bakery", payee: "Bakery", amount: -20 }]);
    await home.push(
      Object.entries({ card: CARD, nameless: NAMELESS, out: OUT, in: IN, taxes: TAXES }).map(([id, data]) =>
        change("transactions", id, data),
      ),
    );
    await home.logIn(page, server.url);
    await inStep(page);
  });
  afterAll(() => Promise.all([profile.remove(), server.remove()]));

  async function stored(id: string, type = "transactions"): Promise<Fields> {
    return ((await home.held())[`${type} ${id}`] as { data: Fields }).data;
  }

  /** Opens a transaction by what its line says, fills some fields and saves; what has become of it on the server. */
  async function edited(id: string, line: RegExp, fill: (dialog: Locator) => Promise<unknown>): Promise<Fields> {
    await page.getByRole("button", { name: line }).first().click();
    const dialog = page.getByRole("dialog");
    await fill(dialog);
    await dialog.getByRole("button", { name: /^(Save|Speichern)$/ }).click();
    await dialog.waitFor({ state: "detached" });
    await alike();
    return stored(id);
  }

  /** Until the browser and the server hold the same; the page is told to look. */
  async function alike(): Promise<void> {
    await expect
      .poll(
        async () => {
          await page.evaluate(() => dispatchEvent(new Event("online")));
          return isDeepStrictEqual(await home.heldBy(page), await home.held());
        },
        { timeout: 60_000 },
      )
      .toBe(true);
  }

  test("an expense stays one after somebody types another amount, on a phone, in German, without a minus", async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto(`${server.url}/app/#/settings`);
    await page.getByRole("radio", { name: "Deutsch" }).check();
    await page.goto(`${server.url}/app/#/transactions`);
    expect(await edited("bakery", /Bakery/, (dialog) => dialog.getByLabel("Betrag").fill("25"))).toMatchObject({
      amount: -25,
      type: "EXPENSE",
    });
    expect(await edited("bakery", /Bakery/, (dialog) => dialog.getByText("Einnahme").click())).toMatchObject({
      amount: 25,
      type: "INCOME",
    });
    expect(await edited("bakery", /Bakery/, (dialog) => dialog.getByLabel("Betrag").fill("-7,5"))).toMatchObject({
      amount: -7.5,
      type: "EXPENSE",
    });
    await page.goto(`${server.url}/app/#/settings`);
    await page.getByRole("radio", { name: "English" }).check();
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.goto(`${server.url}/app/#/transactions`);
  });

  test("a contradictory entry stays as it is until its amount is touched", async () => {
    expect(await edited("taxes", /Taxes/, (dialog) => dialog.getByLabel("Note").fill("refund"))).toEqual({
      ...TAXES,
      note: "refund",
    });
    expect(await edited("taxes", /Taxes/, (dialog) => dialog.getByLabel("Amount").fill("60"))).toEqual({
      ...TAXES,
      note: "refund",
      amount: 60,
      type: "INCOME",
    });
  });

  test("a minus typed after an income was chosen books an expense, and the switch says so", async () => {
    const form = page.getByRole("form", { name: "New transaction" });
    await form.getByRole("radio", { name: "Income" }).check();
    await form.getByLabel("Amount").fill("-5");
    await form.getByRole("radio", { name: "Expense", checked: true }).waitFor();
    await form.getByRole("radio", { name: "Income" }).check();
    expect(await form.getByLabel("Amount").inputValue()).toBe("5");
    await enter(page, "-5", "Parking");
    await alike();
    expect(dataOf(await home.held()).find(({ payee }) => payee === "Parking")).toMatchObject({
      amount: -5,
      type: "EXPENSE",
    });
    await form.getByRole("radio", { name: "Expense" }).check();
  });

  test("who edits one field of a transaction changes that field, and every other stays byte for byte", async () => {
    let expected = { ...CARD };
    const edits: [string, string, Fields][] = [
      ["Note", "lunch", { note: "lunch" }],
      ["Who or what", "REWE City", { payee: "REWE City" }],
      ["Description", "CARD 4711", { description: "CARD 4711" }],
      ["Date", "2026-01-06", { date: "2026-01-06" }],
      ["Value date", "2026-01-08", { valueDate: "2026-01-08" }],
    ];
    for (const [label, value, fields] of edits) {
      expected = { ...expected, ...fields };
      expect(await edited("card", /REWE/, (dialog) => dialog.getByLabel(label, { exact: true }).fill(value))).toEqual(
        expected,
      );
    }
    expect(await edited("card", /REWE/, (dialog) => dialog.getByLabel("Account").selectOption("Cash"))).toEqual({
      ...expected,
      accountId: "cash",
    });
    expect(await edited("nameless", /GUTSCHRIFT/, (dialog) => dialog.getByLabel("Note").fill("x"))).toEqual({
      ...NAMELESS,
      note: "x",
    });
  });

  test("one side of a transfer keeps its own texts and days; both share the amount and the accounts", async () => {
    const mine = { ...OUT, note: "mine", date: "2026-01-01", valueDate: "2026-01-01" };
    const sides = { out: mine, in: IN };
    expect(
      await edited("out", /Cash machine.*Giro → Cash.*−/, async (dialog) => {
        await dialog.getByLabel("Note").fill("mine");
        await dialog.getByLabel("Date", { exact: true }).fill("2026-01-01");
      }),
    ).toEqual(sides.out);
    expect(await stored("in")).toEqual(sides.in);
    expect(await edited("in", /Cash machine.*\+/, (dialog) => dialog.getByLabel("Amount").fill("80"))).toEqual({
      ...IN,
      amount: 80,
    });
    expect(await stored("out")).toEqual({ ...mine, amount: -80 });
  });

  test("who edits one field of an account or a group changes that field alone", async () => {
    const account = { ...(await stored("cash", "accounts")), iban: "", name: " Cash ", color: "green" };
    const group = { ...(await stored("bank", "account_groups")), name: " Bank ", image: null };
    await home.push(
      [change("accounts", "cash", account), change("account_groups", "bank", group)].map((each) => ({
        ...each,
        updated_at: new Date().toISOString(),
      })),
    );
    await alike();
    await page.getByRole("button", { name: "Edit Cash" }).click();
    await page.getByRole("dialog").getByLabel("In use").uncheck();
    await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Edit Bank" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
    await alike();
    expect(await stored("cash", "accounts")).toEqual({ ...account, isActive: false });
    expect(await stored("bank", "account_groups")).toEqual(group);
  });

  test("a transaction that another device deleted meanwhile is not brought back by saving it", async () => {
    await page.getByRole("button", { name: /Taxes/ }).click();
    await home.push([
      {
        ...change("transactions", "taxes", {}),
        data: null,
        updated_at: new Date().toISOString(),
        deleted_at: new Date().toISOString(),
      },
    ]);
    await alike();
    await page.locator("ol.lines").getByText("Taxes").waitFor({ state: "detached" });

    await page.getByRole("dialog").getByLabel("Note").fill("too late");
    await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
    await page.getByRole("alert").getByText("was deleted on another device").waitFor();
    await page.keyboard.press("Escape");
    expect(Object.keys(await home.held())).not.toContain("transactions taxes");
  });

  test("a year of two digits is asked about, in every form, and the year that was meant is offered", async () => {
    const form = page.getByRole("form", { name: "New transaction" });
    await form.getByLabel("Date").fill("0026-01-05");
    await form.getByLabel("Amount").fill("1");
    await form.getByLabel("Who or what").fill("Tea");
    await form.getByLabel("Who or what").press("Enter");
    await form.getByRole("alert").getByText("The year 26 is far from today").waitFor();
    expect(dataOf(await home.heldBy(page)).filter(({ payee }) => payee === "Tea")).toEqual([]);
    await form.getByRole("button", { name: /No, .*2026/ }).click();
    await page.getByRole("button", { name: /Tea/ }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Date").fill("1926-01-05");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.getByRole("button", { name: "Yes, 1926" }).click();
    await dialog.waitFor({ state: "detached" });
    expect(dataOf(await home.heldBy(page)).filter(({ payee }) => payee === "Tea")).toMatchObject([
      { date: "1926-01-05" },
    ]);
  });

  test("a new account asks for its group, and holds what it was opened with, though older transactions follow", async () => {
    await page.getByRole("button", { name: "New account" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name of the account").fill("Savings");
    await dialog.getByLabel("Group", { exact: true }).selectOption("New group …");
    await dialog.getByLabel("Balance", { exact: true }).fill("1000");
    await dialog.getByLabel("as of").fill("2026-02-01");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.getByRole("alert").getByText("Type a name for the group").waitFor();
    await dialog.getByLabel("Name of the group").fill("Reserves");
    await dialog.getByRole("button", { name: "Save" }).click();
    await page.getByRole("link", { name: /Savings.*1,000\.00/ }).click();
    const form = page.getByRole("form", { name: "New transaction" });
    await form.getByLabel("Date").fill("2026-01-31");
    await enter(page, "20", "Before it");
    await page.getByText(/already includes it/).waitFor();
    await form.getByLabel("Date").fill("2026-02-01");
    await enter(page, "5", "On its day");
    await page.getByRole("link", { name: /Savings.*\D995\.00/ }).waitFor();
    await inStep(page);
    expect(profile.complaints).toEqual([]);
  });

  test("what the server rejects of a new account is set aside with all that belongs to it, and discarded with it", async () => {
    await page.getByRole("button", { name: "New account" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name of the account").evaluate((field: HTMLInputElement) => {
      field.value = "half of a sign: \ud83d";
      field.dispatchEvent(new Event("input"));
    });
    await dialog.getByLabel("Balance", { exact: true }).fill("7");
    await dialog.getByRole("button", { name: "Save" }).click();
    await page.getByText("2 entries rejected").waitFor();
    await page.getByRole("link", { name: /half of a sign/ }).click();
    await enter(page, "1", "Depends on it");
    await page.goto(`${server.url}/app/#/sync`);
    await page.getByText("These entries belong together").waitFor();
    await page.getByText("1 other entry that refers to it stays").waitFor();
    await page.getByRole("button", { name: "Discard all" }).click();
    await page.getByText("Rejected by the server").waitFor({ state: "detached" });
    await inStep(page);
    expect(openings(await home.held())).toEqual([1000]);
    await page.getByRole("link", { name: /Deleted account.*1 transaction/ }).waitFor();
  });

  test("past midnight the page books on the new day and counts up to it; a chosen day stays", async () => {
    const late = await profile.context.newPage();
    await late.clock.install({ time: new Date(2026, 5, 30, 23, 59, 30) });
    await late.goto(`${server.url}/app/#/transactions/giro`);
    const form = late.getByRole("form", { name: "New transaction" });
    await form.getByLabel("Date").fill("2026-07-01");
    await enter(late, "400", "Rent of July");
    const held = late.locator(".held");
    const before = await held.innerText();
    await late.reload();
    expect(await form.getByLabel("Date").inputValue()).toBe("2026-06-30");
    await form.getByLabel("Amount").fill("3");
    await late.clock.fastForward(60_000);
    await expect.poll(() => held.innerText()).not.toBe(before);
    expect(await form.getByLabel("Date").inputValue()).toBe("2026-07-01");
    await form.getByLabel("Date").fill("2026-06-29");
    await late.clock.fastForward(24 * 3_600_000);
    expect(await form.getByLabel("Date").inputValue()).toBe("2026-06-29");
    await late.close();
  });
});

function dataOf(held: Record<string, unknown>): Fields[] {
  return Object.values(held).map((each) => (each as { data: Fields }).data);
}

/** The amounts with which accounts were opened. */
function openings(held: Record<string, unknown>): unknown[] {
  return dataOf(held)
    .filter(({ opensAccount }) => opensAccount)
    .map(({ amount }) => amount);
}
