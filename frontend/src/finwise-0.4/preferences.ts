/** A person's settings of the app: one setting in the book that is open, so that they are on each device of the person. */

import { Settings } from "../settings.js";
import type { Conversation } from "./conversation.js";

const KEY = "finwise-0.4";
const FIELDS = ["log_level", "log_categories", "history_retention_days"] as const;
const DEFAULTS = { log_level: "INFO", log_categories: ["store", "ui", "service"], history_retention_days: 60 };

/** What the app is answered; undefined: nothing is set, and it goes on with what it has. */
export async function readPreferences(
  { service }: Conversation,
  userId: string,
): Promise<Record<string, unknown> | undefined> {
  const value = await Settings.ofUser(service, userId).get(KEY);
  return value === undefined ? undefined : described(userId, value as Record<string, unknown>);
}

/** Sets what the app sends, beside what is set already. */
export async function writePreferences(
  { service }: Conversation,
  userId: string,
  sent: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const settings = Settings.ofUser(service, userId);
  const before = ((await settings.get(KEY)) ?? DEFAULTS) as Record<string, unknown>;
  const value = Object.fromEntries(FIELDS.map((name) => [name, sent[name] ?? before[name]]));
  await settings.set(KEY, value);
  return described(userId, value);
}

export function resetPreferences(conversation: Conversation, userId: string): Promise<Record<string, unknown>> {
  return writePreferences(conversation, userId, DEFAULTS);
}

function described(userId: string, value: Record<string, unknown>): Record<string, unknown> {
  return { id: userId, user_id: userId, ...value };
}
