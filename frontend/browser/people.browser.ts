/** An owner, an editor and a viewer share a book, and each looks after devices, a name and a password. */
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findings } from "./axe.ts";
import { CHROMIUM } from "./chromium.ts";
import { Household, inStep } from "./household.ts";
import { Profile } from "./profile.ts";
import { Server } from "./server.ts";

const PASSWORD = "correct horse battery";
const NEW_PASSWORD = "another horse battery";
const LONG_NAME = `Cleo${"patra".repeat(12)}`; // a word that no phone is wide enough for

/** A person with a browser of their own: their cookies, storage and databases are nobody else's. */
class Person {
  page!: Page;

  constructor(
    readonly name: string,
    private readonly server: Server,
  ) {}

  async open(context: BrowserContext): Promise<this> {
    context.setDefaultTimeout(60_000);
    this.page = await context.newPage();
    return this;
  }

  /** By the page's own forms, as a stranger does who was sent a link. */
  async joinBy(link: string): Promise<void> {
    const { page } = this;
    await page.goto(link);
    await page.getByRole("button", { name: "Sign up" }).click();
    await page.getByLabel("Your name").fill(this.name);
    await page.getByLabel("E-mail").fill(`${this.name.toLowerCase()}@example.org`);
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByLabel("Name of this device").fill(`${this.name}'s phone`);
    await page.getByRole("button", { name: "Sign up" }).click();
    await page.getByRole("button", { name: "Join" }).click();
    await page.getByRole("heading", { name: "All accounts" }).waitFor();
    await inStep(page);
  }

  async visit(place: string): Promise<void> {
    await this.page.goto(`${this.server.url}/app/#/${place}`);
  }

  async syncNow(): Promise<void> {
    await this.visit("sync");
    await this.page.getByRole("button", { name: "Sync now" }).click();
  }

  /** Says yes to what is asked about a button's deed, `within` a part of the page. */
  async confirm(within: ReturnType<Page["locator"]>, button: string): Promise<void> {
    await within.getByRole("button", { name: button, exact: true }).click();
    await within.getByRole("group").getByRole("button", { name: button, exact: true }).click();
  }

  member(name: string): ReturnType<Page["locator"]> {
    return this.page.getByRole("region", { name: "People" }).getByRole("listitem", { name });
  }
}

describe.skipIf(!CHROMIUM)("people", () => {
  const server = new Server();
  const profile = new Profile();
  const [ada, ben, cleo] = [new Person("Ada", server), new Person("Ben", server), new Person("Cleo", server)];
  let home: Household;

  beforeAll(async () => {
    await server.start();
    await profile.start();
    const browser = profile.context.browser();
    if (!browser) throw new Error("The profile has no browser.");
    for (const person of [ada, ben, cleo]) await person.open(await browser.newContext());
    home = await new Household(server).create();
    await home.furnish([{ id: "both", payee: "Bakery", amount: -4.2 }]);
    await home.logIn(ada.page, server.url);
    await inStep(ada.page);
  });
  afterAll(() => Promise.all([profile.remove(), server.remove()]));

  async function invite(role: "Editor" | "Viewer"): Promise<string> {
    const { page } = ada;
    await ada.visit("people");
    const part = page.getByRole("region", { name: "Invite somebody" });
    await part.getByText(role, { exact: true }).first().click();
    await part.getByLabel("The invitation lasts").selectOption("3");
    await part.getByRole("button", { name: "Make an invitation" }).click();
    const made = part.getByRole("status");
    await made.getByText(`Invitation as ${role}`, { exact: false }).waitFor();
    await made.getByRole("img", { name: "QR code of the link" }).waitFor();
    return made.getByRole("textbox", { name: "Link" }).inputValue();
  }

  test("join by the links that the owner hands out, and see only what their roles allow", async () => {
    await ben.joinBy(await invite("Editor"));
    await cleo.joinBy(await invite("Viewer"));
    await ada.page.reload();
    await expect.poll(() => ada.page.getByRole("region", { name: "People" }).getByRole("listitem").count()).toBe(3);
    await ada.visit("people");
    expect(await ada.page.getByText("Open invitations").count()).toBe(0); // both were used

    await ben.visit("transactions");
    await ben.page.getByRole("form", { name: "New transaction" }).waitFor();
    await cleo.visit("transactions");
    await cleo.page.getByRole("button", { name: "Bakery" }).waitFor();
    expect(await cleo.page.getByRole("form", { name: "New transaction" }).count()).toBe(0);
    for (const person of [ben, cleo]) {
      await person.visit("people");
      await person.page.getByRole("region", { name: "People" }).getByText("Ada").waitFor();
      await person.page.getByRole("button", { name: "Leave this book" }).waitFor();
      for (const barred of ["Make an invitation", "Remove", "Make owner", "Delete this book", "Rename Household"]) {
        expect(await person.page.getByRole("button", { name: barred }).count()).toBe(0);
      }
      expect(await person.page.getByRole("combobox").count()).toBe(0);
    }
  });

  test("an invitation that was withdrawn opens nothing", async () => {
    await invite("Viewer");
    const part = ada.page.getByRole("region", { name: "Invite somebody" });
    await ada.confirm(part.getByRole("list", { name: "Open invitations" }), "Withdraw");
    await part.getByRole("status").waitFor({ state: "detached" });
    expect(await home.invitations()).toEqual([]);
  });

  test("a name and an e-mail are changed; others see the name, and one logs in with the e-mail", async () => {
    const { page } = cleo;
    await cleo.visit("you");
    const part = page.getByRole("region", { name: "Name and e-mail" });
    for (const [email, told] of [
      ["ben@example.org", "This e-mail belongs to somebody else"],
      ["cleo@home.example", "Saved."],
    ] as const) {
      await part.getByLabel("Your name").fill(LONG_NAME);
      await part.getByLabel("E-mail").fill(email);
      await part.getByRole("button", { name: "Save" }).click();
      await page.getByText(told).first().waitFor();
    }
    await cleo.visit("settings");
    await page.getByText(`Logged in as ${LONG_NAME} (cleo@home.example)`).waitFor();
    await server.ask("POST", "/auth/tokens", null, {
      email: "cleo@home.example",
      password: PASSWORD,
      device_name: "test",
    });
    await ada.visit("people");
    await ada.page.reload();
    await ada.member(LONG_NAME).waitFor();
  });

  test("a name and a role that have changed are there after the next sync", async () => {
    await ada.visit("people");
    await ada.page.getByRole("button", { name: "Rename Household" }).click();
    await ada.page.getByLabel("Name of the book").fill("Our home");
    await ada.page.getByLabel("Name of the book").press("Enter");
    await ada.page.getByRole("banner").getByText("Our home").waitFor();
    await ada.member(LONG_NAME).getByLabel(`Role of ${LONG_NAME}`).selectOption("editor");
    await ada.page.getByText(`${LONG_NAME}: Editor`).waitFor();

    await cleo.syncNow();
    await cleo.page.getByRole("banner").getByText("Our home").waitFor();
    await cleo.visit("transactions");
    await cleo.page.getByRole("form", { name: "New transaction" }).waitFor();
  });

  test("a device is given a name, which others see with its person; a conflict says both, and fields in words", async () => {
    await ben.visit("you");
    const devices = ben.page.getByRole("region", { name: "Where you are logged in" });
    await devices.getByRole("listitem", { name: "Ben's phone" }).getByText("this device").waitFor();
    await devices.getByRole("button", { name: "Rename Ben's phone" }).click();
    await devices.getByLabel("Name of this device").fill("Kitchen tablet");
    await devices.getByRole("button", { name: "Save" }).click();
    await devices.getByRole("listitem", { name: "Kitchen tablet" }).waitFor();

    await ben.visit("transactions");
    await ben.page.context().setOffline(true);
    await ben.page.getByRole("button", { name: "Bakery" }).click();
    await ben.page.getByRole("dialog").getByLabel("Note").fill("with jam");
    await ben.page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
    await home.editBeside("both", { accountId: "cash" });
    await ben.page.context().setOffline(false);
    await ben.syncNow();
    await ada.syncNow();
    for (const { page } of [ada, ben]) {
      const conflict = page.getByRole("article");
      await conflict.getByText("Ben, with “Kitchen tablet”").waitFor();
      await conflict.getByText("Cash", { exact: true }).waitFor();
      await conflict.getByText("Giro", { exact: true }).waitFor();
      await page.getByRole("row", { name: /Kitchen tablet.*Ben/ }).waitFor();
    }
    expect(await ada.page.getByRole("button", { name: "Rename Kitchen tablet" }).count()).toBe(0);
  });

  test("the views of the book's people and of oneself have no barriers, and fit a phone", async () => {
    const { page } = ada;
    const sizes = [
      { width: 390, height: 844 },
      { width: 1280, height: 900 },
    ];
    for (const [place, ready] of [
      ["people", "Make an invitation"],
      ["you", "Log out all others"],
    ] as const) {
      await ada.visit(place);
      await page.getByRole("button", { name: ready }).waitFor();
      for (const size of sizes) {
        await page.setViewportSize(size);
        expect(await findings(page)).toEqual([]);
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(size.width);
      }
    }
  });

  test("a lost device is logged out from another one", async () => {
    const lost = await ben.page.context().browser()!.newContext();
    const page = await lost.newPage();
    await page.goto(`${server.url}/app/`);
    await page.getByLabel("E-mail").fill("ben@example.org");
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByLabel("Name of this device").fill("Lost phone");
    await page.getByRole("button", { name: "Log in" }).click();
    await inStep(page);

    await ben.visit("you");
    const entry = ben.page.getByRole("listitem", { name: "Lost phone" });
    await ben.confirm(entry, "Log out");
    await entry.waitFor({ state: "detached" });
    await page.goto(`${server.url}/app/#/sync`);
    await page.getByRole("button", { name: "Sync now" }).click();
    await page.getByText("Logged out").first().waitFor();
    await lost.close();
  });

  test("a new password takes the current one", async () => {
    const { page } = ben;
    await ben.visit("you");
    const part = page.getByRole("region", { name: "Change the password" });
    for (const [current, told] of [
      ["a wrong one", "The current password is wrong"],
      [PASSWORD, "The password is changed"],
    ] as const) {
      await part.getByLabel("Current password").fill(current);
      await part.getByLabel("New password").fill(NEW_PASSWORD);
      await part.getByRole("button", { name: "Change the password" }).click();
      await page.getByText(told).first().waitFor();
    }
    const login = { email: "ben@example.org", password: NEW_PASSWORD, device_name: "test" };
    await server.ask("POST", "/auth/tokens", null, login);
    await expect(server.ask("POST", "/auth/tokens", null, { ...login, password: PASSWORD })).rejects.toThrow(/401/);
  });

  test("the book is handed over, and who owned it may leave it", async () => {
    await ada.visit("people");
    await ada.confirm(ada.member("Ben"), "Make owner");
    await ada.page.getByText("Ben owns the book now.").waitFor();
    await ada.page.getByText("It is shared with you: you may read it and write in it.").waitFor();
    await ada.confirm(ada.page.getByRole("region", { name: "Leave this book" }), "Leave this book");
    await ada.page.getByText("You left Our home.").waitFor();

    await ben.syncNow();
    await ben.visit("people");
    await ben.page.getByText("It is yours").waitFor();
    await expect.poll(() => ben.page.getByRole("region", { name: "People" }).getByRole("listitem").count()).toBe(2);
  });

  test("an account that owns a shared book says what has to be done first", async () => {
    const { page } = ben;
    await ben.visit("you");
    const account = page.getByRole("region", { name: "Delete your account" });
    await account.getByRole("button", { name: "Delete your account" }).click();
    await account.getByText("First hand over or delete what others share: Our home").waitFor();
    expect(await account.getByRole("group").getByRole("button", { name: "Delete your account" }).isDisabled()).toBe(
      true,
    );
  });

  test("an account ends, and says before what goes on without it", async () => {
    const { page } = cleo;
    await cleo.visit("you");
    const part = page.getByRole("region", { name: "Delete your account" });
    await part.getByRole("button", { name: "Delete your account" }).click();
    await part.getByText("Goes on without you: Our home").waitFor();
    await part.getByRole("group").getByRole("button", { name: "Delete your account" }).click();
    await page.getByRole("heading", { name: "Log in" }).waitFor();
    const login = { email: "cleo@home.example", password: PASSWORD, device_name: "test" };
    await expect(server.ask("POST", "/auth/tokens", null, login)).rejects.toThrow(/401/);
  });

  test("a book is deleted by its name", async () => {
    const { page } = ben;
    await ben.visit("people");
    const end = page.getByRole("region", { name: "Delete this book" });
    await end.getByRole("button", { name: "Delete this book" }).click();
    const asked = end.getByRole("group");
    expect(await asked.getByRole("button", { name: "Delete this book" }).isDisabled()).toBe(true);
    await asked.getByLabel("Name of the book").fill("Our home");
    await asked.getByRole("button", { name: "Delete this book" }).click();
    await page.getByText("Our home was deleted.").waitFor();
    expect(
      await server.ask(
        "GET",
        "/tenants",
        await ben.page.evaluate(
          () => (JSON.parse(localStorage.getItem("finwise.session") ?? "{}") as { token: string }).token,
        ),
      ),
    ).toEqual([]);
    expect(profile.complaints).toEqual([]);
  });
});
