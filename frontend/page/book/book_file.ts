import { type BookFileType, ENTITY_TYPES, FinwiseTenantSpecificDB, TenantDbService } from "../../src/index.ts";
import { today } from "./calendar.ts";
import { saveAs } from "../shell/file.ts";

/**
 * Saves all that is on this device of a book, unsent changes included, in the form that `finwise import` reads.
 * Which book is open does not matter.
 */
export async function exportFromDevice(tenantId: string, name: string): Promise<void> {
  const db = new FinwiseTenantSpecificDB(tenantId);
  const service = new TenantDbService(db);
  const book: Record<string, unknown> = {};
  try {
    await db.transaction(
      "r",
      ENTITY_TYPES.map((entityType) => db.entities(entityType)),
      async () => {
        for (const entityType of ENTITY_TYPES) {
          book[entityType] = (await service.list(entityType)).map(({ base_updated_at, $own, ...entity }) => entity);
        }
      },
    );
  } finally {
    db.close();
  }
  saveAs(new Blob([JSON.stringify(book)], { type: "application/json" }), bookFileName(name, "json"));
}

/** Such as "Household-2026-11-30.json". */
export function bookFileName(name: string, type: BookFileType): string {
  return `${name.replace(/[^\p{L}\p{N}]+/gu, "-")}-${today()}.${type}`;
}
