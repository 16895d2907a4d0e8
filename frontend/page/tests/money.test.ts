import { describe, expect, test } from "vitest";
import { fromCents, parseAmount, toCents } from "../money.ts";

describe("an amount as it is typed", () => {
  test.each([
    ["12", 1200],
    ["12.5", 1250],
    ["12,50", 1250],
    [" + 20 € ", 2000],
    ["-3", -300],
    ["−3,10", -310],
    [".5", 50],
    ["0,05", 5],
    ["1.234,56", 123456],
    ["1,234.56", 123456],
    ["1'234.50", 123450],
    ["1 234,50", 123450],
    ["1.234.567", 123456700],
  ])("%s is understood in every language", (typed, cents) => {
    expect(parseAmount(typed, ".")).toBe(cents);
    expect(parseAmount(typed, ",")).toBe(cents);
  });

  test("three digits behind the sign that groups thousands are thousands", () => {
    expect(parseAmount("1.234", ",")).toBe(123400);
    expect(parseAmount("1,234", ".")).toBe(123400);
  });

  test.each(["", "-", "abc", "12,345,6", "1.2.3", "12.", "1e5", "12,345678", "99999999999999", "NaN"])("%s is none", (typed) => {
    expect(parseAmount(typed, ".") ?? parseAmount(typed, ",")).toBeNull();
  });

  test("a decimal sign with three digits behind it is no amount of money", () => {
    expect(parseAmount("1.234", ".")).toBeNull();
    expect(parseAmount("1,234", ",")).toBeNull();
  });
});

test("cents are exact where the sum of numbers is not", () => {
  expect(0.1 + 0.2).not.toBe(0.3);
  expect(fromCents(toCents(0.1) + toCents(0.2))).toBe(0.3);
  expect(toCents(-1.005)).toBe(-100);
});
