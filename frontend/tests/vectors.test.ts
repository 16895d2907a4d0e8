/** The vectors of the server's own tests, in another language. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { NOTHING, added, sha256, weight } from "../src/digest";
import { Judge, type Version, type WireChange, canonicalTime } from "./judge";

interface MergeCase {
  name: string;
  now: string;
  stored: Version | null;
  horizon?: string;
  remembered: string[];
  aside?: string[];
  changes: WireChange[];
  results: { status: string; updated_at?: string | null; conflict?: unknown; code?: string }[];
  final: Version | null;
}

interface DigestCase {
  name: string;
  entities: { entity_type: string; id: string; updated_at: string; deleted: boolean }[];
  digests: Record<string, string>;
}

function vectors<T>(name: string): T[] {
  const file = new URL(`../../tests/vectors/${name}.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { cases: T[] }).cases;
}

describe("the judgement", () => {
  test.each(vectors<MergeCase>("merge").map((each) => [each.name, each] as const))(
    "%s",
    (_, { now, stored, horizon, remembered, aside, changes, results, final }) => {
      const taken = changes.filter((_, place) => results[place]!.status !== "rejected");
      const judges = new Map<string, Judge>();
      const judgeOf = (id: string) => {
        if (!judges.has(id))
          judges.set(
            id,
            new Judge(id === "e1" ? stored : null, new Set(id === "e1" ? remembered : []), now, taken, horizon, aside),
          );
        return judges.get(id)!;
      };
      changes.forEach((change, place) => {
        const { status, updated_at, conflict, code } = results[place]!;
        if (status === "rejected") {
          const broken = changes.filter((each) => !isTaken(each)).map((each) => each.group?.toLowerCase());
          expect(code === "group" ? broken.includes(change.group!.toLowerCase()) : !isTaken(change)).toBe(true);
          return;
        }
        const judged = judgeOf(change.id).judge(change);
        expect(judged).toEqual({ status, updated_at, conflict: conflict ?? null });
      });
      expect(judgeOf("e1").stored).toEqual(final);
    },
  );
});

/** As far as the vectors' rejected changes go: their times, or that they have neither data nor a deletion. */
function isTaken(change: WireChange): boolean {
  const times = [change.updated_at, change.created_at, change.base_updated_at, change.deleted_at];
  if (times.some((time) => time != null && canonicalTime(time) === undefined)) return false;
  return (
    change.deleted_at != null || (typeof change.data === "object" && change.data !== null && "name" in change.data)
  );
}

describe("the digest", () => {
  test.each(vectors<DigestCase>("digest").map((each) => [each.name, each] as const))(
    "%s",
    (_, { entities, digests }) => {
      const held: Record<string, string> = {};
      for (const { entity_type, id, updated_at, deleted } of entities) {
        if (!deleted) held[entity_type] = added(held[entity_type] ?? NOTHING, weight(entity_type, id, updated_at));
      }
      for (const name of new Set([...Object.keys(held), ...Object.keys(digests)]))
        expect(held[name] ?? NOTHING).toBe(digests[name] ?? NOTHING);
    },
  );

  test("SHA-256 is that of node at every length around a block's end", async () => {
    const { createHash } = await import("node:crypto");
    for (let length = 0; length < 200; length++) {
      const message = new Uint8Array(length).fill(length);
      const ours = [...sha256(message)].map((word) => word.toString(16).padStart(8, "0")).join("");
      expect(ours).toBe(createHash("sha256").update(message).digest("hex"));
    }
  });
});
