/** Logos of accounts: small images in the book, each under a name that the app keeps as `logo_path`. */

import { ServerError } from "../client.js";
import { newId } from "../identifiers.js";
import { shrinkImage } from "../images.js";
import { Settings } from "../settings.js";
import type { Conversation } from "./conversation.js";

/** Stores an image, and returns its path. Raises ServerError for what is no image, as the app's backend would. */
export async function storeLogo(conversation: Conversation, image: Blob): Promise<string> {
  const name = newId();
  await Settings.ofBook(conversation.service).set(keyOf(name), await shrunk(image));
  return `${conversation.tenantId}/${name}`;
}

/** The image of a name; undefined: there is none in the book. */
export async function findLogo({ service }: Conversation, name: string): Promise<Blob | undefined> {
  const url = await Settings.ofBook(service).get(keyOf(name));
  return typeof url === "string" ? blobOf(url) : undefined;
}

export function removeLogo({ service }: Conversation, name: string): Promise<void> {
  return Settings.ofBook(service).remove(keyOf(name));
}

async function shrunk(image: Blob): Promise<string> {
  try {
    return await shrinkImage(image);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new ServerError(400, "no_image", { detail: error.message }, undefined);
  }
}

function keyOf(name: string): string {
  return `logo:${name}`;
}

function blobOf(url: string): Blob {
  const [head, content] = url.slice("data:".length).split(",") as [string, string];
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  return new Blob([bytes], { type: head.replace(";base64", "") });
}
