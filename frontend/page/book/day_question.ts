import { ref, type Ref } from "vue";
import { today } from "./calendar.ts";
import { isUsual, type Day } from "./days.ts";

/** Whether a day that is far from today is meant: a question for the form it was typed into. */
export interface DayQuestion {
  /** The day that is asked about; null: none. */
  asked: Ref<Day | null>;
  /** Whether all these days may be saved; the first that may not is asked about. */
  passes: (...days: Day[]) => boolean;
  /** The day that is asked about is meant. */
  confirm: () => void;
}

export function useDayQuestion(): DayQuestion {
  const asked = ref<Day | null>(null);
  const confirmed = new Set<Day>();
  return {
    asked,
    passes: (...days) => {
      asked.value = days.find((day) => !isUsual(day, today()) && !confirmed.has(day)) ?? null;
      return asked.value === null;
    },
    confirm: () => {
      if (asked.value) confirmed.add(asked.value);
      asked.value = null;
    },
  };
}
