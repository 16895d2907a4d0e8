/** A browser that does not keep what it should: the page says so in a sentence, and loses nothing that somebody typed. */
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { CHROMIUM } from "./chromium.ts";
import { enter, Household, inStep } from "./household.ts";
import { Profile } from "./profile.ts";
import { Server } from "./server.ts";

describe.skipIf(!CHROMIUM)("a browser that keeps nothing", () => {
  const server = new Server();
  const profile = new Profile();
  let page: Page;

  beforeAll(async () => {
    await server.start();
    const home = await new Household(server).create();
    await home.furnish([{ id: "one", payee: "Bakery", amount: -4.2 }]);
    await home.logIn(await profile.start(), server.url);
    await inStep(profile.page);
  });
  afterAll(() => Promise.all([profile.remove(), server.remove()]));
  afterEach(() => page.close());

  /** The page in a tab of its own, after something was done to the browser. */
  async function open(sabotage: () => void): Promise<Page> {
    page = await profile.context.newPage();
    await page.addInitScript(sabotage);
    await page.goto(`${server.url}/app/#/transactions`);
    return page;
  }

  const said = (text: RegExp): Promise<void> => page.getByRole("alert").getByText(text).first().waitFor();

  test("no IndexedDB", async () => {
    await open(() => Object.defineProperty(window, "indexedDB", { value: undefined }));
    await said(/keeps no databases/);
    expect(await page.getByText("No account yet").count()).toBe(0);
  });

  test("IndexedDB that is denied", async () => {
    await open(() => {
      indexedDB.open = () => {
        throw new DOMException("denied", "SecurityError");
      };
    });
    await said(/Allow cookies and site data/);
  });

  test("IndexedDB that is damaged", async () => {
    await open(() => {
      const { open } = IDBFactory.prototype;
      IDBFactory.prototype.open = function (name) {
        const asked = open.call(this, `${name} damaged`);
        const failed = new Event("error", { bubbles: true, cancelable: true });
        Object.defineProperty(asked, "error", {
          value: new DOMException("Internal error opening backing store", "UnknownError"),
        });
        Object.defineProperty(asked, "onsuccess", {
          set: () => {
            queueMicrotask(() => asked.dispatchEvent(failed));
          },
        });
        return asked;
      };
    });
    await said(/cannot read or write the book/);
  });

  test("IndexedDB that never answers; leaving the book works all the same", async () => {
    await open(() => {
      const open = IDBFactory.prototype.open;
      IDBFactory.prototype.open = function (...given) {
        const asked = open.apply(this, given);
        for (const name of ["onsuccess", "onerror", "onupgradeneeded"])
          Object.defineProperty(asked, name, { set() {} });
        return asked;
      };
    });
    await said(/does not open the book/);
    await page.getByRole("link", { name: "Choose another book" }).click();
    await page.getByRole("button", { name: "Household" }).waitFor();
  });

  test("a full disk: the entry stays in its form, and is stored once there is room", async () => {
    await open(() => {
      const { put } = IDBObjectStore.prototype;
      IDBObjectStore.prototype.put = function (...given) {
        if ("isFull" in window && window.isFull) throw new DOMException("no room", "QuotaExceededError");
        return put.apply(this, given);
      };
    });
    await inStep(page);
    const fill = (isFull: boolean): Promise<void> =>
      page.evaluate((value) => void Object.assign(window, { isFull: value }), isFull);
    await fill(true);
    const form = page.getByRole("form", { name: "New transaction" });
    await form.getByLabel("Amount").fill("12.50");
    await form.getByLabel("Who or what").fill("Market");
    await form.getByLabel("Who or what").press("Enter");
    await page
      .getByRole("dialog")
      .getByText(/This device is full/)
      .waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Close" }).last().click();
    expect(await form.getByLabel("Amount").inputValue()).toBe("12.50");
    expect(await form.getByLabel("Who or what").inputValue()).toBe("Market");
    await fill(false);
    await form.getByLabel("Who or what").press("Enter");
    await page.getByRole("button", { name: "Market" }).waitFor();
    await inStep(page);
  });

  test("a dialog that cannot store keeps what was typed", async () => {
    await open(() => undefined);
    await inStep(page);
    await page.getByRole("button", { name: "Bakery" }).click();
    const dialog = page.getByRole("dialog", { name: "Edit transaction" });
    await dialog.getByLabel("Note").fill("Typed with care");
    await page.evaluate(() => {
      IDBObjectStore.prototype.put = () => {
        throw new DOMException("Internal error", "UnknownError");
      };
    });
    await dialog.getByRole("button", { name: "Save" }).click();
    const trouble = page.getByRole("dialog", { name: "That did not work" });
    await trouble.getByText(/cannot read or write/).waitFor();
    await page.keyboard.press("Escape");
    await trouble.waitFor({ state: "detached" });
    expect(await dialog.getByLabel("Note").inputValue()).toBe("Typed with care");
  });

  test("site data that is cleared while the page is open: no empty book is shown in its place", async () => {
    await open(() => undefined);
    await inStep(page);
    await page.getByRole("button", { name: "Bakery" }).waitFor();
    const devtools = await profile.context.newCDPSession(page);
    await devtools.send("Storage.clearDataForOrigin", { origin: server.url, storageTypes: "indexeddb" });
    await said(/no longer has the book/);
    expect(await page.getByText("No account yet").count()).toBe(0);
    expect(await page.getByRole("button", { name: "Bakery" }).count()).toBe(1);
    expect(await page.getByRole("dialog").count()).toBe(0);
    await page.getByRole("alert").getByRole("button", { name: "Reload" }).click();
    await page.getByRole("button", { name: "Bakery" }).waitFor();
    await inStep(page);
  });

  test("site data that is cleared during the first load: Try again loads the book", async () => {
    await open(() => undefined);
    await inStep(page);
    const devtools = await profile.context.newCDPSession(page);
    const clear = () => devtools.send("Storage.clearDataForOrigin", { origin: server.url, storageTypes: "indexeddb" });
    await page.route("**/sync/initial/**", () => undefined); // no answer comes
    await clear();
    await page.reload();
    await page.getByTestId("load-progress").waitFor();
    await clear();
    await said(/no longer has the book/);
    await page.unroute("**/sync/initial/**");
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByRole("button", { name: "Bakery" }).waitFor();
    await inStep(page);
  });

  test("nothing at all is kept, and languages and time are odd: the page works until it is closed, and says so", async () => {
    await open(() => {
      const denied = (): never => {
        throw new DOMException("denied", "SecurityError");
      };
      for (const name of ["localStorage", "sessionStorage"]) Object.defineProperty(window, name, { get: denied });
      Object.defineProperty(Navigator.prototype, "serviceWorker", { get: denied });
      Object.defineProperty(Navigator.prototype, "languages", { value: [] });
      Object.defineProperty(Navigator.prototype, "language", { value: "C" });
      navigator.locks.request = () => Promise.reject(new DOMException("denied", "SecurityError"));
      navigator.storage.persist = () => Promise.reject(new TypeError("denied"));
      window.BroadcastChannel = class extends EventTarget {
        constructor() {
          super();
          denied();
        }
      } as never;
      Object.assign(Intl, { DisplayNames: undefined });
    });
    const home = await new Household(server).create();
    await home.furnish();
    await home.logIn(page, server.url);
    await page.getByText(/keeps nothing for this page/).waitFor();
    await enter(page, "3", "Newspaper");
    await inStep(page);
    await page.goto(`${server.url}/app/#/settings`);
    await page.getByLabel("Currency").first().waitFor();
    expect(JSON.stringify(await home.held())).toContain("Newspaper");
  });
});

describe.skipIf(!CHROMIUM)("a page that does not start", () => {
  const server = new Server();
  const profile = new Profile();

  beforeAll(async () => {
    await server.start();
    await profile.start();
    await profile.page.addInitScript(() => {
      Object.defineProperty(Navigator.prototype, "language", { value: "de-DE" });
      Object.defineProperty(Navigator.prototype, "languages", { value: ["de-DE"] });
    });
  });
  afterAll(() => Promise.all([profile.remove(), server.remove()]));

  test.each([
    ["its script does not come", async () => profile.page.route("**/assets/*.js", (route) => route.abort())],
    [
      "its script is newer than the browser",
      async () =>
        profile.page.route("**/assets/*.js", (route) =>
          route.fulfill({ contentType: "text/javascript", body: "let 1 = ?;" }),
        ),
    ],
    [
      "it fails while it starts",
      async () =>
        profile.page.route("**/assets/*.js", (route) =>
          route.fulfill({ contentType: "text/javascript", body: "throw new Error('no')" }),
        ),
    ],
  ])("says so in the person's language, and how to go on: %s", async (_, sabotage) => {
    await sabotage();
    await profile.page.goto(`${server.url}/app/`);
    await profile.page.getByRole("alert").getByText("Lade sie neu").waitFor();
    await profile.page.unroute("**/assets/*.js");
    await profile.page.getByRole("link", { name: "Neu laden" }).click();
    await profile.page.getByLabel("E-Mail").waitFor();
    expect(new URL(profile.page.url()).search).toBe("");
    await profile.page.evaluate(() => navigator.serviceWorker.getRegistration().then((found) => found?.unregister()));
  });
});
