import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const COMMAND = process.env["FINWISE_COMMAND"] ?? join(import.meta.dirname, "../../.venv/bin/finwise");
const START_SECONDS = 60;

/** `finwise serve` with files of its own, at a port that stays the same when it is started again. */
export class Server {
  readonly folder = mkdtempSync(join(tmpdir(), "finwise-browser-"));
  port = 0;
  private process: ChildProcess | undefined;

  constructor(
    private readonly options: string[] = [],
    private readonly environment: Record<string, string> = {},
  ) {}

  get url(): string {
    return `http://127.0.0.1:${this.port}${this.environment["FINWISE_URL_PREFIX"] ?? ""}`;
  }

  async start(): Promise<this> {
    if (!existsSync(COMMAND)) throw new Error(`There is no ${COMMAND}. Install FinWise there, or set FINWISE_COMMAND.`);
    this.port ||= await freePort();
    const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("FINWISE_")));
    this.process = spawn(COMMAND, ["serve", "--port", String(this.port), "--workers", "1", ...this.options], {
      cwd: this.folder,
      env: { ...inherited, FINWISE_MAINTENANCE_HOURS: "0", ...this.environment },
      stdio: "ignore",
      detached: true,
    });
    for (const deadline = Date.now() + START_SECONDS * 1000; Date.now() < deadline; await pause(100)) {
      const page = await fetch(`${this.url}/app/`)
        .then((answer) => answer.text())
        .catch(() => "");
      if (page.includes("module")) return this;
      if (page) throw new Error("This FinWise has no page. Run npm run build:page, or install it with Node.");
    }
    throw new Error("The server did not start.");
  }

  /** Ends all its processes at once, as a loss of power would. */
  async stop(): Promise<void> {
    const { process: running } = this;
    if (!running?.pid) return;
    this.process = undefined;
    const ended = new Promise((resolve) => running.once("exit", resolve));
    process.kill(-running.pid, "SIGKILL");
    await ended;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The JSON of an answer that has to be a success. */
  async ask<T>(method: string, path: string, token: string | null, body?: unknown): Promise<T> {
    const answer = await fetch(this.url + path, {
      method,
      headers: {
        "Content-Type": "application/json",
        Accept: "application/json",
        ...(token && { Authorization: `Bearer ${token}` }),
      },
      body: body === undefined ? null : JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return (answer.status === 204 ? undefined : await answer.json()) as T;
  }
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}
