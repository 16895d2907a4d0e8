/** FinWise 0.4 on this server: what the app uses instead of `fetch` and `WebSocket`, and a hook on its queue. */

import type { Dexie } from "dexie";
import type { RejectedEntry } from "../database.js";
import { tenantOf } from "./app_database.js";
import { Conversation } from "./conversation.js";
import { type AskPassword, People, type Person } from "./people.js";
import { fetchFor } from "./routes.js";
import { type SocketClass, socketClass } from "./socket.js";

export type { AskPassword, Person };

export interface Finwise04Options {
  /** Where the server is: an origin with the path before all routes. */
  baseUrl: string;
  askPassword: AskPassword;
  /** Instead of the global one. */
  fetch?: typeof globalThis.fetch;
}

export interface Finwise04 {
  fetch: typeof globalThis.fetch;
  WebSocket: SocketClass;
  /** Syncs a tenant's database of the app. Call it where the tables are declared, before it is opened. */
  watch: (db: { readonly name: string }) => void; // comparing an app's class with Dexie's type is too deep for the compiler
  /** What the server does not take of a tenant's edits, with the reasons. */
  rejected: (tenantId: string) => Promise<RejectedEntry[]>;
  /** Ends all conversations. */
  end: () => Promise<void>;
}

export function finwise04({ baseUrl, askPassword, fetch: ask }: Finwise04Options): Finwise04 {
  const people = new People(baseUrl, ask, askPassword);
  const conversations = new Map<string, Conversation>();
  people.onLogIn = () => conversations.forEach((conversation) => conversation.resume());
  const waiting = new Map<string, (conversation: Conversation) => void>();

  function watch(database: { readonly name: string }): void {
    const db = database as Dexie;
    const tenantId = tenantOf(db);
    void conversations.get(tenantId)?.end();
    const conversation = new Conversation(db, people.client());
    conversations.set(tenantId, conversation);
    waiting.get(tenantId)?.(conversation);
  }

  async function find(tenantId: string): Promise<Conversation> {
    await people.comeIn();
    return conversations.get(tenantId) ?? new Promise((resolve) => waiting.set(tenantId, resolve));
  }

  return {
    fetch: fetchFor(people, conversations, ask ?? ((input, init) => globalThis.fetch(input, init))),
    WebSocket: socketClass(find),
    watch,
    rejected: (tenantId) => conversations.get(tenantId)?.rejected() ?? Promise.resolve([]),
    end: async () => void (await Promise.all([...conversations.values()].map((conversation) => conversation.end()))),
  };
}
