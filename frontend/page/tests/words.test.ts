import { expect, test } from "vitest";
import { de } from "../words/de.ts";
import { en } from "../words/en.ts";

/** Every text of a dictionary by its path; functions called with what stands for a value. */
function texts(part: object, path = ""): [string, string][] {
  return Object.entries(part).flatMap(([name, value]: [string, unknown]) => {
    if (typeof value === "function") return [[path + name, String((value as (...given: unknown[]) => string)(2, 3, 4, 5))]] as [string, string][];
    return typeof value === "object" ? texts(value as object, `${path}${name}.`) : ([[path + name, String(value)]] as [string, string][]);
  });
}

test("no dictionary has an empty text, and both have the same, records included", () => {
  expect(texts(de).map(([path]) => path)).toEqual(texts(en).map(([path]) => path));
  expect([...texts(en), ...texts(de)].filter(([, text]) => !text.trim())).toEqual([]);
});
