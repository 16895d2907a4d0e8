/** A small app with FinWise 0.4's tables, queue and messages in a browser of its own, for the tests to drive. */

import { build } from "esbuild";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type AppRow, TYPES } from "../tests/finwise-0.4/small_app.ts";
import type { Driven } from "./finwise_0_4_page.ts";
import type { Household } from "./household.ts";
import { Profile } from "./profile.ts";
import { pause, type Server } from "./server.ts";

declare const driven: Driven; // in the page

export type Row = Record<string, unknown>;
export type Rows = Record<string, Row>; // by type and id

/** The app's files, where it is developed: another origin than the server's. */
export class AppOrigin {
  private readonly server = createServer((request, answer) => {
    const isScript = request.url === "/app.js";
    answer.setHeader("content-type", isScript ? "text/javascript" : "text/html");
    answer.end(isScript ? this.script : "<!doctype html><script src=app.js></script>");
  });
  private script = "";
  url = "";

  async start(): Promise<void> {
    const entry = join(import.meta.dirname, "finwise_0_4_page.ts");
    const built = await build({ entryPoints: [entry], bundle: true, format: "iife", write: false });
    this.script = built.outputFiles[0]!.text;
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.server.close();
  }
}

/** One browser with the app. */
export class Device {
  readonly profile = new Profile();

  constructor(
    private readonly home: Household,
    private readonly server: Server,
  ) {}

  get page() {
    return this.profile.page;
  }

  async open(origin: AppOrigin): Promise<this> {
    const page = await this.profile.start();
    await page.goto(origin.url);
    return this;
  }

  /** Starts the app, and logs in as the app does. */
  async start(): Promise<this> {
    await this.page.evaluate(([tenant, url]) => driven.start(tenant!, url!), [this.home.tenantId, this.server.url]);
    const login = { username_or_email: this.home.email, password: "correct horse battery" };
    const { status } = await this.page.evaluate((body) => driven.ask("POST", "/login", body), login);
    if (status !== 200) throw new Error(`The login was answered with ${status}.`);
    return this;
  }

  /** Starts the app as it was with its old backend, which is out of reach. */
  async startBefore(): Promise<this> {
    await this.page.evaluate((tenant) => driven.start(tenant, "", true), this.home.tenantId);
    return this;
  }

  async edit(type: string, row: Record<string, unknown>, operation = "update"): Promise<void> {
    const edit = [type, row, operation] as const;
    await this.page.evaluate(([type, row, operation]) => driven.app.edit(type, row as never, operation), edit);
  }

  async goOffline(): Promise<void> {
    await this.profile.context.setOffline(true);
  }

  /** Has a network, and looks what is new, as it does whenever somebody comes back to it. */
  async goOnline(): Promise<void> {
    await this.profile.context.setOffline(false);
    await this.page.evaluate(() => dispatchEvent(new Event("focus")));
  }

  /** The rows of all tables as the app has them, without its stamps; its own category for available funds as `funds`. */
  async rows(): Promise<Rows> {
    const [all, fundsId] = await this.page.evaluate(async (types) => {
      const found: Record<string, AppRow[]> = {};
      for (const type of types) found[type] = await driven.app.rows(type).toArray();
      return [found, await driven.app.fundsId()] as const;
    }, Object.keys(TYPES));
    const renamed = JSON.parse(JSON.stringify(all).replaceAll(fundsId!, "funds")) as Record<string, AppRow[]>;
    const bare = ({ updatedAt, updated_at, ...row }: AppRow): Row => row;
    return Object.fromEntries(
      Object.entries(renamed).flatMap(([type, rows]) => rows.map((row) => [`${type} ${row.id}`, bare(row)])),
    );
  }

  /** Waits until the queue is empty: until the server has answered for everything. */
  async drained(): Promise<void> {
    await until(() => this.page.evaluate(async () => !(await driven.app.queue()).length));
  }

  /** Waits for a row. */
  async gets(type: string, id: string): Promise<void> {
    await until(() => this.page.evaluate(async ([type, id]) => !!(await driven.app.rows(type!).get(id!)), [type, id]));
  }
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 60_000; !(await isSo()); await pause(100))
    if (Date.now() > deadline) throw new Error("It did not come about within a minute.");
}
