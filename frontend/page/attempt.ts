import { ref, type Ref } from "vue";
import { explain } from "./session.ts";

/** Something a person asks for that the server may refuse: `problem` then says why. One at a time. */
export function useAttempt(): { attempt: (action: () => Promise<void>) => Promise<void>; problem: Ref<string>; isBusy: Ref<boolean> } {
  const problem = ref("");
  const isBusy = ref(false);
  async function attempt(action: () => Promise<void>): Promise<void> {
    problem.value = "";
    isBusy.value = true;
    try {
      await action();
    } catch (error) {
      problem.value = explain(error);
    } finally {
      isBusy.value = false;
    }
  }
  return { attempt, problem, isBusy };
}
