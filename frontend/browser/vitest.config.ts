import { defineConfig } from "vitest/config";

/** Tests in a real browser against a real server; one at a time, for both want the machine. */
export default defineConfig({
  cacheDir: "../node_modules/.vite-browser",
  test: {
    root: import.meta.dirname,
    include: ["*.browser.ts"],
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 120_000,
    retry: 1, // a machine with other work may hold a browser up for a minute; the report names what was tried again
    reporters: ["verbose"],
  },
});
