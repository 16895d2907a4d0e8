import { createHash } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { transformWithEsbuild, type Plugin } from "vite";

const WORKER = "worker.ts";
const PUBLIC = "public";

/** Writes `sw.js`: the service worker of `worker.ts`, which is told the files of this build and a name made from them. */
export function precache(): Plugin {
  let root = "";
  return {
    name: "precache",
    apply: "build",
    configResolved(config) {
      root = config.root;
    },
    async generateBundle(_options, bundle) {
      const digest = createHash("sha256");
      const files = ["./"];
      for (const [name, made] of Object.entries(bundle).sort(([a], [b]) => (a < b ? -1 : 1))) {
        digest.update(name).update(made.type === "chunk" ? made.code : made.source);
        if (name !== "index.html") files.push(`./${name}`);
      }
      for (const name of (await readdir(join(root, PUBLIC))).sort()) {
        digest.update(name).update(await readFile(join(root, PUBLIC, name)));
        files.push(`./${name}`);
      }
      const source = await readFile(join(root, WORKER), "utf8");
      digest.update(source);
      const { code } = await transformWithEsbuild(source, WORKER, {
        define: { FILES: JSON.stringify(files), BUILD: JSON.stringify(digest.digest("hex").slice(0, 16)) },
        format: "iife",
        minify: true,
      });
      this.emitFile({ type: "asset", fileName: "sw.js", source: code });
    },
  };
}
