/** openapi-generator's client typescript-fetch, with the names of properties as they are. */

import { Configuration, type Page, type Problem, ResponseError, SyncApi } from "./typescript_fetch_client";
import { type Found, type Group, type Loaded, NOW, type Told } from "./told";

export async function use({ url, token, tenantId, id }: Told): Promise<Found> {
  const api = new SyncApi(new Configuration({ basePath: url, accessToken: token }));
  const [change_id, group, now] = [crypto.randomUUID(), crypto.randomUUID(), new Date(NOW)];
  const tag = { entity_type: "tags", updated_at: now, group } as const;
  const pushed = await api.pushChanges({
    push: {
      tenant_id: tenantId,
      changes: [
        {
          change_id,
          entity_type: "account_groups",
          id,
          updated_at: now,
          base_updated_at: null,
          data: { name: "Bank", sortOrder: 0, color: "blue" },
        },
        { ...tag, change_id: crypto.randomUUID(), id: "e1", data: { name: "holiday" } },
        { ...tag, change_id: crypto.randomUUID(), id: "e2" },
      ],
    },
  });
  const pulled = await api.pullChanges({ tenantId, limit: 10 });
  const loaded = await api.loadInitial({ tenantId });
  const refused = await api
    .pushChanges({ push: { tenant_id: crypto.randomUUID(), changes: [] } })
    .catch((error: unknown) => error);
  return {
    pushed: pushed.results.map(({ code, status }) => code ?? status),
    pulled: groups(pulled),
    loaded: groups(loaded),
    refused: refused instanceof ResponseError ? ((await refused.response.json()) as Problem).code : undefined,
  };
}

/** The whole book. */
export async function load({ url, token, tenantId }: Told): Promise<Loaded[]> {
  const api = new SyncApi(new Configuration({ basePath: url, accessToken: token }));
  return (await api.loadInitial({ tenantId })).changes!.map(({ id, data }) => ({ id, data }));
}

function groups(page: Page): Group[] {
  return page.changes!.flatMap((entity) =>
    entity.entity_type === "account_groups" && entity.data
      ? { id: entity.id, name: entity.data.name, color: entity.data["color"] }
      : [],
  );
}
