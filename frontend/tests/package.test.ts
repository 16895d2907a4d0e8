/** What is packed works where it is installed, and its README is true: its code is checked against it, and it names all there is. */

import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import ts from "typescript";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as engine from "../src/index";
import * as stores from "../src/pinia";
import { run } from "./run";

const FRONTEND = resolve(import.meta.dirname, "..");
const README = readFileSync(join(FRONTEND, "README.md"), "utf8");
const PROTOCOL = readFileSync(join(FRONTEND, "../docs/protocol.md"), "utf8");
const GUIDE = readFileSync(join(FRONTEND, "../docs/from-finwise-0.4.md"), "utf8");
const PEERS = ["dexie", "pinia", "vue"];

// What a reader of the README has already: its code uses these names and does not declare them.
const AROUND = `
declare const App: import("vue").Component;
declare const email: string, password: string, baseUrl: string, token: string, tenantId: string, id: string;
declare const expense: import("@finwise/sync").Data<"transactions">, income: typeof expense;
declare const book: import("@finwise/sync").TenantDbService;
`;

const OPTIONS = {
  target: "ES2022",
  module: "ESNext",
  moduleResolution: "bundler",
  lib: ["ES2022", "DOM", "DOM.Iterable"],
  types: [],
  strict: true,
  skipLibCheck: true,
  noEmit: true,
};

// The lines of the guide that change in the app, in files of its own.
const LINES = [
  ...GUIDE.matchAll(
    /^\| [^|]*(?:apiService|WebSocketService|tenantStore|same)[^|]* \| `(import[^`]+|watch[^`]+)` \|$/gm,
  ),
].map(([, line]) => line!);
const APP = `
import { Dexie } from "dexie";
${LINES[2]}
import { WebSocket, fetch } from "@/finwise";
export class FinwiseTenantSpecificDB extends Dexie {
  constructor(name: string) {
    super(name);
    ${LINES[3]}
  }
}
export const socket = new WebSocket("ws://localhost:8000/ws_finwise/ws/x");
export const isOpen = socket.readyState === WebSocket.OPEN;
export const answer = fetch("http://localhost:8000/ping");
`;

const project = mkdtempSync(join(tmpdir(), "package-"));
const installed = join(project, "node_modules/@finwise/sync");
let packed: string[] = [];

beforeAll(async () => {
  rmSync(join(FRONTEND, "dist"), { recursive: true, force: true });
  const said = await run(FRONTEND, "npm", "pack", "--json", "--pack-destination", project);
  const [{ filename, files }] = JSON.parse(said) as [{ filename: string; files: { path: string }[] }];
  packed = files.map(({ path }) => path);
  mkdirSync(dirname(installed), { recursive: true });
  await run(project, "tar", "-xzf", filename, "-C", dirname(installed));
  renameSync(join(dirname(installed), "package"), installed);
  for (const peer of PEERS)
    symlinkSync(join(FRONTEND, "node_modules", peer), join(project, "node_modules", peer), "junction");
  writeFileSync(join(project, "package.json"), JSON.stringify({ type: "module" }));
}, 300_000);

afterAll(() => rmSync(project, { recursive: true, force: true }));

test("npm pack builds the library and packs all of it", () => {
  const entries = ["index", "pinia", "finwise-0.4/index"].flatMap((name) => [`dist/${name}.js`, `dist/${name}.d.ts`]);
  expect(packed).toEqual(expect.arrayContaining(["README.md", "package.json", "dist/LICENSE", ...entries]));
  expect(packed.filter((path) => !/^(dist\/.+|README\.md|package\.json)$/.test(path))).toEqual([]);
});

test("Node.js imports what is installed", async () => {
  const program =
    "import * as engine from '@finwise/sync'; import * as stores from '@finwise/sync/pinia'; console.log(JSON.stringify([engine, stores].map(Object.keys)))";
  const names = JSON.parse(await run(project, process.execPath, "--input-type=module", "-e", program)) as string[][];
  expect(names).toEqual([engine, stores].map((entry) => Object.keys(entry).sort()));
});

test("the README's code is right by the types that are installed", async () => {
  const blocks = [...README.matchAll(/^```(ts|vue)\n(.*?)^```$/gms)].map(
    ([, language, code]) => [language!, code!] as const,
  );
  expect(blocks.map(([language]) => language)).toEqual(["ts", "ts", "vue", "ts", "ts"]);
  const files = blocks.map(([language, code], place) => {
    const name = /^export function (\w+)/m.exec(code)?.[1] ?? `block${place}`; // what another block imports, by its name
    writeFileSync(join(project, `${name}.${language}`), language === "ts" ? `${code}\nexport {};\n` : code);
    return `${name}.${language}`;
  });
  writeFileSync(join(project, "around.d.ts"), AROUND);
  writeFileSync(
    join(project, "tsconfig.json"),
    JSON.stringify({ compilerOptions: OPTIONS, files: ["around.d.ts", ...files] }),
  );
  await run(project, process.execPath, join(FRONTEND, "node_modules/vue-tsc/bin/vue-tsc.js"), "--project", project);
});

test("the code of the guide from FinWise 0.4 is right by the types that are installed", async () => {
  const [adapter, deeper] = [...GUIDE.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code!);
  writeFileSync(join(project, "finwise.ts"), adapter!);
  writeFileSync(join(project, "deeper.ts"), deeper!);
  writeFileSync(join(project, "app.ts"), APP.replaceAll("@/finwise", "./finwise"));
  writeFileSync(
    join(project, "guide.d.ts"),
    "declare const id: string;\ninterface ImportMeta { env: Record<string, string> }\n",
  );
  const files = ["guide.d.ts", "finwise.ts", "deeper.ts", "app.ts"];
  writeFileSync(
    join(project, "tsconfig.guide.json"),
    JSON.stringify({ compilerOptions: { ...OPTIONS, noUncheckedIndexedAccess: false }, files }),
  );
  await run(
    project,
    process.execPath,
    join(FRONTEND, "node_modules/typescript/bin/tsc"),
    "--project",
    "tsconfig.guide.json",
  );
});

test("the README names every export, every method, every state and every code", () => {
  const mentioned = new Set([...README.matchAll(/`[^`\n]+`/g)].flatMap(([code]) => code.match(/\w+/g) ?? []));
  const codes = [...PROTOCOL.matchAll(/^\| [45]\d\d[^|]*\| ([^|]+) \|/gm)].flatMap(([, cell]) => cell!.match(/\w+/g)!);
  expect(codes).toContain("quota_exceeded");
  expect([...publicNames(), ...codes].filter((name) => !mentioned.has(name))).toEqual([]);
});

/** Exports, methods and properties of exported classes and stores, and the texts of exported unions. */
function publicNames(): string[] {
  const entries = ["index", "pinia", "finwise-0.4/index"].map((name) => join(installed, `dist/${name}.d.ts`));
  const program = ts.createProgram(entries, {
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    module: ts.ModuleKind.ESNext,
    target: ts.ScriptTarget.ES2022,
    skipLibCheck: true,
  });
  const checker = program.getTypeChecker();
  const isOurs = (symbol: ts.Symbol): boolean =>
    symbol.declarations?.some((each) => each.getSourceFile().fileName.includes("@finwise/sync")) ?? false;
  const isPublic = (symbol: ts.Symbol): boolean =>
    !symbol.declarations?.some((each) => ts.getCombinedModifierFlags(each) & ts.ModifierFlags.Private);
  const isTable = (symbol: ts.Symbol): boolean => engine.isEntityType(symbol.name);

  return entries.flatMap((entry) =>
    checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(entry)!)!).flatMap((exported) => {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
      const type =
        symbol.flags & ts.SymbolFlags.Type ? checker.getDeclaredTypeOfSymbol(symbol) : checker.getTypeOfSymbol(symbol);
      const store = symbol.name.startsWith("use") ? type.getCallSignatures()[0]!.getReturnType().getProperties() : [];
      const members = type.isClass() ? type.getProperties() : store.filter(({ name }) => !/^[$_]/.test(name));
      const texts = type.isUnion()
        ? type.types.flatMap((each) => (each.isStringLiteral() && !engine.isEntityType(each.value) ? each.value : []))
        : [];
      const names = members
        .filter((member) => isOurs(member) && isPublic(member) && !isTable(member))
        .map(({ name }) => name);
      return [exported.name, ...names, ...texts];
    }),
  );
}
