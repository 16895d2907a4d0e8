import { ServerError } from "../../src/index.ts";
import { words } from "../words/index.ts";

/** What codes of problems mean to somebody who asks for one certain thing. */
export type Meanings = Partial<Record<string, string>>;

/** What to tell a person about a request that failed. Raises what is no error of a request. */
export function explain(error: unknown, meanings: Meanings = {}): string {
  if (!(error instanceof ServerError)) throw error;
  const { status, code, problem, retryAfter } = error;
  const meaning = meanings[code];
  if (meaning !== undefined) return meaning;
  if (code === "proxy_login") return words.value.statuses.proxyLogin;
  if (code === "proxy_error") return words.value.statuses.unreachable;
  if (status === 0) return words.value.serverAway;
  if (code === "demo") return words.value.demoGone;
  if (status === 401) return words.value.expired;
  if (status === 429) return words.value.tooManyAttempts(retryAfter ?? 60);
  const fields = Object.keys(problem.errors ?? {});
  if (fields.length) return words.value.valuesRefused(fields.map(labelOf).join(", "));
  if (error.incident) return `${words.value.problems["internal"]} ${words.value.incident(error.incident)}`;
  return words.value.problems[code] ?? words.value.refused(problem.detail ?? code);
}

/** What the page calls a field of a request. */
function labelOf(field: string): string {
  const { name, email, password, invitation, deviceName: device_name } = words.value;
  return ({ name, email, password, invitation, device_name } as Record<string, string>)[field] ?? field;
}
