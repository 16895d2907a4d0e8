/** What went wrong and nobody in particular deals with: it is said, and whatever somebody typed stays where it is. */
import { shallowRef } from "vue";
import { ServerError, storageCode } from "../../src/index.ts";
import { explain } from "./explain.ts";
import { words } from "../words/index.ts";

/** What to tell a person. */
export interface Trouble {
  text: string;
  /** For the person who is asked for help; null: the text says it all. */
  detail: string | null;
}

export const trouble = shallowRef<Trouble | null>(null);

/** Says it in a dialog over whatever is open. */
export function report(error: unknown): void {
  console.error(error);
  trouble.value = troubleOf(error);
}

function troubleOf(error: unknown): Trouble {
  const code = storageCode(error);
  if (code) return { text: words.value.storage[code], detail: null };
  if (error instanceof ServerError) return { text: explain(error), detail: null };
  return { text: words.value.troubleUnknown, detail: String(error) };
}

/** Has everything reported that reaches nobody else. */
export function reportAllElse(): void {
  addEventListener("error", ({ error }) => void (error instanceof Error && report(error)));
  addEventListener("unhandledrejection", ({ reason }) => {
    if (storageCode(reason) !== "storage_lost") report(reason); // a book that was closed still had something to read
  });
}
