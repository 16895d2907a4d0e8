import { randomUUID } from "node:crypto";
import type { Page } from "playwright-core";
import type { Server } from "./server.ts";

const PASSWORD = "correct horse battery";

/** A person with a book on a server, made over the API. */
export class Household {
  readonly email = `${randomUUID()}@example.org`;
  readonly tenantId = randomUUID();
  token = "";

  constructor(private readonly server: Server) {}

  async create(name = "Household"): Promise<this> {
    await this.server.ask("POST", "/users", null, {
      uuid: randomUUID(),
      name: "Ada",
      email: this.email,
      password: PASSWORD,
    });
    const login = { email: this.email, password: PASSWORD, device_name: "test" };
    this.token = (await this.server.ask<{ token: string }>("POST", "/auth/tokens", null, login)).token;
    await this.server.ask("POST", "/tenants", this.token, { uuid: this.tenantId, name });
    return this;
  }

  async push(changes: object[]): Promise<void> {
    for (let at = 0; at < changes.length; at += 5000) {
      const part = changes.slice(at, at + 5000);
      await this.server.ask("POST", "/sync/changes", this.token, { tenant_id: this.tenantId, changes: part });
    }
  }

  /** A group with two accounts, and some transactions in the first of them. */
  async furnish(transactions: { id: string; payee: string; amount: number }[] = []): Promise<void> {
    const account = {
      accountType: "giro",
      isActive: true,
      isOfflineBudget: false,
      accountGroupId: "bank",
      balance: 0,
      offset: 0,
    };
    await this.push([
      change("account_groups", "bank", { name: "Bank", sortOrder: 0 }),
      change("accounts", "giro", { ...account, name: "Giro", sortOrder: 0 }),
      change("accounts", "cash", { ...account, name: "Cash", sortOrder: 1 }),
      ...transactions.map(({ id, payee, amount }) => change("transactions", id, transaction(payee, amount))),
    ]);
  }

  /** What the server holds, by type and id: times and contents. */
  async held(): Promise<Record<string, unknown>> {
    const { changes } = await this.server.ask<{ changes: Held[] }>("GET", `/sync/initial/${this.tenantId}`, this.token);
    return Object.fromEntries(
      changes.map((each) => [`${each.entity_type} ${each.id}`, { updated_at: each.updated_at, data: each.data }]),
    );
  }

  conflicts(): Promise<unknown[]> {
    return this.server.ask("GET", `/sync/conflicts/${this.tenantId}`, this.token);
  }

  invitations(): Promise<unknown[]> {
    return this.server.ask("GET", `/tenants/${this.tenantId}/invitations`, this.token);
  }

  /** Edits a transaction from another device, which does not know what others have changed since. */
  async editBeside(id: string, changed: object): Promise<void> {
    const { data, updated_at: base } = (await this.held())[`transactions ${id}`] as {
      data: object;
      updated_at: string;
    };
    const edit = {
      ...change("transactions", id, { ...data, ...changed }),
      updated_at: new Date().toISOString(),
      base_updated_at: base,
    };
    await this.server.ask("POST", "/sync/changes", this.token, {
      tenant_id: this.tenantId,
      device_id: "another device",
      changes: [edit],
    });
  }

  /** Logs in by the page's own form. */
  async logIn(page: Page, url: string): Promise<void> {
    await page.goto(`${url}/app/`);
    await this.fillLogin(page);
    await page.getByRole("heading", { name: "All accounts" }).waitFor();
  }

  async fillLogin(page: Page): Promise<void> {
    await page.getByLabel("E-mail").fill(this.email);
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Log in" }).click();
  }

  /** What a browser holds, in the form of `held`. */
  heldBy(page: Page): Promise<Record<string, unknown>> {
    return page.evaluate(async (name) => {
      const db = await new Promise<IDBDatabase>((resolve, reject) => {
        const opening = indexedDB.open(name);
        opening.addEventListener("success", () => resolve(opening.result));
        opening.addEventListener("error", () => reject(opening.error));
      });
      const found: Record<string, unknown> = {};
      for (const store of [...db.objectStoreNames].filter((each) => !each.startsWith("sync"))) {
        const rows = await new Promise<Record<string, unknown>[]>((resolve) => {
          const reading = db.transaction(store).objectStore(store).getAll();
          reading.onsuccess = () => resolve(reading.result as Record<string, unknown>[]);
        });
        for (const { id, created_at, updated_at, base_updated_at, ...data } of rows)
          found[`${store} ${String(id)}`] = { updated_at, data };
      }
      db.close();
      return found;
    }, `FinwiseTenantDB_${this.tenantId}`);
  }
}

interface Held {
  entity_type: string;
  id: string;
  updated_at: string;
  data: object;
}

export function change(entity_type: string, id: string, data: object): object {
  return { change_id: randomUUID(), entity_type, id, updated_at: "2026-01-01T12:00:00.000Z", data };
}

export function transaction(payee: string, amount: number, date = "2026-01-01"): object {
  const type = amount > 0 ? "INCOME" : "EXPENSE";
  return {
    accountId: "giro",
    date,
    valueDate: date,
    amount,
    description: payee,
    payee,
    tagIds: [],
    type,
    runningBalance: 0,
  };
}

/** Books something by the page's quick entry. */
export async function enter(page: Page, amount: string, payee: string): Promise<void> {
  const form = page.getByRole("form", { name: "New transaction" });
  await form.getByLabel("Amount").fill(amount);
  await form.getByLabel("Who or what").fill(payee);
  await form.getByLabel("Who or what").press("Enter");
  await page.getByRole("button", { name: payee }).first().waitFor();
}

export async function inStep(page: Page): Promise<void> {
  await page
    .getByTestId("sync-status")
    .getByText(/^Synced$/)
    .waitFor();
}
