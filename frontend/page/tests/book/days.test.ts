import { expect, test } from "vitest";
import { isUsual, meantBy } from "../../book/days.ts";

test.each([
  ["2026-11-30", true],
  ["2006-01-01", true],
  ["2028-12-31", true],
  ["2005-12-31", false],
  ["2029-01-01", false],
  ["0026-01-05", false],
  ["1970-01-01", false],
])("%s is taken without a question: %s", (day, isTaken) => {
  expect(isUsual(day, "2026-11-30")).toBe(isTaken);
});

test.each([
  ["0026-01-05", "2026-01-05"],
  ["0028-02-29", "2028-02-29"],
  ["0099-12-31", "1999-12-31"],
  ["0202-01-05", null],
  ["1926-01-05", null],
])("who types the year of %s means %s", (day, meant) => {
  expect(meantBy(day, "2026-11-30")).toBe(meant);
});
