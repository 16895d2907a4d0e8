import type { Data, EntityType, Row, TenantDbService } from "../../src/index.ts";

/** An edit, and the one that takes it back. */
export interface Step {
  make: (book: TenantDbService) => Promise<void>;
  back: (book: TenantDbService) => Promise<void>;
}

export type Undo = () => Promise<void>;

const MOST = 500; // steps that are stored together: as many as the sync package takes

export function adding<T extends EntityType>(entityType: T, id: string, data: Data<T>): Step {
  return { make: (book) => book.put(entityType, id, data), back: (book) => book.delete(entityType, id) };
}

/** Other values in some fields of an entity; all its other fields stay as they are. */
export function changing<T extends EntityType>(entityType: T, row: Row<T>, fields: Partial<Data<T>>): Step {
  const before = Object.fromEntries(Object.keys(fields).map((name) => [name, (row as Record<string, unknown>)[name]]));
  return {
    make: (book) => book.change(entityType, row.id, fields),
    back: (book) => book.change(entityType, row.id, before as Partial<Data<T>>),
  };
}

export function deleting<T extends EntityType>(entityType: T, row: Row<T>): Step {
  return { make: (book) => book.delete(entityType, row.id), back: (book) => book.put(entityType, row.id, dataOf(row)) };
}

/**
 * Makes steps in their order, and answers how to take them back. The steps of a unit are stored together or not at
 * all, and so are all units if one group can hold them. Both belong to this book, whichever one is open later.
 * `onProgress` hears which share of the work is done, from 0 to below 1.
 */
export async function take(
  book: TenantDbService,
  units: Step[][],
  onProgress: (share: number) => void = () => {},
): Promise<Undo> {
  const groups = packed(units);
  for (const [place, group] of groups.entries()) {
    onProgress(place / groups.length);
    await inOne(
      book,
      group.map(({ make }) => make),
    );
  }
  return async () => {
    for (const group of groups.toReversed())
      await inOne(
        book,
        group.toReversed().map(({ back }) => back),
      );
  };
}

async function inOne(book: TenantDbService, edits: ((book: TenantDbService) => Promise<void>)[]): Promise<void> {
  if (edits.length === 1) return edits[0]?.(book);
  await book.together(async () => {
    for (const edit of edits) await edit(book);
  });
}

function packed(units: Step[][]): Step[][] {
  const groups: Step[][] = [];
  for (const unit of units.filter(({ length }) => length)) {
    const last = groups.at(-1);
    if (last && last.length + unit.length <= MOST) last.push(...unit);
    else groups.push([...unit]);
  }
  return groups;
}

/** An entity's own fields: without what the device notes beside them. */
function dataOf<T extends EntityType>(row: Row<T>): Data<T> {
  const { id, created_at, updated_at, base_updated_at, $own, ...data } = row;
  return { ...data, ...$own };
}
