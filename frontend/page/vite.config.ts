import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";
import { precache } from "./precache.ts";

/** The page, built into the Python package, which serves it at `/app/` below whatever prefix: so all names are relative. */
export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  plugins: [vue(), precache()],
  build: {
    outDir: "../../finwise/api/built",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
