import { onScopeDispose, ref, watch, type Ref } from "vue";

/** How large an element is, px; 0 as long as it is not there. */
export function useSize(element: Readonly<Ref<HTMLElement | null>>): { width: Ref<number>; height: Ref<number> } {
  const [width, height] = [ref(0), ref(0)];
  const observer = new ResizeObserver(([entry]) => {
    width.value = entry?.contentRect.width ?? 0;
    height.value = entry?.contentRect.height ?? 0;
  });
  watch(element, (now, before) => {
    if (before) observer.unobserve(before);
    if (now) observer.observe(now);
  });
  onScopeDispose(() => observer.disconnect());
  return { width, height };
}

/** Whether a media query holds now. */
export function useMedia(query: string): Ref<boolean> {
  const media = matchMedia(query);
  const holds = ref(media.matches);
  const follow = (): void => void (holds.value = media.matches);
  media.addEventListener("change", follow);
  onScopeDispose(() => media.removeEventListener("change", follow));
  return holds;
}

/** Whether there is room for the accounts beside the book. */
export function useWide(): Ref<boolean> {
  return useMedia("(min-width: 56.01rem)");
}

/** Whether the page is being printed now. */
export function usePrinting(): Ref<boolean> {
  const isPrinting = ref(false);
  const begin = (): void => void (isPrinting.value = true);
  const end = (): void => void (isPrinting.value = false);
  addEventListener("beforeprint", begin);
  addEventListener("afterprint", end);
  onScopeDispose(() => {
    removeEventListener("beforeprint", begin);
    removeEventListener("afterprint", end);
  });
  return isPrinting;
}

/** How wide a text is in the element's letters of a size such as "0.8rem", px; asked again once the letters have arrived. */
export function useTextWidth(element: Readonly<Ref<HTMLElement | null>>, size: string): (text: string) => number {
  const context = document.createElement("canvas").getContext("2d");
  const arrivals = ref(0);
  void document.fonts?.ready.then(() => arrivals.value++);
  return (text) => {
    if (!context || !element.value || arrivals.value < 0) return 0;
    const pixels = parseFloat(getComputedStyle(document.documentElement).fontSize) * parseFloat(size);
    context.font = `${pixels}px ${getComputedStyle(element.value).fontFamily}`;
    return context.measureText(text).width;
  };
}
