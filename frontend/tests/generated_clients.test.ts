/**
 * Clients that generators make from the document push, pull and load against a running server, and their types hold. What
 * is generated lies in a folder of its own beside copies of clients/, which use it.
 */

import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Found, Loaded, Told } from "./clients/told";
import { RealServer, installed } from "./real_server";
import { run } from "./run";

const FRONTEND = resolve(import.meta.dirname, "..");
const DOCUMENT = resolve(FRONTEND, "../openapi.json");
const COMPILER_OPTIONS = {
  target: "ES2022",
  module: "ESNext",
  moduleResolution: "bundler",
  lib: ["ES2022", "DOM", "DOM.Iterable"],
  types: [],
  strict: true,
  skipLibCheck: true,
  noEmit: true,
};

const RECORDS = JSON.parse(readFileSync(resolve(FRONTEND, "../tests/data/odd_records.json"), "utf-8")) as {
  entity_type: string;
  data: object;
}[];

const server = new RealServer();
const folder = mkdtempSync(join(tmpdir(), "clients-"));
const hasJava = await run(FRONTEND, "java", "-version").then(
  () => true,
  () => false,
);

beforeAll(async () => {
  cpSync(join(FRONTEND, "tests/clients"), folder, { recursive: true });
  symlinkSync(join(FRONTEND, "node_modules"), join(folder, "node_modules"), "junction");
  await node("openapi-typescript/bin/cli.js", DOCUMENT, "--output", "openapi_typescript.ts");
  await node("@hey-api/openapi-ts/bin/run.js", "--input", DOCUMENT, "--output", "hey_api_client");
  if (hasJava) await generate("typescript-fetch", "typescript_fetch_client");
  await server.start();
}, 300_000);

afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

function node(program: string, ...words: string[]): Promise<string> {
  return run(folder, process.execPath, join(FRONTEND, "node_modules", program), ...words);
}

function generate(language: string, output: string): Promise<string> {
  const words = [
    "generate",
    "-g",
    language,
    "-i",
    DOCUMENT,
    "-o",
    output,
    "--additional-properties",
    "modelPropertyNaming=original",
  ];
  return run(folder, installed("openapi-generator-cli"), ...words);
}

interface Client {
  use: (told: Told) => Promise<Found>;
  load: (told: Told) => Promise<Loaded[]>;
}

async function clientOf(name: string): Promise<Client> {
  return (await import(/* @vite-ignore */ join(folder, `${name}.ts`))) as Client;
}

async function told(): Promise<Told> {
  return { url: server.url, token: server.token, tenantId: await server.tenant(), id: "group-bank" };
}

async function found(name: string): Promise<Found> {
  return (await clientOf(name)).use(await told());
}

/** What a client loads of a book full of odd records, by id, beside what was sent. */
async function odd(name: string): Promise<{ loaded: Record<string, unknown>; sent: Record<string, unknown> }> {
  const to = await told();
  const sent = Object.fromEntries(RECORDS.map(({ data }, place) => [`e${place}`, data]));
  const changes = RECORDS.map(({ entity_type, data }, place) => ({
    change_id: crypto.randomUUID(),
    entity_type,
    id: `e${place}`,
    updated_at: "2026-01-09T19:01:00.123Z",
    data,
  }));
  const answer = await fetch(`${to.url}/sync/changes`, {
    method: "POST",
    headers: { Authorization: `Bearer ${to.token}`, "Content-Type": "application/json" },
    body: JSON.stringify({ tenant_id: to.tenantId, changes }),
  });
  const { results } = (await answer.json()) as { results: { status: string }[] };
  expect(new Set(results.map(({ status }) => status))).toEqual(new Set(["applied"]));
  const loaded = await (await clientOf(name)).load(to);
  return { loaded: Object.fromEntries(loaded.map(({ id, data }) => [id, data])), sent };
}

const BANK = { id: "group-bank", name: "Bank", color: "blue" };
const EXPECTED: Found = {
  pushed: ["applied", "group", "invalid_data"],
  pulled: [BANK],
  loaded: [BANK],
  refused: "not_found",
};

test.each(["openapi_fetch", "hey_api"])("the client of %s pushes, pulls, loads and reads errors", async (name) => {
  expect(await found(name)).toEqual(EXPECTED);
});

test.skipIf(!hasJava)(
  "the client of openapi-generator's typescript-fetch pushes, pulls, loads and reads errors (without Java: skipped)",
  async () => {
    expect(await found("typescript_fetch")).toEqual(EXPECTED);
  },
);

const NAMES = ["openapi_fetch", "hey_api", ...(hasJava ? ["typescript_fetch"] : [])];

test.each(NAMES)("the client of %s loads a book full of odd records as they were sent", async (name) => {
  const { loaded, sent } = await odd(name);
  expect(loaded).toEqual(sent);
});

test("their types hold", async () => {
  const files = NAMES.map((name) => `${name}.ts`);
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: COMPILER_OPTIONS, files }));
  await node("typescript/bin/tsc", "--project", folder);
});
