/** A login proxy in front of the server whose session ends: the page says so, leads to the login page, and goes on afterwards. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHROMIUM } from "./chromium.ts";
import { enter, Household, inStep } from "./household.ts";
import { LoginProxy, type Refusal } from "./login_proxy.ts";
import { Profile } from "./profile.ts";
import { Server } from "./server.ts";

describe.skipIf(!CHROMIUM).each(["password", "header"])("behind a login proxy, with FINWISE_LOGIN=%s", (login) => {
  const server = new Server(
    [],
    login === "header" ? { FINWISE_LOGIN: login, FINWISE_TRUSTED_PROXIES: "127.0.0.1/32" } : {},
  );
  const profile = new Profile();
  let proxy: LoginProxy;
  let home: Household | undefined;

  beforeAll(async () => {
    await server.start();
    if (login === "password") await (home = await new Household(server).create()).furnish();
    proxy = await new LoginProxy(server.url, home?.email ?? "ada@example.org").open();
    const page = await profile.start();
    await page.goto(`${proxy.url}/app/`);
    await page.getByRole("link", { name: "It is me" }).click();
    if (home) return home.logIn(page, proxy.url);
    await page.getByRole("button", { name: "Open the book" }).click();
    await page.getByLabel("Name of the book").fill("Household");
    await page.getByRole("button", { name: "Create book" }).click();
    await page.getByRole("button", { name: "New account" }).waitFor();
  });
  afterAll(() => {
    proxy.close();
    return Promise.all([profile.remove(), server.remove()]);
  });

  test("the session ends; a reload by hand reaches the login page, which leads back, and what was entered is sent", async () => {
    const { page } = profile;
    await inStep(page);
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
    await page.reload();
    await inStep(page);
    proxy.expire("redirect");
    await page.evaluate(() => dispatchEvent(new Event("online")));
    await page
      .getByTestId("sync-status")
      .getByText(/^Log in again/)
      .waitFor();
    if (home) await enter(page, "5", "Newspaper");
    await page.reload();
    await page.getByRole("heading", { name: "Who are you?" }).waitFor();
    expect(new URL(page.url()).origin).toBe(proxy.loginUrl);
    await page.getByRole("link", { name: "It is me" }).click();
    await inStep(page);
    expect(new URL(page.url()).search).toBe("");
    if (home) expect(JSON.stringify(await home.held())).toContain("Newspaper");
  });

  test.each<Refusal>(["page", "401 page", "401 json", "403 page"])(
    "a session that ends with %s is seen as well; a button leads to the login page",
    async (refusal) => {
      const { page } = profile;
      proxy.expire(refusal);
      await page.evaluate(() => dispatchEvent(new Event("online")));
      const button = page.getByRole("alert").getByRole("button", { name: "To the login page" });
      await button.waitFor();
      proxy.refusal = "redirect";
      await button.click();
      await page.getByRole("link", { name: "It is me" }).click();
      await inStep(page);
      await button.waitFor({ state: "detached" });
    },
  );

  test("a proxy without its server is no login page", async () => {
    const { page } = profile;
    proxy.refusal = "bad gateway";
    await page.evaluate(() => dispatchEvent(new Event("online")));
    await page
      .getByTestId("sync-status")
      .getByText(/^Server not reachable/)
      .waitFor();
    proxy.refusal = "redirect";
    await page.evaluate(() => dispatchEvent(new Event("online")));
    await inStep(page);
  });
});
