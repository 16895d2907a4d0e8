import { ref } from "vue";
import { dayOf, type Day } from "./days.ts";

const OFTEN = 60_000; // ms; a clock may be set, and a machine may sleep through midnight

const turns = ref(0);
let known = dayOf(new Date());
let timer: ReturnType<typeof setTimeout> | undefined;

/** The day it is here. What was computed from it is computed again when the day changes. */
export function today(): Day {
  void turns.value;
  return dayOf(new Date());
}

function look(): void {
  const now = new Date();
  if (dayOf(now) !== known) turns.value++;
  known = dayOf(now);
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1);
  clearTimeout(timer);
  timer = setTimeout(look, Math.min(OFTEN, midnight.getTime() - now.getTime() + 10));
}

for (const event of ["focus", "pageshow"]) addEventListener(event, look);
document.addEventListener("visibilitychange", look);
look();
