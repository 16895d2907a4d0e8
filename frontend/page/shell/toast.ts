import { shallowRef } from "vue";

/** What was just done, for a moment; `undo` takes it back, in the book in which it was done. */
export interface Toast {
  text: string;
  undo?: () => unknown;
}

const SHOWN = 8000; // ms

export const toast = shallowRef<Toast | null>(null);
let timer: ReturnType<typeof setTimeout> | undefined;

export function say(text: string, undo?: () => unknown): void {
  clearTimeout(timer);
  const shown: Toast = undo ? { text, undo } : { text };
  toast.value = shown;
  timer = setTimeout(() => {
    if (toast.value === shown) toast.value = null;
  }, SHOWN);
}

/** Ends the offer to take something back: another book is open now, or one that may only be read. */
export function endUndo(): void {
  if (toast.value?.undo) toast.value = null;
}
