// The lowest and the newest peers that package.json allows: for each end, installs them beside a copy of the sources,
// type-checks and runs the store tests. Needs the registry; without it, says so and checks nothing.
import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const FRONTEND = resolve(import.meta.dirname, "..");
const NAMES = ["dexie", "pinia", "vue"];
const ENDS = { lowest: 0, newest: -1 };
const TESTS = ["tests/stores.test.ts", "tests/device.test.ts", "tests/storage.test.ts", "tests/finwise-0.4"];

const { peerDependencies } = JSON.parse(readFileSync(join(FRONTEND, "package.json"), "utf8"));

/** Runs npm or node; what it printed. */
function run(folder, program, words, stdio = "pipe", environment = {}) {
  const shell = process.platform === "win32" && program === "npm"; // which is a script there
  return execFileSync(program, words, {
    cwd: folder,
    encoding: "utf8",
    stdio,
    shell,
    env: { ...process.env, ...environment },
  });
}

/** The versions that a range allows, the lowest first. */
function allowed(name) {
  const range = `${name}@${peerDependencies[name]}`;
  const said = JSON.parse(run(FRONTEND, "npm", ["view", range, "version", "--json"], ["ignore", "pipe", "pipe"]));
  const versions = [said].flat().filter((version) => !version.includes("-"));
  return versions.sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
}

/** A copy of the sources whose packages are those of this folder, but for the peers. */
function copyWith(peers) {
  const folder = mkdtempSync(join(tmpdir(), "finwise-peers-"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module", dependencies: peers }));
  run(folder, "npm", ["install", "--no-audit", "--no-fund"]);
  for (const name of readdirSync(join(FRONTEND, "node_modules"))) {
    const here = join(folder, "node_modules", name);
    if (!existsSync(here)) symlinkSync(join(FRONTEND, "node_modules", name), here, "junction");
  }
  for (const part of ["src", "tests", "vitest.config.ts"])
    cpSync(join(FRONTEND, part), join(folder, part), { recursive: true });
  const { compilerOptions } = JSON.parse(readFileSync(join(FRONTEND, "tsconfig.json"), "utf8"));
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["src"] }));
  return folder;
}

let versions;
try {
  versions = Object.fromEntries(NAMES.map((name) => [name, allowed(name)]));
} catch (error) {
  console.warn(`The registry could not be asked; peers were NOT checked.\n${error.stderr ?? error}`);
  process.exit(0);
}
for (const [end, at] of Object.entries(ENDS)) {
  const peers = Object.fromEntries(NAMES.map((name) => [name, versions[name].at(at)]));
  const folder = copyWith(peers);
  try {
    console.log(
      `${end} peers: ${Object.entries(peers)
        .map(([name, version]) => `${name} ${version}`)
        .join(", ")}`,
    );
    const module = (path) => join(FRONTEND, "node_modules", path);
    run(folder, process.execPath, [module("typescript/bin/tsc"), "--noEmit"], "inherit");
    const finwise = process.env.FINWISE_COMMAND ?? join(FRONTEND, "../.venv/bin/finwise");
    run(folder, process.execPath, [module("vitest/vitest.mjs"), "run", ...TESTS], "inherit", {
      FINWISE_COMMAND: finwise,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
