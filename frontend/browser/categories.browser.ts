/** Groups and categories are managed in the page, and the currency is the book's: in two browsers. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHROMIUM } from "./chromium.ts";
import { transaction, change, enter, Household, inStep } from "./household.ts";
import { Profile } from "./profile.ts";
import { Server } from "./server.ts";

describe.skipIf(!CHROMIUM)("categories and the currency", () => {
  const server = new Server();
  const [left, right] = [new Profile(), new Profile()];
  const home = new Household(server);
  const old = {
    budgeted: 0,
    activity: 0,
    available: 0,
    isIncomeCategory: false,
    isHidden: false,
    isActive: true,
    sortOrder: 0,
    icon: "🛒",
  };

  beforeAll(async () => {
    await server.start();
    await home.create();
    await Promise.all([left.start(), right.start()]);
  });
  afterAll(() => Promise.all([left.remove(), right.remove(), server.remove()]));

  const data = async (key: string): Promise<unknown> => (((await home.held())[key] ?? {}) as { data?: unknown }).data;

  test("a new book takes its currency and a few categories as one group of changes, once its owner wants them", async () => {
    const { page } = left;
    await home.logIn(page, server.url);
    await page.getByRole("heading", { name: "Set up this book" }).waitFor();
    expect(await home.held()).toEqual({});
    await inStep(page);
    await left.context.setOffline(true);
    await page.getByLabel("Currency of this book").selectOption("JPY");
    await page.getByRole("button", { name: "Set up", exact: true }).click();
    await page.getByRole("heading", { name: "Set up this book" }).waitFor({ state: "detached" });
    const groups = await page.evaluate(async (name) => {
      const db = await new Promise<IDBDatabase>(
        (resolve) => (indexedDB.open(name).onsuccess = (event) => resolve((event.target as IDBOpenDBRequest).result)),
      );
      const reading = db.transaction("syncQueue").objectStore("syncQueue").getAll();
      const queue = await new Promise<{ group?: string }[]>(
        (resolve) => (reading.onsuccess = () => resolve(reading.result as { group?: string }[])),
      );
      db.close();
      return queue.map(({ group }) => group);
    }, `FinwiseTenantDB_${home.tenantId}`);
    expect([groups.length, new Set(groups).size, typeof groups[0]]).toEqual([22, 1, "string"]);
    await left.context.setOffline(false);
    await inStep(page);
    const held = await home.held();
    expect(held["book_settings currency"]).toMatchObject({ data: { value: "JPY" } });
    expect(Object.keys(held).filter((key) => key.startsWith("categories "))).toHaveLength(15);
    await page.getByRole("link", { name: "Categories" }).click();
    await page.getByRole("heading", { name: "Everyday", exact: true }).waitFor();
    await page.getByText("Groceries", { exact: true }).waitFor();
  });

  test("another browser shows the same currency, with its decimals, and a change of it after a sync", async () => {
    await home.furnish([
      { id: "rent", payee: "Rent", amount: -1200 },
      { id: "odd", payee: "Odd", amount: -12.345 },
    ]);
    for (const { page } of [left, right]) {
      if (page === right.page) await home.logIn(page, server.url);
      await page.goto(`${server.url}/app/#/transactions`);
      await page.reload();
      await page.getByRole("button", { name: /Rent.*−¥1,200/ }).waitFor();
    }
    await enter(left.page, "1,500", "Tea");
    await left.page.getByRole("button", { name: /Tea.*−¥1,500/ }).waitFor();
    expect(
      Object.values(await home.heldBy(left.page)).filter((each) => JSON.stringify(each).includes('"amount":-1500')),
    ).toHaveLength(1);

    await left.page.goto(`${server.url}/app/#/settings`);
    await left.page.getByLabel("Currency of this book").selectOption("KWD");
    await left.page.getByRole("button", { name: "Use KWD in this book" }).click();
    await left.page.goto(`${server.url}/app/#/transactions`);
    await left.page.getByRole("button", { name: /Odd.*−KWD.12\.345/ }).waitFor();
    await inStep(left.page);
    await right.page.reload();
    await right.page.getByRole("button", { name: /Odd.*−KWD.12\.345/ }).waitFor();
    await left.page.goto(`${server.url}/app/#/settings`);
    await left.page.getByLabel("Currency of this book").selectOption("EUR");
    await left.page.getByRole("button", { name: "Use EUR in this book" }).click();
    await left.page.goto(`${server.url}/app/#/transactions`);
    await left.page.getByRole("button", { name: /Odd.*−€12\.35/ }).waitFor();
    await inStep(left.page);
    expect(await data("transactions odd")).toMatchObject({ amount: -12.345 }); // shown, not rewritten
  });

  test("categories are made, renamed, moved and hidden, and keep all else that they are", async () => {
    const { page } = left;
    await home.push([
      change("categories", "stray", { ...old, name: "Stray", categoryGroupId: "gone" }),
      change("transactions", "strayed", { ...transaction("Shop", -3), categoryId: "stray" }),
    ]);
    await page.goto(`${server.url}/app/#/categories`);
    await page.reload();
    await page.getByRole("heading", { name: "Without a group" }).waitFor();
    await page.getByRole("button", { name: "Edit Stray" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name of the category").fill("Found");
    await dialog.getByRole("button", { name: "Save" }).click();
    await page.getByRole("button", { name: "Edit Found" }).click();
    await inStep(page);
    expect(await data("categories stray")).toEqual({ ...old, name: "Found", categoryGroupId: "gone" });
    await dialog.getByLabel("Group").selectOption({ label: "Home" });
    await dialog.getByLabel("Name of the category").fill("RENT");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.getByRole("alert").getByText("There is “RENT” already").waitFor();
    await dialog.getByLabel("Name of the category").fill("Found");
    await dialog.getByLabel("Offered for new transactions").uncheck();
    await dialog.getByRole("button", { name: "Save" }).click();
    const group = page.getByRole("region", { name: "Home" });
    await group.getByText(/Found.*not offered/).waitFor();
    await group.getByRole("button", { name: "Move Insurance up" }).click();
    await expect
      .poll(() =>
        group
          .getByRole("listitem")
          .allInnerTexts()
          .then((texts) => texts.findIndex((text) => text.includes("Insurance"))),
      )
      .toBe(3);
    await page.goto(`${server.url}/app/#/transactions`);
    await page.getByRole("button", { name: /Shop.*Found/ }).click(); // a category that is not offered stays with its transactions
    expect(
      await page
        .getByRole("dialog")
        .getByLabel("Category")
        .evaluate((field: HTMLSelectElement) => field.selectedOptions[0]?.text),
    ).toBe("Found");
    await page.keyboard.press("Escape");
  });

  test("a category is deleted together with what becomes of its transactions", async () => {
    const { page } = left;
    await page.goto(`${server.url}/app/#/categories`);
    await page.getByRole("button", { name: "Edit Found" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Delete" }).click();
    await dialog.getByLabel("1 transaction has this category").selectOption({ label: "Groceries" });
    await dialog.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("button", { name: "Edit Found" }).waitFor({ state: "detached" });
    await inStep(page);
    expect(await data("categories stray")).toBeUndefined();
    await page.goto(`${server.url}/app/#/transactions`);
    await page.getByRole("button", { name: /Shop.*Groceries/ }).waitFor();

    await page.goto(`${server.url}/app/#/categories`);
    await page.getByRole("button", { name: "Edit Everyday" }).click();
    await dialog.getByRole("button", { name: "Delete" }).click();
    await dialog.getByLabel("6 categories are in this group").selectOption({ label: "Leisure" });
    await dialog.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("heading", { name: "Everyday", exact: true }).waitFor({ state: "detached" });
    await page.getByRole("region", { name: "Leisure" }).getByText("Groceries", { exact: true }).waitFor();
  });

  test("a new category can be made while entering a transaction, and nothing that was typed is lost", async () => {
    const { page } = left;
    await page.goto(`${server.url}/app/#/transactions`);
    const form = page.getByRole("form", { name: "New transaction" });
    await form.getByLabel("Amount").fill("9");
    await form.getByLabel("Category").selectOption({ label: "New category …" });
    await page.getByRole("dialog").getByLabel("Name of the category").fill("Books");
    await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
    await expect
      .poll(() => form.getByLabel("Category").evaluate((field: HTMLSelectElement) => field.selectedOptions[0]?.text))
      .toBe("Books");
    await form.getByLabel("Who or what").fill("Library");
    await form.getByLabel("Who or what").press("Enter");
    await page.getByRole("button", { name: /Library.*Books.*−€9\.00/ }).waitFor();
    expect([...left.complaints, ...right.complaints]).toEqual([]);
  });

  test("on a phone, where categories are a part of the settings, a link leads back to them", async () => {
    const { page } = left;
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto(`${server.url}/app/#/categories`);
    await page.getByRole("main").getByRole("link", { name: "Settings" }).click();
    await page.getByRole("heading", { name: "Settings", level: 1 }).waitFor();
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.goto(`${server.url}/app/#/categories`);
    await page.getByRole("heading", { name: "Categories", level: 1 }).waitFor();
    expect(await page.getByRole("main").getByRole("link", { name: "Settings" }).count()).toBe(0);
  });
});
