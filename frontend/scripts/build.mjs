// The library in dist/: three entries, what they share in pieces of their own, peers left to the application.
import { build } from "esbuild";
import { copyFileSync, mkdirSync, rmSync } from "node:fs";

rmSync("dist", { recursive: true, force: true });
mkdirSync("dist");
copyFileSync("../LICENSE", "dist/LICENSE");

await build({
  entryPoints: ["src/index.ts", "src/pinia.ts", "src/finwise-0.4/index.ts"],
  outdir: "dist",
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  sourcemap: true,
  external: ["dexie", "pinia", "vue"],
});
