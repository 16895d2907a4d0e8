/** Makes the pictures of the documentation from the demo book, as the page looks now. */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { CHROMIUM } from "./chromium.ts";
import { inStep } from "./household.ts";
import { Profile } from "./profile.ts";
import { Server } from "./server.ts";

const IMAGES = join(import.meta.dirname, "../../docs/images");
const DESK = { width: 1200, height: 800 };
const PHONE = { width: 360, height: 740 };

interface Entity {
  entity_type: string;
  id: string;
  updated_at: string;
  data: { payee?: string; amount?: number };
}

/** An edit that another device made last week, and that came too late. */
async function addConflict(server: Server): Promise<void> {
  const { token, tenant_id } = await server.ask<{ token: string; tenant_id: string }>("POST", "/app/demo", null);
  const { changes } = await server.ask<{ changes: Entity[] }>("GET", `/sync/initial/${tenant_id}`, token);
  const transaction = changes.filter(({ data }) => data.payee === "Trattoria").at(-1);
  if (!transaction) throw new Error("The demo book has changed.");
  const { entity_type, id, data, updated_at: base } = transaction;
  const push = (updated_at: string, base_updated_at: string | null, changed: object): Promise<unknown> =>
    server.ask("POST", "/sync/changes", token, {
      tenant_id,
      device_id: randomUUID(),
      client_time: new Date().toISOString(),
      changes: [
        { change_id: randomUUID(), entity_type, id, updated_at, base_updated_at, data: { ...data, ...changed } },
      ],
    });
  await push(new Date(Date.now() - 86_400_000).toISOString(), base, { note: "with Ben" });
  await push(new Date(Date.now() - 2 * 86_400_000).toISOString(), null, {
    amount: Math.round((data.amount ?? 0) * 100 - 450) / 100,
    note: "with a tip",
  });
}

async function take(page: Page, name: string): Promise<void> {
  await page.mouse.move(0, 0);
  await page.evaluate(() => document.fonts.ready.then(() => undefined));
  await page.screenshot({ path: join(IMAGES, `${name}.png`) });
}

async function takeAll(server: Server, page: Page): Promise<void> {
  const go = async (place: string): Promise<void> => {
    await page.goto(`${server.url}/app/#/${place}`);
    await inStep(page).catch(() => undefined);
  };
  await page.addInitScript(() =>
    localStorage.setItem("finwise.preferences", JSON.stringify({ language: "en", currency: "EUR" })),
  );
  await page.setViewportSize(DESK);
  await page.goto(`${server.url}/app/#demo`);
  await page.getByRole("link", { name: /Giro/ }).click();
  await page.getByRole("heading", { name: "Giro" }).waitFor();
  await page.getByText(/Synced/).waitFor();
  await take(page, "transactions");
  await page.emulateMedia({ colorScheme: "dark" });
  await take(page, "transactions-dark");
  await page.emulateMedia({ colorScheme: "light" });

  await page.context().setOffline(true);
  const form = page.getByRole("form", { name: "New transaction" });
  await form.getByLabel("Amount").fill("8.40");
  await form.getByLabel("Who or what").fill("Bakery");
  await form.getByLabel("Who or what").press("Enter");
  await page
    .getByText(/1 waiting to be sent/)
    .first()
    .waitFor();
  await go("sync");
  await page.getByRole("article").waitFor();
  await take(page, "sync");
  await page.context().setOffline(false);

  await page.setViewportSize(PHONE);
  await go("accounts");
  await take(page, "phone-accounts");
  await page.getByRole("link", { name: /Giro/ }).click();
  await page.locator("ol.lines li").first().waitFor();
  await take(page, "phone-transactions");
}

if (CHROMIUM) {
  const [server, profile] = [new Server(["--demo"]), new Profile()];
  try {
    await server.start();
    await addConflict(server);
    await takeAll(server, await profile.start());
    console.log(`The pictures are in ${IMAGES}.`);
  } finally {
    await Promise.all([profile.remove(), server.remove()]);
  }
}
