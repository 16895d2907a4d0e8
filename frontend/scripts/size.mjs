// How large the engine alone is, minified and gzipped, without Dexie. Fails above the limit.
import { build } from "esbuild";
import { gzipSync } from "node:zlib";

const LIMIT = 13_000; // bytes

const { outputFiles } = await build({
  entryPoints: ["src/index.ts"],
  bundle: true,
  minify: true,
  write: false,
  format: "esm",
  target: "es2022",
  external: ["dexie"],
});
const size = gzipSync(outputFiles[0].contents, { level: 9 }).length;
console.log(`@finwise/sync without Pinia, Vue and Dexie: ${size} bytes gzipped (limit ${LIMIT})`);
if (size >= LIMIT) process.exit(1);
