/** Two browsers edit one book without a network, come back, and are of one mind. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHROMIUM } from "./chromium.ts";
import { enter, Household, inStep } from "./household.ts";
import { Profile } from "./profile.ts";
import { Server } from "./server.ts";

describe.skipIf(!CHROMIUM)("two profiles", () => {
  const server = new Server();
  const [left, right] = [new Profile(), new Profile()];

  beforeAll(async () => {
    await server.start();
    await Promise.all([left.start(), right.start()]);
  });
  afterAll(() => Promise.all([left.remove(), right.remove(), server.remove()]));

  test("edit the same book offline, come back, and converge; the edit that lost is shown, and can be taken", async () => {
    const home = await new Household(server).create();
    await home.furnish([
      { id: "both", payee: "Bakery", amount: -4.2 },
      { id: "gone", payee: "Mistake", amount: -1 },
    ]);
    for (const { page } of [left, right]) await home.logIn(page, server.url);
    for (const { page } of [left, right]) await inStep(page);

    for (const { context } of [left, right]) await context.setOffline(true);
    for (const [profile, name] of [
      [left, "left"],
      [right, "right"],
    ] as const) {
      const { page } = profile;
      await enter(page, "10", `Only on the ${name}`);
      await page.getByRole("button", { name: "Bakery" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByLabel("Who or what").fill(`Bakery, says the ${name}`);
      await dialog.getByRole("button", { name: "Save" }).click();
      await page.getByText(/2 waiting to be sent/).waitFor();
    }
    await right.page.getByRole("button", { name: "Mistake" }).focus();
    await right.page.keyboard.press("Delete");
    await right.page.getByText(/3 waiting to be sent/).waitFor();

    for (const { context, page } of [left, right]) {
      await context.setOffline(false);
      await page
        .getByTestId("sync-status")
        .getByText(/^Synced$/)
        .waitFor();
    }
    for (const { page } of [left, right]) {
      await page.goto(`${server.url}/app/#/sync`);
      await page.getByRole("button", { name: "Sync now" }).click();
      await page.getByRole("article").waitFor(); // the conflict
    }
    const held = await home.held();
    for (const { page } of [left, right]) await expect.poll(() => home.heldBy(page)).toEqual(held);
    expect(Object.keys(held)).not.toContain("transactions gone");
    expect(Object.values(held).filter((each) => JSON.stringify(each).includes("Only on the"))).toHaveLength(2);

    const conflict = left.page.getByRole("article");
    const [inTheBook, setAside] = [conflict.getByRole("region").nth(0), conflict.getByRole("region").nth(1)];
    expect(await inTheBook.innerText()).toContain("Bakery, says the right");
    expect(await setAside.innerText()).toContain("Bakery, says the left");
    await conflict.getByRole("button", { name: "Take this one" }).click();
    await left.page.getByText("No conflicts.").waitFor();
    await right.page.getByRole("button", { name: "Sync now" }).click();
    await right.page.getByText("No conflicts.").waitFor();
    const decided = await home.held();
    expect(JSON.stringify(decided["transactions both"])).toContain("Bakery, says the left");
    for (const { page } of [left, right])
      await expect.poll(() => home.heldBy(page), { timeout: 60_000 }).toEqual(decided);
    expect([...left.complaints, ...right.complaints]).toEqual([]);
  });
});
