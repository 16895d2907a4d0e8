/** The entity types of the server's catalogue, as its OpenAPI document describes them. */

import type { components } from "./openapi.js";

export type Schemas = components["schemas"];
export type Entity = Schemas["Entity"];
export type EntityType = Entity["entity_type"];

/** An entity's own fields, unknown ones included. */
export type Data<T extends EntityType = EntityType> = NonNullable<Extract<Entity, { entity_type: T }>["data"]>;

/**
 * An entity's fields as an app may give them: any of those that are known, optional and null alike, and others. An app's
 * own interface fits, which has no index signature.
 */
export type Given<T extends EntityType = EntityType> = Partial<Data<T>> | Loose<Data<T>>;

/** The same values without index signatures, at any depth. */
type Loose<V> = V extends readonly (infer Item)[]
  ? readonly Loose<Item>[]
  : V extends object
    ? { [K in keyof V as string extends K ? never : K]?: Loose<V[K]> | null | undefined }
    : V;

export const ENTITY_TYPES = [
  "account_groups",
  "accounts",
  "category_groups",
  "categories",
  "recipients",
  "tags",
  "transactions",
  "planning_transactions",
  "automation_rules",
  "book_settings",
  "user_settings",
] as const satisfies readonly EntityType[];

// The compiler says which type of the document is missing above.
type Missing = Exclude<EntityType, (typeof ENTITY_TYPES)[number]>;
const isComplete: [Missing] extends [never] ? true : Missing = true;
void isComplete;

export function isEntityType(name: string): name is EntityType {
  return (ENTITY_TYPES as readonly string[]).includes(name);
}
