import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, type BrowserContext, type Page, chromium } from "playwright-core";
import { ARGUMENTS, CHROMIUM } from "./chromium.ts";
import { pause } from "./server.ts";

/** A browser with a folder of its own, in processes of its own, which can be killed and started again. */
export class Profile {
  readonly folder = mkdtempSync(join(tmpdir(), "finwise-profile-"));
  /** What the page's console had to complain about, but for requests that a test made fail. */
  readonly complaints: string[] = [];
  page!: Page;
  private process: ChildProcess | undefined;
  private browser: Browser | undefined;

  constructor(private readonly language = "en-US") {}

  get context(): BrowserContext {
    return this.page.context();
  }

  async start(): Promise<Page> {
    rmSync(join(this.folder, "DevToolsActivePort"), { force: true });
    const given = [
      ...ARGUMENTS,
      `--lang=${this.language}`,
      `--user-data-dir=${this.folder}`,
      "--remote-debugging-port=0",
      "about:blank",
    ];
    this.process = spawn(CHROMIUM ?? "", given, {
      stdio: "ignore",
      detached: true,
      env: { ...process.env, LANGUAGE: this.language },
    });
    this.browser = await chromium.connectOverCDP(await this.endpoint());
    const context = this.browser.contexts()[0];
    if (!context) throw new Error("The browser has no context.");
    context.setDefaultTimeout(60_000); // a busy machine takes long
    this.page = context.pages()[0] ?? (await context.newPage());
    this.page.on("console", (message) => {
      const isExpected = /Failed to load resource|net::ERR_/.test(message.text());
      if (message.type() !== "error" || isExpected) return;
      const told = message
        .args()
        .map((each) =>
          each.evaluate((value: unknown) =>
            value instanceof Error ? `${value.name}: ${value.message}\n${value.stack}` : String(value),
          ),
        );
      void Promise.all(told).then(
        (texts) => this.complaints.push(texts.join(" ")),
        () => this.complaints.push(message.text()),
      );
    });
    this.page.on("pageerror", (error) => this.complaints.push(error.stack ?? error.message));
    return this.page;
  }

  /** SIGKILL to all its processes: nothing is written or said any more. */
  async kill(): Promise<void> {
    const { process: running } = this;
    if (!running?.pid) return;
    this.process = undefined;
    const ended = new Promise((resolve) => running.once("exit", resolve));
    process.kill(-running.pid, "SIGKILL");
    await ended;
    await this.browser?.close().catch(() => undefined);
  }

  /** Ends it as a person does, with time to put everything away. */
  async close(): Promise<void> {
    const { process: running } = this;
    if (!running?.pid) return;
    this.process = undefined;
    const ended = new Promise((resolve) => running.once("exit", resolve));
    const session = await this.browser?.newBrowserCDPSession();
    await session?.send("Browser.close").catch(() => undefined);
    await ended;
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  private async endpoint(): Promise<string> {
    const file = join(this.folder, "DevToolsActivePort");
    for (let attempt = 0; attempt < 300; attempt++, await pause(100)) {
      const [port] = existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
      if (port) return `http://127.0.0.1:${port}`;
    }
    throw new Error("The browser did not start.");
  }
}
