/** Images in a book: small, because each device loads all of them. */

const SIDE = 128; // pixels
const QUALITY = 0.9; // of WebP, from 0 to 1

/**
 * An image as a data URL that fits into 128 x 128 pixels, or `side`: WebP, or PNG where the browser writes no WebP. A
 * smaller image is not enlarged. What a camera notes in a file, such as the place, is not kept. Needs a document. Raises
 * TypeError for what is no image that the browser can show.
 */
export async function shrinkImage(image: Blob, side = SIDE): Promise<string> {
  const url = URL.createObjectURL(image);
  try {
    const shown = new Image();
    shown.src = url;
    await shown.decode();
    return drawn(shown, side);
  } catch (error) {
    throw new TypeError("This is no image that the browser can show.", { cause: error });
  } finally {
    URL.revokeObjectURL(url);
  }
}

function drawn(image: HTMLImageElement, side: number): string {
  const { naturalWidth: width, naturalHeight: height } = image;
  const scale = Math.min(1, side / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d")!;
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/webp", QUALITY);
}
