/** Images are shrunk by the browser's own canvas. */

import { build } from "esbuild";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHROMIUM } from "./chromium.ts";
import { Profile } from "./profile.ts";

const WARNING = 65_536; // characters above which the server warns

describe.skipIf(!CHROMIUM)("an image", () => {
  const profile = new Profile();
  const server = createServer((_, answer) => answer.setHeader("content-type", "text/html").end("<!doctype html>"));
  let page: Page;

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    page = await profile.start();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const entryPoints = [join(import.meta.dirname, "images_page.ts")];
    const { outputFiles } = await build({ entryPoints, bundle: true, format: "iife", write: false });
    await page.evaluate(outputFiles[0]!.text);
  });
  afterAll(async () => {
    await profile.remove();
    server.close();
  });

  test.each([
    [1024, 512, 128, 64],
    [300, 3000, 13, 128],
    [40, 20, 40, 20],
  ])(
    "of %d x %d noisy pixels becomes one of %d x %d, without a warning",
    async (width, height, newWidth, newHeight) => {
      const shrunk = await page.evaluate<{ width: number; height: number; url: string }>(
        `shrunkNoise(${width}, ${height})`,
      );
      expect([shrunk.width, shrunk.height]).toEqual([newWidth, newHeight]);
      expect(shrunk.url).toMatch(/^data:image\/webp;base64,/);
      expect(shrunk.url.length).toBeLessThan(WARNING);
    },
  );

  test("keeps what is transparent in it, also if it is a drawing", async () => {
    expect(await page.evaluate<number[]>("cornersOfShrunkDrawing()")).toEqual([0, 255]);
  });

  test("that is none is refused", async () => {
    expect(await page.evaluate<string>("refusal('no image')")).toBe("TypeError");
  });
});
