/** openapi-typescript's types with openapi-fetch. */

import createClient from "openapi-fetch";
import type { components, paths } from "./openapi_typescript";
import { type Found, type Group, type Loaded, NOW, type Told } from "./told";

type Page = components["schemas"]["Page"];

export async function use({ url, token, tenantId, id }: Told): Promise<Found> {
  const client = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${token}` } });
  const [change_id, group] = [crypto.randomUUID(), crypto.randomUUID()];
  const tag = { entity_type: "tags", updated_at: NOW, group } as const;
  const pushed = await client.POST("/sync/changes", {
    body: {
      tenant_id: tenantId,
      changes: [
        {
          change_id,
          entity_type: "account_groups",
          id,
          updated_at: NOW,
          base_updated_at: null,
          data: { name: "Bank", sortOrder: 0, color: "blue" },
        },
        { ...tag, change_id: crypto.randomUUID(), id: "e1", data: { name: "holiday" } },
        { ...tag, change_id: crypto.randomUUID(), id: "e2" },
      ],
    },
  });
  const path = { tenant_id: tenantId };
  const pulled = await client.GET("/sync/changes/{tenant_id}", { params: { path, query: { limit: 10 } } });
  const loaded = await client.GET("/sync/initial/{tenant_id}", { params: { path } });
  const refused = await client.POST("/sync/changes", { body: { tenant_id: crypto.randomUUID(), changes: [] } });
  return {
    pushed: pushed.data!.results.map(({ code, status }) => code ?? status),
    pulled: groups(pulled.data!),
    loaded: groups(loaded.data!),
    refused: refused.error!.code,
  };
}

/** The whole book. */
export async function load({ url, token, tenantId }: Told): Promise<Loaded[]> {
  const client = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${token}` } });
  const path = { tenant_id: tenantId };
  const loaded = await client.GET("/sync/initial/{tenant_id}", { params: { path } });
  return loaded.data!.changes!.map(({ id, data }) => ({ id, data }));
}

function groups(page: Page): Group[] {
  return page.changes!.flatMap((entity) =>
    entity.entity_type === "account_groups" && entity.data
      ? { id: entity.id, name: entity.data.name, color: entity.data["color"] }
      : [],
  );
}
