/** A person signs up and keeps a book: by the forms, by the keyboard, in two languages. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHROMIUM } from "./chromium.ts";
import { enter, inStep } from "./household.ts";
import { Profile } from "./profile.ts";
import { Server } from "./server.ts";

describe.skipIf(!CHROMIUM)("every day", () => {
  const server = new Server();
  const profile = new Profile();

  beforeAll(async () => {
    await server.start();
    await profile.start();
  });
  afterAll(() => Promise.all([profile.remove(), server.remove()]));

  test("signing up, a first book, a first account with what is in it", async () => {
    const { page } = profile;
    await page.goto(server.url);
    await page.getByRole("link", { name: "Open your account book" }).click();
    await page.getByRole("button", { name: "Sign up" }).click();
    await page.getByLabel("Your name").fill("Grace");
    await page.getByLabel("E-mail").fill("grace@example.org");
    await page.getByLabel("Password").fill("correct horse battery");
    await page.getByRole("button", { name: "Sign up" }).click();
    await page.getByLabel("Name of the book").fill("Household");
    await page.getByRole("button", { name: "Create book" }).click();
    await page.getByRole("button", { name: "New account" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name of the account").fill("Giro");
    await dialog.getByLabel("Name of the group").fill("Bank");
    await dialog.getByLabel("Balance", { exact: true }).fill("1,234.50");
    await dialog.getByRole("button", { name: "Save" }).click();
    await page.getByRole("link", { name: /Giro.*1,234\.50/ }).waitFor();
    await page.getByRole("button", { name: /Opening balance/ }).waitFor();
    await inStep(page);
  });

  test("entering, moving, editing, deleting and taking back with the keyboard alone", async () => {
    const { page } = profile;
    const focused = (): Promise<string | undefined> => page.evaluate(() => document.activeElement?.textContent?.trim());
    const type = async (amount: string, payee: string): Promise<void> => {
      await page.keyboard.type(amount);
      await page.keyboard.press("Tab");
      await page.keyboard.type(payee);
      await page.keyboard.press("Enter");
    };
    await page.keyboard.press("n");
    await type("12.5", "Bakery");
    await page.getByRole("button", { name: /Bakery.*−.12\.50/ }).waitFor();
    await type("+20", "Flea market");
    await page.getByRole("button", { name: /Flea market.*\+.20\.00/ }).waitFor();

    await page.locator("ol.lines button[tabindex='0']").focus();
    await page.keyboard.press("Home");
    expect(await focused()).toContain("Flea market");
    await page.keyboard.press("ArrowDown");
    expect(await focused()).toContain("Bakery");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.type("-13"); // the amount has the focus, and all of it is chosen
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: /Bakery.*−.13\.00/ }).waitFor();
    await page.getByRole("button", { name: /Bakery/ }).focus();
    await page.keyboard.press("Delete");
    await page.getByRole("button", { name: /Bakery/ }).waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByRole("button", { name: /Bakery.*−.13\.00/ }).waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("flea");
    await page.getByText("1 found").waitFor();
    await page.keyboard.press("Escape");
    await page.getByText("3 transactions").waitFor();
  });

  test("a transfer is one entry and two transactions that sum to nothing", async () => {
    const { page } = profile;
    await page.getByRole("button", { name: "New account" }).click();
    await page.getByRole("dialog").getByLabel("Name of the account").fill("Cash");
    await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
    await page.getByRole("link", { name: /Cash/ }).waitFor();
    const form = page.getByRole("form", { name: "New transaction" });
    await form.getByRole("radio", { name: "Transfer" }).check();
    await form.getByLabel("Amount").fill("100");
    await form.getByLabel("To account").selectOption({ label: "Cash" });
    await form.getByRole("button", { name: "Add" }).click();
    await page.getByRole("link", { name: /Cash.*100\.00/ }).waitFor();
    await page.getByRole("link", { name: /Giro.*1,141\.50/ }).waitFor();
    await page.getByRole("link", { name: /All accounts.*1,241\.50/ }).waitFor();
    await page
      .getByRole("button", { name: /Giro → Cash/ })
      .first()
      .click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByRole("link", { name: /Cash.*0\.00/ }).waitFor();
    await page.getByRole("link", { name: /Giro.*1,241\.50/ }).waitFor();
  });

  test("in German everything is German, numbers included", async () => {
    const { page } = profile;
    await page.goto(`${server.url}/app/#/settings`);
    await page.getByRole("radio", { name: "Deutsch" }).check();
    await page.getByRole("heading", { name: "Einstellungen" }).waitFor();
    expect(await page.evaluate(() => document.documentElement.lang)).toBe("de");
    await page.goto(`${server.url}/app/#/transactions`);
    await page.getByRole("link", { name: /Alle Konten.*1\.241,50/ }).waitFor();
    const form = page.getByRole("form", { name: "Neue Buchung" });
    await form.getByLabel("Betrag").fill("1.000,25");
    await form.getByLabel("Wer oder was").fill("Miete");
    await form.getByLabel("Wer oder was").press("Enter");
    await page.getByRole("button", { name: /Miete.*−1\.000,25/ }).waitFor();
    await page.goto(`${server.url}/app/#/settings`);
    await page.getByRole("radio", { name: "English" }).check();
  });

  test("what the server does not take is set aside, with the reason, until it is discarded", async () => {
    const { page } = profile;
    await page.goto(`${server.url}/app/#/transactions`);
    const form = page.getByRole("form", { name: "New transaction" });
    await form.getByLabel("Amount").fill("1");
    await form.getByLabel("Who or what").evaluate((field: HTMLInputElement) => {
      field.value = "half of a sign: \ud83d";
      field.dispatchEvent(new Event("input"));
    });
    await form.getByLabel("Who or what").press("Enter");
    await page.getByText("1 entry rejected").waitFor();
    await enter(page, "2", "Good one"); // the bad one blocks nobody
    await inStep(page);
    await page.goto(`${server.url}/app/#/sync`);
    await page.getByText(/^The server does not take/).waitFor();
    expect(await page.getByText(/invalid_/).count()).toBe(0);
    await page.getByRole("button", { name: "Discard" }).click();
    await page.getByText("Rejected by the server").waitFor({ state: "detached" });
    await page.goto(`${server.url}/app/#/transactions`);
    await page.getByRole("button", { name: /Good one/ }).waitFor();
    await page.getByRole("button", { name: /half of a sign/ }).waitFor({ state: "detached" });
  });

  test("the export has what the server does not have yet", async () => {
    const { page } = profile;
    await page.goto(`${server.url}/app/#/transactions`);
    await profile.context.setOffline(true);
    await enter(page, "7", "Not sent yet");
    await page.goto(`${server.url}/app/#/settings`);
    const downloading = page.waitForEvent("download");
    await page.getByRole("button", { name: /on this device/ }).click();
    const book = JSON.parse(readFileSync((await (await downloading).path()) ?? "", "utf8")) as {
      transactions: { payee: string }[];
    };
    expect(book.transactions.map(({ payee }) => payee)).toContain("Not sent yet");
    await profile.context.setOffline(false);
  });

  test("logging out keeps the book here, and logging in goes on with it", async () => {
    const { page } = profile;
    await page.getByRole("button", { name: "Log out", exact: true }).click();
    await page.getByLabel("E-mail").fill("grace@example.org");
    await page.getByLabel("Password").fill("wrong");
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByRole("alert").getByText("Wrong e-mail or password").waitFor();
    await page.getByLabel("Password").fill("correct horse battery");
    await page.getByRole("button", { name: "Log in" }).click();
    await page.goto(`${server.url}/app/#/transactions`);
    await page.getByRole("button", { name: /Not sent yet/ }).waitFor();
    await inStep(page);
    expect(profile.complaints).toEqual([]);
  });
});
