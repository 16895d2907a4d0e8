import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { de } from "../../words/de.ts";
import { en } from "../../words/en.ts";

/** Every text of a dictionary by its path; functions called with what stands for a value. */
function texts(part: object, path = ""): [string, string][] {
  return Object.entries(part).flatMap(([name, value]: [string, unknown]) => {
    if (typeof value === "function")
      return [[path + name, String((value as (...given: unknown[]) => string)(2, 3, 4, 5))]] as [string, string][];
    return typeof value === "object"
      ? texts(value as object, `${path}${name}.`)
      : ([[path + name, String(value)]] as [string, string][]);
  });
}

/** The texts about a `count` of something whose words are the same for one and for two. */
function unbending(part: object): string[] {
  return Object.values(part).flatMap((value: unknown) => {
    if (typeof value === "object") return unbending(value as object);
    if (typeof value !== "function" || !String(value).startsWith("(count")) return [];
    const said = (count: number): string =>
      String((value as (...given: unknown[]) => unknown)(count, count, count, count));
    return /\b2 \p{L}{2}/u.test(said(2)) && said(1) === said(2).replaceAll("2", "1") ? [said(2)] : [];
  });
}

test("one of a thing has its own word", () => {
  expect([...unbending(en), ...unbending(de)].map((text) => text.replace("2", "…"))).toEqual([
    // These words are the same for one and for many.
    "… found",
    "… waiting to be sent",
    "and … more",
    "… gefunden",
    "… noch zu senden",
    "und … weitere",
  ]);
  expect([en.transactionsOf(1), en.transactionsOf(1234), de.transactionsOf(1), de.transactionsOf(1234)]).toEqual([
    "1 transaction",
    "1,234 transactions",
    "1 Buchung",
    "1.234 Buchungen",
  ]);
});

test("no dictionary has an empty text, and both have the same, records included", () => {
  expect(texts(de).map(([path]) => path)).toEqual(texts(en).map(([path]) => path));
  expect([...texts(en), ...texts(de)].filter(([, text]) => !text.trim())).toEqual([]);
});

test("what the server refuses is said in the page's own words, by the codes of the protocol", () => {
  const protocol = readFileSync(join(import.meta.dirname, "../../../../docs/protocol.md"), "utf8");
  const codesIn = (section: string, column: RegExp): string[] => {
    const [, part = ""] = protocol.split(new RegExp(`^#+ ${section} .*$`, "m"));
    const rows = part.split(/^#/m)[0]?.match(/^\|.+\|$/gm) ?? [];
    return rows.flatMap((row) =>
      [...(column.exec(row)?.[1] ?? "").matchAll(/`(\w+)`/g)].flatMap(([, code = ""]) => code),
    );
  };
  // A bug of the page's, something that the sync deals with, or said by its status.
  const others = [
    "bad_cursor",
    "bad_request",
    "unauthorized",
    "method_not_allowed",
    "not_acceptable",
    "unsupported_media_type",
    "cursor_expired",
    "epoch_changed",
    "slow_down",
  ];
  expect(Object.keys(en.problems).sort()).toEqual(
    codesIn("6\\.", /^\| [\d · ]+ \|([^|]+)\|/)
      .filter((code) => !others.includes(code))
      .sort(),
  );
  const bugs = ["invalid_change", "invalid_id", "invalid_time"];
  expect(Object.keys(en.rejections).sort()).toEqual(
    codesIn("2\\.3", /^\|([^|]+)\|/)
      .filter((code) => !bugs.includes(code))
      .sort(),
  );
});
