/** Which entities of a book have changed since somebody looked: by this tab, or by another one that has it open. */

import { Dexie, type IntervalTree, type ObservabilitySet, RangeSet } from "dexie";
import type { EntityType } from "../catalogue.js";
import { NAMED } from "./names.js";

export class Changed {
  /** By type; undefined: nobody knows which, so it may be any. */
  private readonly ids = new Map<EntityType, Set<string> | undefined>();

  /** `onNews` is called when something has changed, which may be after the sync that brought it has ended. */
  constructor(
    private readonly database: string,
    private readonly onNews: () => void,
  ) {
    this.suspectAll();
    Dexie.on("storagemutated", this.hear);
  }

  get isEmpty(): boolean {
    return [...this.ids.values()].every((ids) => ids?.size === 0);
  }

  suspectAll(): void {
    for (const { entityType } of NAMED) this.ids.set(entityType, undefined);
  }

  /** The ids that have changed, which are forgotten here; undefined: it may be any. */
  take(entityType: EntityType): Set<string> | undefined {
    const taken = this.ids.get(entityType);
    this.ids.set(entityType, new Set());
    return taken;
  }

  /** Is to be looked at again. */
  note(entityType: EntityType, ids: Iterable<string>): void {
    const known = this.ids.get(entityType);
    for (const id of ids) known?.add(id);
  }

  end(): void {
    Dexie.on.storagemutated.unsubscribe(this.hear);
  }

  /** Dexie names the keys that were written, or only a range in which they are. */
  private readonly hear = (parts: ObservabilitySet): void => {
    if ("all" in parts) this.suspectAll(); // after the browser had put the page to sleep
    for (const { entityType } of NAMED) {
      const part = parts[`idb://${this.database}/${entityType}/`];
      const ids = part ? keysOf(part) : [];
      if (ids) this.note(entityType, ids);
      else this.ids.set(entityType, undefined);
    }
    if (!this.isEmpty) this.onNews();
  };
}

/** The keys of a part; undefined: it is a range. */
function keysOf(part: IntervalTree): string[] | undefined {
  const ranges = [...RangeSet(part)];
  return ranges.every(({ from, to }) => from === to) ? ranges.map(({ from }) => from as string) : undefined;
}
