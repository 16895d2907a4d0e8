/** Runs inside the browser: makes images, shrinks them, and looks at what came out. */

import { shrinkImage } from "../src/images.ts";

Object.assign(globalThis, { shrunkNoise, cornersOfShrunkDrawing, refusal });

const DRAWING = `<svg xmlns="http://www.w3.org/2000/svg" width="400" height="400">
  <rect x="200" y="200" width="200" height="200" fill="red"/></svg>`;

/** The size of a shrunk image of random pixels, the worst there is to compress. */
async function shrunkNoise(width: number, height: number): Promise<{ width: number; height: number; url: string }> {
  const [canvas, context] = blank(width, height);
  const pixels = context.createImageData(width, height);
  for (let place = 0; place < pixels.data.length; place += 65_536)
    crypto.getRandomValues(pixels.data.subarray(place, place + 65_536));
  context.putImageData(pixels, 0, 0);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
  const url = await shrinkImage(blob!);
  const { naturalWidth, naturalHeight } = await loaded(url);
  return { width: naturalWidth, height: naturalHeight, url };
}

/** How opaque the shrunk drawing is, from 0 to 255, above left and below right. */
async function cornersOfShrunkDrawing(): Promise<number[]> {
  const image = await loaded(await shrinkImage(new Blob([DRAWING], { type: "image/svg+xml" })));
  const [, context] = blank(128, 128);
  context.drawImage(image, 0, 0);
  return [10, 118].map((place) => context.getImageData(place, place, 1, 1).data[3]!);
}

async function refusal(text: string): Promise<string> {
  return shrinkImage(new Blob([text], { type: "image/png" })).then(
    () => "taken",
    (error: Error) => error.name,
  );
}

function blank(width: number, height: number): [HTMLCanvasElement, CanvasRenderingContext2D] {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  return [canvas, canvas.getContext("2d")!];
}

async function loaded(url: string): Promise<HTMLImageElement> {
  const image = new Image();
  image.src = url;
  await image.decode();
  return image;
}
