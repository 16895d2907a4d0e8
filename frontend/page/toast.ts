import { shallowRef } from "vue";

/** What was just done, for a moment; `undo` takes it back. */
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
