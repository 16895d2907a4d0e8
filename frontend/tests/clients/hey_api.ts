/** The client of @hey-api/openapi-ts. */

import { type Page, loadInitial, pullChanges, pushChanges } from "./hey_api_client";
import { client } from "./hey_api_client/client.gen";
import { type Found, type Group, type Loaded, NOW, type Told } from "./told";

export async function use({ url, token, tenantId, id }: Told): Promise<Found> {
  client.setConfig({ baseUrl: url, auth: token });
  const [change_id, group] = [crypto.randomUUID(), crypto.randomUUID()];
  const tag = { entity_type: "tags", updated_at: NOW, group } as const;
  const pushed = await pushChanges({
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
  const pulled = await pullChanges({ path, query: { limit: 10 } });
  const loaded = await loadInitial({ path });
  const refused = await pushChanges({ body: { tenant_id: crypto.randomUUID(), changes: [] } });
  return {
    pushed: pushed.data!.results.map(({ code, status }) => code ?? status),
    pulled: groups(pulled.data!),
    loaded: groups(loaded.data!),
    refused: refused.error!.code,
  };
}

/** The whole book. */
export async function load({ url, token, tenantId }: Told): Promise<Loaded[]> {
  client.setConfig({ baseUrl: url, auth: token });
  return (await loadInitial({ path: { tenant_id: tenantId } })).data!.changes!.map(({ id, data }) => ({ id, data }));
}

function groups(page: Page): Group[] {
  return page.changes!.flatMap((entity) =>
    entity.entity_type === "account_groups" && entity.data
      ? { id: entity.id, name: entity.data.name, color: entity.data["color"] }
      : [],
  );
}
