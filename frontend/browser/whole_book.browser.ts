/** What an owner does with a whole book in the page: bring one, take it away, empty it. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHROMIUM } from "./chromium.ts";
import { Household, inStep } from "./household.ts";
import { Profile } from "./profile.ts";
import { Server } from "./server.ts";

const LEDGER = resolve(import.meta.dirname, "../../tests/data/ledger.json");

describe.skipIf(!CHROMIUM)("a whole book", () => {
  const server = new Server();
  const profile = new Profile();
  let home: Household;
  let page: Page;

  beforeAll(async () => {
    await server.start();
    page = await profile.start();
    home = await new Household(server).create();
    await home.furnish([{ id: "one", payee: "Bakery", amount: -4.2 }]);
    await home.logIn(page, server.url);
    await inStep(page);
  });
  afterAll(() => Promise.all([profile.remove(), server.remove()]));

  const part = (title: string) => page.getByRole("region", { name: title });

  async function bring(
    file: string | { name: string; mimeType: string; buffer: Buffer },
    winsAlways = false,
  ): Promise<void> {
    await page.goto(`${server.url}/app/#/settings`);
    await part("Import").getByLabel("File with a book").setInputFiles(file);
    await part("Import").getByRole("checkbox", { name: "The file wins" }).setChecked(winsAlways);
    await part("Import").getByRole("button", { name: "Import" }).click();
  }

  async function taken(type: string): Promise<string> {
    await page.goto(`${server.url}/app/#/settings`);
    const downloading = page.waitForEvent("download");
    await page.getByRole("button", { name: `Export what is on the server (${type})` }).click();
    return (await (await downloading).path()) ?? "";
  }

  test("a file that is no book is refused in words, and changes nothing", async () => {
    const before = await home.held();
    await bring({ name: "letter.txt", mimeType: "text/plain", buffer: Buffer.from("Dear Ada") });
    await part("Import").getByRole("alert").getByText("cannot read this file as a book").waitFor();
    expect(await home.held()).toEqual(before);
  });

  test("an import says what became of it, and why an entry was rejected, and comes to this device", async () => {
    const book = {
      tags: [
        { id: "holiday", name: "Holiday" },
        { id: "not an id", name: "Odd" },
      ],
    };
    await bring({ name: "book.json", mimeType: "application/json", buffer: Buffer.from(JSON.stringify(book)) });
    await part("Import").getByText("1 entry imported. 1 entry was rejected:").waitFor();
    expect(await part("Import").getByRole("listitem").allTextContents()).toHaveLength(1);
    await expect.poll(async () => Object.keys(await home.heldBy(page)), { timeout: 30_000 }).toContain("tags holiday");
  });

  test("an import goes on while another view is shown", async () => {
    let letGo = (): void => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    await page.route("**/import?*", async (route) => {
      await held;
      await route.continue();
    });
    await bring(LEDGER);
    await part("Import").getByRole("progressbar").waitFor();
    await page.goto(`${server.url}/app/#/sync`);
    letGo();
    await page.goto(`${server.url}/app/#/settings`);
    await part("Import")
      .getByText(/entries imported/)
      .waitFor();
    await page.unroute("**/import?*");
  });

  test("an import can be cancelled, and nothing of it is stored", async () => {
    const before = await home.held();
    await page.route("**/import?*", () => undefined); // no answer comes
    await bring({ name: "book.json", mimeType: "application/json", buffer: Buffer.from('{"tags": [{"id": "late"}]}') });
    await part("Import").getByRole("button", { name: "Cancel" }).click();
    await part("Import").getByRole("alert").getByText("The import was cancelled.").waitFor();
    await page.unroute("**/import?*");
    expect(await home.held()).toEqual(before);
  });

  test("an owner empties the book after typing its name, and brings it back from the exported file", async () => {
    const before = await home.held();
    const file = await taken("SQLite");
    expect(readFileSync(file).subarray(0, 15).toString()).toBe("SQLite format 3");
    expect(Object.keys(JSON.parse(readFileSync(await taken("JSON"), "utf8")) as object)).toContain("tags");
    await part("Empty this book").getByRole("button").click();
    const sure = part("Empty this book").getByRole("group").getByRole("button", { name: "Empty this book" });
    await part("Empty this book").getByLabel("Name of the book").fill("Househol");
    expect(await sure.isDisabled()).toBe(true);
    await part("Empty this book").getByLabel("Name of the book").fill("Household");
    await sure.click();
    await page.getByText(/^Deleted: /).waitFor();
    expect(await home.held()).toEqual({});
    await expect.poll(async () => Object.keys(await home.heldBy(page)), { timeout: 30_000 }).toEqual([]);

    await bring(file); // what was deleted later than the file says stays deleted
    await part("Import")
      .getByText(/^0 entries imported.* newer or deleted here and stayed so/)
      .waitFor();
    await bring(file, true);
    await part("Import")
      .getByText(/^[1-9].* entries imported/)
      .waitFor();
    const contents = (held: Record<string, unknown>) =>
      Object.fromEntries(Object.entries(held).map(([name, entity]) => [name, (entity as { data: object }).data]));
    expect(contents(await home.held())).toEqual(contents(before));
  });

  test("who does not own the book can export it, and is offered neither import nor emptying", async () => {
    const guest = await new Household(server).create("Own");
    const { code } = await server.ask<{ code: string }>("POST", `/tenants/${home.tenantId}/invitations`, home.token, {
      role: "editor",
    });
    await server.ask("POST", "/invitations/accept", guest.token, { code });
    const visitor = new Profile();
    try {
      await visitor.start();
      await visitor.page.goto(`${server.url}/app/`);
      await guest.fillLogin(visitor.page);
      await visitor.page.getByRole("button", { name: "Household" }).click();
      await inStep(visitor.page);
      await visitor.page.goto(`${server.url}/app/#/settings`);
      await visitor.page.getByRole("button", { name: "Export what is on the server (JSON)" }).waitFor();
      expect(await visitor.page.getByText("File with a book").count()).toBe(0);
      expect(await visitor.page.getByRole("button", { name: "Empty this book" }).count()).toBe(0);
    } finally {
      await visitor.remove();
    }
  });
});
