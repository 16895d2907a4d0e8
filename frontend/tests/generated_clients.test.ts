/**
 * Clients that generators make from the document push, pull and load against a running server, and their types hold. What
 * is generated lies in a folder of its own beside copies of clients/, which use it.
 */

import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Found, Told } from "./clients/told";
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

async function found(name: string): Promise<Found> {
  const { use } = (await import(/* @vite-ignore */ join(folder, `${name}.ts`))) as {
    use: (told: Told) => Promise<Found>;
  };
  return use({ url: server.url, token: server.token, tenantId: await server.tenant(), id: "group-bank" });
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

test("their types hold", async () => {
  const files = ["openapi_fetch.ts", "hey_api.ts", ...(hasJava ? ["typescript_fetch.ts"] : [])];
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: COMPILER_OPTIONS, files }));
  await node("typescript/bin/tsc", "--project", folder);
});
