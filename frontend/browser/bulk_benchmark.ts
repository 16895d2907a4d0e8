/**
 * How long many edits take beside Dexie's `bulkPut` of the same rows, in Chromium: `npm run benchmark:bulk -- 2000 5`
 * stores 2,000 rows in each way, in five rounds, and prints medians.
 */

import { build } from "esbuild";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type Times } from "./bulk_page.ts";
import { Profile } from "./profile.ts";

const [count = 2000, rounds = 5] = process.argv.slice(2).map(Number);
const BASE = "Dexie bulkPut";

const profile = new Profile();
const server = createServer((_, answer) => answer.setHeader("content-type", "text/html").end("<!doctype html>"));
try {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const page = await profile.start();
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  await page.evaluate(await script());
  await page.evaluate("measure(200, 1)"); // until the code is compiled
  print(await page.evaluate<Times>(`measure(${count}, ${rounds})`));
} finally {
  await profile.remove();
  server.close();
}

async function script(): Promise<string> {
  const entry = join(import.meta.dirname, "bulk_page.ts");
  const { outputFiles } = await build({ entryPoints: [entry], bundle: true, format: "iife", write: false });
  return outputFiles[0]!.text;
}

function print(times: Times): void {
  console.log(`${count} rows, medians of ${rounds} rounds by turns`);
  const base = median(times[BASE] ?? []);
  for (const [name, all] of Object.entries(times)) {
    const middle = median(all);
    console.log(`${name.padEnd(32)} ${middle.toFixed(0).padStart(7)} ms  ${(middle / base).toFixed(2).padStart(6)} x`);
  }
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
