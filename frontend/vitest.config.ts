import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts", "page/tests/**/*.test.ts"],
    setupFiles: ["fake-indexeddb/auto"], // before anything that looks for an IndexedDB when it is loaded, as Dexie does
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
