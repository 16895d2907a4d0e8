import type { Change, Data, EntityType, Named, Row, TenantDbService } from "../../src/index.ts";

/** An edit of one entity. */
type Edit =
  | { kind: "put"; entityType: EntityType; id: string; data: Data }
  | { kind: "change"; entityType: EntityType; id: string; fields: Partial<Data> }
  | { kind: "delete"; entityType: EntityType; id: string };

/** An edit, and the one that takes it back. */
export interface Step {
  make: Edit;
  back: Edit;
}

export type Undo = () => Promise<void>;

const MOST = 500; // steps that are stored together: as many as the sync package takes

export function adding<T extends EntityType>(entityType: T, id: string, data: Data<T>): Step {
  return { make: { kind: "put", entityType, id, data }, back: { kind: "delete", entityType, id } };
}

/** Other values in some fields of an entity; all its other fields stay as they are. */
export function changing<T extends EntityType>(entityType: T, row: Row<T>, fields: Partial<Data<T>>): Step {
  const before = Object.fromEntries(Object.keys(fields).map((name) => [name, (row as Record<string, unknown>)[name]]));
  const edit = (wanted: Partial<Data>): Edit => ({ kind: "change", entityType, id: row.id, fields: wanted });
  return { make: edit(fields), back: edit(before) };
}

export function deleting<T extends EntityType>(entityType: T, row: Row<T>): Step {
  const { id } = row;
  return { make: { kind: "delete", entityType, id }, back: { kind: "put", entityType, id, data: dataOf(row) } };
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

async function inOne(book: TenantDbService, edits: Edit[]): Promise<void> {
  const runs = inRuns(edits);
  if (edits.length === 1) return runs[0]?.(book);
  await book.together(async () => {
    for (const run of runs) await run(book);
  });
}

/** Edits that follow each other and are alike, as one write each. */
function inRuns(edits: Edit[]): ((book: TenantDbService) => Promise<void>)[] {
  const runs: Edit[][] = [];
  for (const edit of edits) {
    const [first] = runs.at(-1) ?? [];
    if (first?.kind === edit.kind && first.entityType === edit.entityType) runs.at(-1)?.push(edit);
    else runs.push([edit]);
  }
  return runs.map((run) => (book) => write(book, run));
}

/** Edits of one kind and type. */
function write(book: TenantDbService, edits: Edit[]): Promise<void> {
  const [{ kind, entityType }] = edits as [Edit];
  if (kind === "put") return book.putMany(entityType, edits as Named<EntityType>[]);
  if (kind === "change") return book.changeMany(entityType, edits as Change<EntityType>[]);
  return book.deleteMany(
    entityType,
    edits.map(({ id }) => id),
  );
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
