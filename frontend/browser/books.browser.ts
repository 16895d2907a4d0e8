/** Several books, tabs and people on one device: what is done in a book stays in it, and what is on the device can be reached. */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findings } from "./axe.ts";
import { CHROMIUM } from "./chromium.ts";
import { Gate } from "./gate.ts";
import { enter, Household, inStep } from "./household.ts";
import { Profile } from "./profile.ts";
import { Server } from "./server.ts";

describe.skipIf(!CHROMIUM)("books", () => {
  const server = new Server();
  const profile = new Profile();
  let home: Household;
  const club = randomUUID();

  beforeAll(async () => {
    await server.start();
    await profile.start();
    home = await new Household(server).create("Private");
    await home.furnish([
      { id: "one", payee: "Bakery", amount: -4.2 },
      { id: "two", payee: "Doctor", amount: -30 },
    ]);
    await home.logIn(profile.page, server.url);
  });
  afterAll(() => Promise.all([profile.remove(), server.remove()]));

  const brand = (page: Page, name: string): Promise<void> =>
    page.locator("header").getByText(name, { exact: true }).waitFor();
  const at = (page: Page, place: string): Promise<unknown> => page.goto(`${server.url}/app/#/${place}`);
  const lineOf = (page: Page, name: string) => page.getByRole("listitem").filter({ hasText: name });
  const choose = async (page: Page, name: string): Promise<void> => {
    await at(page, "books");
    await lineOf(page, name).getByRole("button").first().click();
    await brand(page, name);
  };

  test("somebody with one book reaches the list, and makes a second one", async () => {
    const { page } = profile;
    await at(page, "settings");
    await page.getByRole("link", { name: "Choose another book" }).click();
    await lineOf(page, "Private").getByText("yours · on this device").waitFor();
    await page.reload(); // the list stays, although there is only one book to choose
    await lineOf(page, "Private").waitFor();
    await page.getByRole("link", { name: "Back to the book" }).click();
    await brand(page, "Private");
    await at(page, "books");
    await page.getByLabel("Name of the book").fill("Garden");
    await page.getByRole("button", { name: "Create book" }).click();
    await brand(page, "Garden");
    await inStep(page);
  });

  test("an undo, an open dialog and what is half typed end when another book is chosen, and reach neither", async () => {
    const { page } = profile;
    await server.ask("POST", "/tenants", home.token, { uuid: club, name: "Club" });
    await choose(page, "Private");
    await page.getByRole("button", { name: "Doctor" }).focus();
    await page.keyboard.press("Delete");
    await page.getByRole("button", { name: "Undo" }).waitFor();
    await page.getByRole("button", { name: "Bakery" }).click();
    await page.getByRole("dialog").getByLabel("Note").fill("half typed");
    await choose(page, "Club");
    expect(await page.getByRole("button", { name: "Undo" }).count()).toBe(0);
    expect(await page.getByRole("dialog").count()).toBe(0);
    await inStep(page);
    const held = await server.ask<{ changes: unknown[] }>("GET", `/sync/initial/${club}`, home.token);
    expect(held.changes).toEqual([]);
    await choose(page, "Private");
    await inStep(page);
    expect(JSON.stringify(await home.held())).not.toMatch(/Doctor|half typed/);
  });

  test("another tab that chooses another book leaves this one, and what is half typed in it, alone", async () => {
    const { page, context } = profile;
    await at(page, "transactions");
    await page.getByRole("form", { name: "New transaction" }).getByLabel("Who or what").fill("half typed");
    const other = await context.newPage();
    await choose(other, "Garden");
    await brand(page, "Private");
    expect(await page.getByRole("form", { name: "New transaction" }).getByLabel("Who or what").inputValue()).toBe(
      "half typed",
    );
    const fresh = await context.newPage();
    await at(fresh, "transactions");
    await brand(fresh, "Garden"); // what was chosen last, in whichever tab
    await page.reload();
    await brand(page, "Private");
    await Promise.all([other.close(), fresh.close()]);
  });

  test("a role and a name that others have changed are there after the next sync", async () => {
    const { page } = profile;
    const guest = await new Household(server).create("Own");
    const { code } = await server.ask<{ code: string }>("POST", `/tenants/${home.tenantId}/invitations`, home.token, {
      role: "editor",
    });
    await server.ask("POST", "/invitations/accept", guest.token, { code });
    const [user] = await server
      .ask<{ user_id: string }[]>("GET", `/tenants/${home.tenantId}/members`, home.token)
      .then((all) => all.slice(-1));
    const visitor = new Profile();
    try {
      await visitor.start();
      await visitor.page.goto(`${server.url}/app/`);
      await guest.fillLogin(visitor.page);
      await choose(visitor.page, "Private");
      await visitor.page.getByRole("form", { name: "New transaction" }).waitFor();
      await server.ask("PATCH", `/tenants/${home.tenantId}/members/${user?.user_id}`, home.token, { role: "viewer" });
      await server.ask("PATCH", `/tenants/${home.tenantId}`, home.token, { name: "Family" });
      await at(visitor.page, "sync");
      await visitor.page.getByRole("button", { name: "Sync now" }).click();
      await brand(visitor.page, "Family");
      await at(visitor.page, "transactions");
      await visitor.page.getByRole("button", { name: "Bakery" }).waitFor();
      expect(await visitor.page.getByRole("form", { name: "New transaction" }).count()).toBe(0);
      expect(await visitor.page.getByRole("button", { name: "New account" }).count()).toBe(0);
      expect(visitor.complaints).toEqual([]);
    } finally {
      await visitor.remove();
    }
    await server.ask("PATCH", `/tenants/${home.tenantId}`, home.token, { name: "Private" });
    await page.bringToFront();
  });

  test("a book that its owner deleted can be read, exported and removed, with a word about what was never sent", async () => {
    const { page, context } = profile;
    await choose(page, "Private");
    await inStep(page);
    await context.setOffline(true);
    await enter(page, "7", "Never sent");
    await server.ask("DELETE", `/tenants/${home.tenantId}`, home.token);
    await context.setOffline(false);
    await page.getByText("The server no longer lists this book").waitFor();
    expect(await page.getByRole("button", { name: "Undo" }).count()).toBe(0);
    expect(await page.getByRole("form", { name: "New transaction" }).count()).toBe(0);
    await at(page, "books");
    await page.reload();
    await lineOf(page, "Private").getByText("only on this device, to read · 1 change never sent").waitFor();
    const downloading = page.waitForEvent("download");
    await page.getByRole("button", { name: "Export: Private" }).click();
    const book = JSON.parse(readFileSync((await (await downloading).path()) ?? "", "utf8")) as {
      transactions: { payee: string }[];
    };
    expect(book.transactions.map(({ payee }) => payee)).toContain("Never sent");

    await choose(page, "Private");
    await page.getByRole("button", { name: "Never sent" }).waitFor();
    expect(await page.getByRole("button", { name: "New account" }).count()).toBe(0);
  });

  test("somebody else who logs in on this device sees nothing of it, and its reader does again", async () => {
    const { page } = profile;
    const stranger = await new Household(server).create("Elsewhere");
    await at(page, "books");
    await page.getByRole("button", { name: "Log out" }).click();
    await stranger.fillLogin(page);
    await brand(page, "Elsewhere");
    await at(page, "books");
    await lineOf(page, "Elsewhere").waitFor();
    expect(await lineOf(page, "Private").count()).toBe(0);
    await page.getByRole("button", { name: "Log out" }).click();
    await home.fillLogin(page);
    await at(page, "books");
    await page.getByRole("button", { name: "Remove from this device: Private" }).click();
    await page.getByRole("alert").getByText("1 change was never sent").waitFor();
    expect(await findings(page)).toEqual([]);
    await page.getByRole("button", { name: "Remove", exact: true }).click();
    await lineOf(page, "Private").waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Remove from this device: Garden" }).click();
    await page.getByRole("button", { name: "Remove", exact: true }).click();
    await lineOf(page, "Garden").getByText("yours · not on this device yet").waitFor();
    expect(await page.getByRole("alert").count()).toBe(0);
    const names = await page.evaluate(() => indexedDB.databases().then((all) => all.map(({ name }) => name)));
    expect(names).not.toContain(`FinwiseTenantDB_${home.tenantId}`);
  });

  test("somebody whose login has expired goes on with what is on the device, and logs in later", async () => {
    const { page, context } = profile;
    await choose(page, "Garden");
    await inStep(page);
    const { tokenId, token } = await page.evaluate(
      () => JSON.parse(localStorage.getItem("finwise.session") ?? "") as { tokenId: string; token: string },
    );
    await server.ask("DELETE", `/auth/tokens/${tokenId}`, token);
    await at(page, "sync");
    await page.getByRole("button", { name: "Sync now" }).click();
    await page.getByRole("button", { name: "Log in" }).click();
    await context.setOffline(true);
    await page.getByRole("button", { name: "Go on without logging in" }).click();
    await brand(page, "Garden");
    await context.setOffline(false);
    await page.getByRole("button", { name: "Log in" }).click();
    await home.fillLogin(page);
    await brand(page, "Garden");
    await inStep(page);
  });

  test("an invitation's link is still there after signing up, and joins the book", async () => {
    const { code } = await server.ask<{ code: string }>("POST", `/tenants/${club}/invitations`, home.token, {
      role: "editor",
    });
    const guest = new Profile();
    try {
      const page = await guest.start();
      await page.goto(`${server.url}/app/#/join/${code}`);
      await page.getByText("Somebody invites you to a book").waitFor();
      await page.getByRole("button", { name: "Sign up" }).click();
      await page.getByLabel("Your name").fill("Ben");
      await page.getByLabel("E-mail").fill("ben@example.org");
      await page.getByLabel("Password").fill("correct horse battery");
      await page.getByRole("button", { name: "Sign up" }).click();
      await page.getByText("You are logged in as Ben").waitFor();
      expect(await findings(page)).toEqual([]);
      await page.reload();
      await page.getByRole("button", { name: "Join" }).click();
      await brand(page, "Club");
      await page.goto(`${server.url}/app/#/join/no-such-code`);
      await page.getByRole("button", { name: "Join" }).click();
      await page.getByText("This invitation is no longer valid").waitFor();
      expect(guest.complaints).toEqual([]);
    } finally {
      await guest.remove();
    }
    expect(profile.complaints).toEqual([]);
  });
});

describe.skipIf(!CHROMIUM)("a first load", () => {
  const server = new Server();
  const profile = new Profile();
  let gate: Gate;

  beforeAll(async () => {
    await server.start();
    gate = await new Gate(server.url).open();
    await profile.start();
  });
  afterAll(async () => {
    gate.close();
    await Promise.all([profile.remove(), server.remove()]);
  });

  test("that is cut off looks like no empty book, neither then nor after a reload, and ends when the line holds", async () => {
    const { page } = profile;
    const home = await new Household(server).create();
    await home.furnish(
      Array.from({ length: 400 }, (_, at) => ({ id: `transaction-${at}`, payee: `Payee ${at}`, amount: -1 })),
    );
    gate.cutLoads();
    await page.goto(`${gate.url}/app/`);
    await home.fillLogin(page);
    const expectWaiting = async (): Promise<void> => {
      await page.getByRole("heading", { name: "The book is not on this device yet" }).waitFor();
      await page.getByText(/The connection was lost after \d+ entries/).waitFor();
      const shown = await page.locator("body").innerText();
      expect(shown).not.toMatch(/No account yet|All accounts|0\.00|New account|New transaction/);
    };
    await expectWaiting();
    await page.goto(`${gate.url}/app/#/accounts`);
    await page.reload();
    await expectWaiting();
    await page.goto(`${gate.url}/app/#/settings`);
    await page.getByRole("heading", { name: "Settings" }).waitFor();
    expect(await page.getByRole("button", { name: /Export what is/ }).count()).toBe(0);
    await page.goto(`${gate.url}/app/#/transactions`);
    gate.mend();
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByText("400 transactions").waitFor();
    expect(profile.complaints).toEqual([]);
  });
});
