/** What comes back for a request: an answer of FinWise's, an error of its, or the page of a proxy that stands before it. */

import type { Schemas } from "./catalogue.js";
import type { Reload } from "./database.js";

type Problem = Schemas["Problem"];

const LONGEST_PAUSE = 3600; // seconds; a server that asks for more is asked again all the same
const ASKS_FOR_LOGIN = new Set([401, 403, 407, 511]);

/** An answer that is an error, or none at all. */
export class ServerError extends Error {
  constructor(
    /** The HTTP status; 0: there was no answer that could be read to its end. */
    readonly status: number,
    /**
     * The problem's code. Without a problem of FinWise's: `network` for no answer, `proxy_login` for a login page in its
     * place (a redirect, a page with 200, a refusal), `proxy_error` for any other answer that is not FinWise's.
     */
    readonly code: string,
    readonly problem: Partial<Problem>,
    /** Seconds that the server asks to wait, an hour at most. */
    readonly retryAfter: number | undefined,
  ) {
    super(problem.detail ?? code);
  }

  /** The number by which the operator finds a bug of the server in its log, if that is what the answer says. */
  get incident(): string | undefined {
    return this.code === "internal" ? /\b[0-9a-f]{12}\b/.exec(this.problem.detail ?? "")?.[0] : undefined;
  }

  /** What has to be loaded again, if the server says so. */
  get reload(): Reload | undefined {
    if (this.code !== "cursor_expired" && this.code !== "epoch_changed") return undefined;
    return { reason: this.code, give_back: this.problem.give_back === true };
  }
}

/** No answer, or one that ended before it was complete. */
export function brokenOff(): ServerError {
  return new ServerError(0, "network", {}, undefined);
}

/** The error that an answer is; undefined: it is one to be read. Requests follow no redirect, for FinWise sends none. */
export async function errorOf(answer: Response): Promise<ServerError | undefined> {
  if (answer.type === "opaqueredirect" || (answer.status >= 300 && answer.status < 400)) return foreign(answer, true);
  if (/\bx?html\b/i.test(answer.headers.get("Content-Type") ?? ""))
    return foreign(answer, answer.ok || ASKS_FOR_LOGIN.has(answer.status));
  if (answer.ok) return undefined;
  const problem: unknown = await answer.json().catch(() => undefined);
  if (!isProblem(problem)) return foreign(answer, ASKS_FOR_LOGIN.has(answer.status));
  return new ServerError(answer.status, problem.code, problem, pauseOf(answer));
}

/** The error that a line of an answer is; its status came too late for HTTP's own. undefined: it is none. */
export function refusalIn(line: unknown): ServerError | undefined {
  return isProblem(line) ? new ServerError(line.status, line.code, line, undefined) : undefined;
}

function foreign(answer: Response, isLogin: boolean): ServerError {
  return new ServerError(answer.status, isLogin ? "proxy_login" : "proxy_error", {}, pauseOf(answer));
}

function isProblem(body: unknown): body is Problem {
  return typeof (body as Partial<Problem> | null | undefined)?.code === "string";
}

/** `Retry-After` in seconds: a number, or the time until a date by the answering server's clock. */
function pauseOf(answer: Response): number | undefined {
  const text = answer.headers.get("Retry-After")?.trim();
  if (!text) return undefined;
  const sent = Date.parse(answer.headers.get("Date") ?? "") || Date.now();
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : (Date.parse(text) - sent) / 1000;
  return seconds >= 0 ? Math.min(seconds, LONGEST_PAUSE) : undefined;
}
