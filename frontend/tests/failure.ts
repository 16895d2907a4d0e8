import type { ServerError } from "../src/client";

/** The error that a request ends with; undefined: it ends well. */
export function failure(work: Promise<unknown>): Promise<ServerError | undefined> {
  return work.then(
    () => undefined,
    (error: unknown) => error as ServerError,
  );
}
