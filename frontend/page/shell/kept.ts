/** Small things that the browser keeps for this page. A browser that refuses keeps nothing; they then hold until the page is closed. */
import { ref } from "vue";

/** Whether what was to be kept is kept. */
export const isKeeping = ref(true);

/** The object kept under a name, or an empty one. */
export function kept<T extends object>(key: string): Partial<T> {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(key) ?? "{}");
    return typeof found === "object" && found !== null ? found : {};
  } catch {
    return {};
  }
}

export function keep(key: string, value: object): void {
  try {
    localStorage.setItem(key, JSON.stringify(value));
    isKeeping.value = true;
  } catch {
    isKeeping.value = false;
  }
}
