import { expect, test } from "vitest";
import { fromNumber } from "../../book/days.ts";
import { columns, scale, ticksOf } from "../../book/plot.ts";
import { axisLabels } from "../../words/numbers.ts";

test("what is drawn keeps the lowest, the highest, the first and the last of many points", () => {
  const points = Array.from({ length: 10_000 }, (_, at) => ({
    day: fromNumber(at),
    balance: at === 5_001 ? -9 : at === 7_003 ? 99_999 : at,
  }));
  const drawn = columns(points, 100);
  expect(drawn.length).toBeLessThanOrEqual(400);
  const balances = drawn.map(({ balance }) => balance);
  expect([Math.min(...balances), Math.max(...balances)]).toEqual([-9, 99_999]);
  expect([drawn[0]?.index, drawn.at(-1)?.index]).toEqual([0, 9_999]);
  expect(drawn.map(({ index }) => index)).toEqual(drawn.map(({ index }) => index).sort((a, b) => a - b));
});

test.each([
  [[0, 0]],
  [[1, 2]],
  [[-500, 1_234_567]],
  [[23_000_00, 38_000_00]],
  [[-1_00, -99_999_999_00]],
  [[1e14, -1e14]],
])("ticks are round, few, around %j, and have zero", (balances) => {
  const ticks = ticksOf(balances, 100);
  expect(ticks.length).toBeGreaterThanOrEqual(2);
  expect(ticks.length).toBeLessThanOrEqual(7);
  expect(ticks[0]).toBeLessThanOrEqual(Math.min(...balances));
  expect(ticks.at(-1)).toBeGreaterThanOrEqual(Math.max(...balances));
  expect(ticks).toContain(0);
});

test.each([
  [[0, 250, 500], 100, "en", "EUR", ["€0", "€2.5", "€5"]],
  [[-10_000_000, 0], 100, "en", "EUR", ["−€100,000", "€0"]],
  [[0, 150_000_000, 300_000_000], 100, "en", "EUR", ["€0", "€1.5M", "€3M"]],
  [[0, 100_000_100], 100, "en", "EUR", ["€0", "€1,000,001"]],
  [[0, 1e14], 100, "de", "CHF", ["0 CHF", "1 Bio. CHF"]],
  [[0, 5000], 1, "en", "JPY", ["¥0", "¥5,000"]],
] as const)("labels of %j say exactly what they stand for", (ticks, unit, place, code, labels) => {
  expect(
    axisLabels(
      place,
      code,
      ticks.map((tick) => tick / unit),
    ).map((label) => label.replace(/\s/g, " ")),
  ).toEqual(labels);
});

test("the lowest tick is at the bottom and the highest at the top", () => {
  const y = scale([0, 100, 200], 150, 10);
  expect([y(0), y(100), y(200)]).toEqual([150, 80, 10]);
});
