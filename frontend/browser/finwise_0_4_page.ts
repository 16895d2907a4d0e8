/** Runs inside the browser: the small app of FinWise 0.4's form over the adapter, for the tests to drive. */

import { finwise04 } from "../src/finwise-0.4/index.ts";
import { SmallApp } from "../tests/finwise-0.4/small_app.ts";

/** What a test calls in the page. */
export interface Driven {
  /** Starts the app as it is after a reload: with what this browser keeps. `isBefore`: without the adapter. */
  start: (tenantId: string, baseUrl: string, isBefore?: boolean) => Promise<void>;
  /** A request of the app's to its backend: status and body. */
  ask: (method: string, path: string, body?: object) => Promise<{ status: number; body: unknown }>;
  rejected: () => Promise<{ id: string; code: string }[]>;
  app: SmallApp;
}

let finwise: ReturnType<typeof finwise04>;

const driven: Driven = {
  app: undefined as unknown as SmallApp, // until it was started
  start: async (tenantId, baseUrl, isBefore = false) => {
    finwise = finwise04({ baseUrl, askPassword: () => Promise.resolve(undefined) });
    driven.app = await new SmallApp(tenantId, isBefore ? undefined : finwise).load();
    if (!isBefore) await driven.app.connect();
  },
  ask: async (method, path, body) => {
    const headers = { "Content-Type": "application/json" };
    const answer = await finwise.fetch(`http://localhost:8000${path}`, {
      method,
      headers,
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: answer.status === 204 ? null : await answer.json() };
  },
  rejected: () => finwise.rejected(driven.app.tenantId),
};

Object.assign(globalThis, { driven });
