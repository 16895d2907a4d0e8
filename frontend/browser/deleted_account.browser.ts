/** What becomes of transactions whose account goes: with a decision, or without one, on another device. */
import { isDeepStrictEqual } from "node:util";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHROMIUM } from "./chromium.ts";
import { transaction, change, enter, Household, inStep } from "./household.ts";
import { Profile } from "./profile.ts";
import { Server } from "./server.ts";

describe.skipIf(!CHROMIUM)("a deleted account", () => {
  const server = new Server();
  const [left, right] = [new Profile(), new Profile()];
  const home = new Household(server);

  beforeAll(async () => {
    await server.start();
    await Promise.all([left.start(), right.start()]);
    await home.create();
    await home.furnish([{ id: "bakery", payee: "Bakery", amount: -40 }]);
    for (const { page } of [left, right]) await home.logIn(page, server.url);
    for (const { page } of [left, right]) await inStep(page);
  });
  afterAll(() => Promise.all([left.remove(), right.remove(), server.remove()]));

  /** Until browsers and server hold the same. */
  async function alike(): Promise<void> {
    for (const { page } of [left, right, left]) {
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
  }

  async function total(page: Page, amount: RegExp): Promise<void> {
    await page.getByRole("link", { name: amount }).first().waitFor();
  }

  async function accountsOf(): Promise<Record<string, string>> {
    const held = Object.entries(await home.held()).filter(([key]) => key.startsWith("transactions"));
    return Object.fromEntries(
      held.map(([key, each]) => [key, (each as { data: { accountId: string } }).data.accountId]),
    );
  }

  test("on one device leaves what the other entered in it under a heading of its own, counted, movable and deletable", async () => {
    await right.context.setOffline(true);
    await right.page.getByRole("link", { name: /Cash/ }).click();
    await enter(right.page, "60", "Market");
    await enter(right.page, "5", "Mistake");
    await left.page.getByRole("button", { name: "Edit Cash" }).click();
    await left.page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await left.page.getByRole("status").getByText("Account “Cash” deleted.").waitFor();
    await inStep(left.page);
    await right.context.setOffline(false);
    await alike();

    for (const { page } of [left, right]) {
      await page.getByRole("heading", { name: "Without an account" }).waitFor();
      await page.getByRole("link", { name: /Deleted account · 2 transactions.*−\D65\.00/ }).waitFor();
      await total(page, /All accounts.*−\D105\.00/);
    }
    await left.page.getByRole("link", { name: /All accounts/ }).click();
    await left.page.getByRole("button", { name: /Mistake.*Deleted account/ }).focus();
    await left.page.keyboard.press("Delete");
    await left.page.getByRole("button", { name: /Market.*Deleted account/ }).click();
    const dialog = left.page.getByRole("dialog");
    await dialog.getByLabel("Account").selectOption({ label: "Giro" });
    await dialog.getByRole("button", { name: "Save" }).click();
    await alike();
    for (const { page } of [left, right]) {
      await total(page, /Giro.*−\D100\.00/);
      expect(await page.getByRole("heading", { name: "Without an account" }).count()).toBe(0);
    }
  });

  test("takes its transactions to another account first, transfers included, and Undo brings all back", async () => {
    const { page } = left;
    const transfer = { ...transaction("Withdrawal", -30), type: "ACCOUNTTRANSFER" };
    const now = new Date().toISOString();
    await home.push(
      [
        change("accounts", "safe", { ...(await account()), name: "Safe" }),
        change("accounts", "wallet", { ...(await account()), name: "Wallet" }),
        change("transactions", "opening", {
          ...transaction("Opening balance", 500, "2026-03-01"),
          accountId: "wallet",
          type: "RECONCILE",
          opensAccount: true,
        }),
        change("transactions", "older", { ...transaction("Older", -7, "2026-02-01"), accountId: "wallet" }),
        change("transactions", "out", { ...transfer, transferToAccountId: "wallet", counterTransactionId: "in" }),
        change("transactions", "in", {
          ...transfer,
          amount: 30,
          accountId: "wallet",
          transferToAccountId: "giro",
          counterTransactionId: "out",
        }),
      ].map((each) => ({ ...each, updated_at: now })),
    );
    await alike();
    await total(page, /Wallet.*\D500\.00/);
    const before = await home.held();
    await page.getByRole("button", { name: "Edit Wallet" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Delete" }).click();
    expect(await dialog.getByRole("button", { name: "Delete the account" }).isDisabled()).toBe(true);
    await dialog.getByLabel("Move them to another account").check();
    await dialog.getByLabel("Move to").selectOption({ label: "Safe" });
    await dialog.getByRole("button", { name: "Delete the account" }).click();
    await total(page, /Safe.*\D500\.00/);
    await alike();
    expect(await accountsOf()).toMatchObject({
      "transactions opening": "safe",
      "transactions older": "safe",
      "transactions in": "safe",
      "transactions out": "giro",
    });
    expect(await home.held()).toMatchObject({
      "transactions out": { data: { transferToAccountId: "safe" } },
      "transactions opening": { data: { amount: 477 } },
    });

    await page.getByRole("button", { name: "Undo" }).click();
    await total(page, /Wallet.*\D500\.00/);
    await alike();
    expect(contents(await home.held())).toEqual(contents(before));
  });

  test("takes its transactions with it if that is what somebody wants; the other sides of its transfers stay", async () => {
    const { page } = right;
    await page.getByText("This account no longer exists.").waitFor(); // still the one that it showed above
    await page.getByRole("link", { name: /All accounts/ }).click();
    await total(page, /Giro.*−\D130\.00/);
    await page.getByRole("button", { name: "Edit Wallet" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Delete" }).click();
    await dialog.getByLabel("Delete them").check();
    await dialog.getByRole("button", { name: "Delete the account" }).click();
    await dialog.waitFor({ state: "detached" });
    await alike();
    expect(Object.keys(await accountsOf()).sort()).toEqual(
      expect.arrayContaining(["transactions bakery", "transactions out"]),
    );
    expect(Object.values(await accountsOf())).not.toContain("wallet");
    await total(page, /Giro.*−\D130\.00/);
    await page.getByRole("button", { name: /Withdrawal.*Giro → Deleted account/ }).click();
    await dialog.getByText("The other side of this transfer no longer exists.").waitFor();
    await dialog.getByLabel("Note").fill("kept");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "detached" });
    for (const { complaints } of [left, right]) expect(complaints).toEqual([]);
  });

  async function account(): Promise<object> {
    return ((await home.held())["accounts giro"] as { data: object }).data;
  }
});

function contents(held: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(held).map(([key, each]) => [key, (each as { data: unknown }).data]));
}
