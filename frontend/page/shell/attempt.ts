import { ref, type Ref } from "vue";
import { explain, type Meanings } from "./explain.ts";

interface Attempt {
  /** `meanings`: what codes of problems mean here, where the page can say more than in general. */
  attempt: (action: () => Promise<void>, meanings?: Meanings) => Promise<void>;
  problem: Ref<string>;
  isBusy: Ref<boolean>;
}

/** Something a person asks for that the server may refuse: `problem` then says why. One at a time. */
export function useAttempt(): Attempt {
  const problem = ref("");
  const isBusy = ref(false);
  async function attempt(action: () => Promise<void>, meanings?: Meanings): Promise<void> {
    problem.value = "";
    isBusy.value = true;
    try {
      await action();
    } catch (error) {
      problem.value = explain(error, meanings);
    } finally {
      isBusy.value = false;
    }
  }
  return { attempt, problem, isBusy };
}
