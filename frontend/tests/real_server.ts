/** A FinWise server in processes of its own, as a user starts it, with a folder of its own. */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../..");

/** The command `finwise`: FINWISE_COMMAND, or that of ../.venv. */
function finwise(): string {
  const venv = [join(ROOT, ".venv/bin/finwise"), join(ROOT, ".venv/Scripts/finwise.exe")].find(existsSync);
  const found = process.env["FINWISE_COMMAND"] ?? venv;
  if (!found) throw new Error("FinWise is not installed: make ../.venv as README.md says, or set FINWISE_COMMAND.");
  return resolve(found);
}

/** A command that was installed beside it. */
export function installed(name: string): string {
  const found = [name, `${name}.exe`].map((file) => join(dirname(finwise()), file)).find(existsSync);
  if (!found) throw new Error(`${name} is not installed: .venv/bin/pip install -e '.[test]'`);
  return found;
}

export class RealServer {
  readonly folder = mkdtempSync(join(tmpdir(), "finwise-"));
  url = "";
  token = "";
  readonly tenantId = crypto.randomUUID();
  private process: ChildProcess | undefined;

  constructor(private readonly settings: Record<string, string> = {}) {}

  /** Starts it, signs somebody up and creates a tenant. */
  async start(): Promise<this> {
    const port = await freePort();
    this.url = `http://127.0.0.1:${port}`;
    this.process = spawn(finwise(), ["serve", "--port", String(port)], {
      cwd: this.folder,
      env: this.environment(),
      stdio: "ignore",
    });
    for (let tries = 0; ; tries++) {
      if (
        await fetch(`${this.url}/readyz`).then(
          ({ ok }) => ok,
          () => false,
        )
      )
        break;
      if (tries > 300) throw new Error("The server did not start.");
      await new Promise((again) => setTimeout(again, 100));
    }
    await this.signUp();
    return this;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.process?.once("exit", resolve));
    this.process?.kill("SIGTERM");
    await ended;
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** `finwise …` beside the running server. */
  command(...words: string[]): string {
    return this.run(finwise(), words);
  }

  /** Forgets a tenant's deletions, as maintenance does when they are old: by a clock that is two years ahead. */
  purge(tenantId: string): void {
    const program = [
      "from finwise import create_domain, config, now",
      "domain = create_domain(config.from_environment())",
      `print(domain.maintenance.run_for("${tenantId}", now() + 2 * 365 * 86_400_000_000))`,
      "domain.close()",
    ];
    this.run(installed("python"), ["-c", program.join("\n")]);
  }

  private run(program: string, words: string[]): string {
    return execFileSync(program, words, {
      cwd: this.folder,
      env: this.environment(),
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  private environment(): NodeJS.ProcessEnv {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("FINWISE_"));
    return {
      ...Object.fromEntries(inherited),
      FINWISE_MAINTENANCE_HOURS: "0",
      FINWISE_CONFLICT_DAYS: "36500",
      ...this.settings,
    };
  }

  private async signUp(): Promise<void> {
    const user = { name: "Ada", email: "ada@example.org", password: "correct horse battery" };
    await this.post("/users", { uuid: crypto.randomUUID(), ...user });
    const { email, password } = user;
    this.token = (
      (await this.post("/auth/tokens", { email, password, device_name: "test" })) as { token: string }
    ).token;
    await this.post("/tenants", { uuid: this.tenantId, name: "Household" });
  }

  /** Another tenant of the same person: its UUID. */
  async tenant(): Promise<string> {
    const uuid = crypto.randomUUID();
    await this.post("/tenants", { uuid, name: "Another" });
    return uuid;
  }

  /** A copy of a tenant's file: where it is. */
  backUp(tenantId: string): string {
    const folder = `backups-${crypto.randomUUID()}`;
    this.command("backup", folder, "--tenant", tenantId);
    return join(folder, readdirSync(join(this.folder, folder))[0]!);
  }

  restore(tenantId: string, backup: string): void {
    this.command("restore", "--tenant", tenantId, "--backup", backup);
  }

  /** What lives in a tenant's book. */
  async living(tenantId: string): Promise<Record<string, unknown>> {
    const answer = await fetch(`${this.url}/sync/initial/${tenantId}`, {
      headers: { Authorization: `Bearer ${this.token}` },
    });
    const { changes } = (await answer.json()) as { changes: { entity_type: string; id: string; data: unknown }[] };
    return Object.fromEntries(changes.map(({ entity_type, id, data }) => [`${entity_type}/${id}`, data]));
  }

  private async post(path: string, body: unknown): Promise<unknown> {
    const headers = {
      "Content-Type": "application/json",
      ...(this.token && { Authorization: `Bearer ${this.token}` }),
    };
    const answer = await fetch(this.url + path, { method: "POST", headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}
