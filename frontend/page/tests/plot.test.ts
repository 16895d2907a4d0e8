import { expect, test } from "vitest";
import { fromNumber } from "../days.ts";
import { columns, scale, ticksOf } from "../plot.ts";

test("what is drawn keeps the lowest, the highest, the first and the last of many points", () => {
  const points = Array.from({ length: 10_000 }, (_, at) => ({ day: fromNumber(at), balance: at === 5_001 ? -9 : at === 7_003 ? 99_999 : at }));
  const drawn = columns(points, 100);
  expect(drawn.length).toBeLessThanOrEqual(400);
  const balances = drawn.map(({ balance }) => balance);
  expect([Math.min(...balances), Math.max(...balances)]).toEqual([-9, 99_999]);
  expect([drawn[0]?.index, drawn.at(-1)?.index]).toEqual([0, 9_999]);
  expect(drawn.map(({ index }) => index)).toEqual([...drawn.map(({ index }) => index)].sort((a, b) => a - b));
});

test.each([[[0, 0]], [[1, 2]], [[-500, 1_234_567]], [[23_000_00, 38_000_00]], [[-1_00, -99_999_999_00]]])("ticks are round, few, and around %j", (balances) => {
  const ticks = ticksOf(balances);
  expect(ticks.length).toBeGreaterThanOrEqual(2);
  expect(ticks.length).toBeLessThanOrEqual(7);
  expect(ticks[0]).toBeLessThanOrEqual(Math.min(...balances));
  expect(ticks.at(-1)).toBeGreaterThanOrEqual(Math.max(...balances));
});

test("the lowest tick is at the bottom and the highest at the top", () => {
  const y = scale([0, 100, 200], 150, 10);
  expect([y(0), y(100), y(200)]).toEqual([150, 80, 10]);
});
