import { afterEach, describe, expect, test } from "vitest";
import { currency, CURRENCIES, decimalsOf } from "../../book/currency.ts";
import { amountStyle, fromCents, parseAmount, toCents } from "../../book/money.ts";
import { minus } from "../../words/numbers.ts";

afterEach(() => void (currency.value = "EUR"));

const parse = (typed: string, place: string, code = "EUR"): number | null =>
  parseAmount(typed, amountStyle(place, code, decimalsOf(code)));

describe("an amount as it is typed", () => {
  test.each([
    ["12", 1200],
    ["12.5", 1250],
    ["12,50", 1250],
    [" + 20 € ", 2000],
    ["eur 20", 2000],
    ["-3", -300],
    ["−3,10", -310],
    ["3.10-", -310],
    ["€ 3,10−", -310],
    [".5", 50],
    ["0,05", 5],
    ["1.234,56", 123456],
    ["1,234.56", 123456],
    ["1'234.50", 123450],
    ["1 234,50", 123450],
    ["1.234.567", 123456700],
    ["12,34,567.00", 123456700],
    ["１２，５０", 1250],
    ["١٢٫٥٠", 1250],
    ["१२.५", 1250],
    ["1000000000000", 1e14],
    ["0", 0],
    ["-0", 0],
  ])("%s is understood in every language", (typed, cents) => {
    for (const place of ["en", "de", "fr", "de-CH", "ar-EG"]) expect.soft(parse(typed, place), place).toBe(cents);
  });

  test("three digits behind the sign that groups thousands are thousands", () => {
    expect(parse("1.234", "de")).toBe(123400);
    expect(parse("1,234", "en")).toBe(123400);
  });

  test.each([
    "",
    "-",
    "€",
    "abc",
    "12,3,4",
    "12,345,6",
    "1.2.3",
    "12.",
    ",",
    "1e5",
    "12,345678",
    "0.123,4",
    "0,123",
    "01.234",
    "1.23.456",
    "99999999999999",
    "NaN",
    "+-3",
    "-3-",
    "20 $",
    "12²",
    "½",
    "12 50 5",
    "1 2",
    "1.234 567",
    "12.5.2026",
    "3 apples",
  ])("%s is none", (typed) => {
    for (const place of ["en", "de", "fr", "de-CH", "ar-EG"])
      expect.soft(parse(typed, place) ?? parse(typed, "de"), place).toBeNull();
  });

  test("a decimal sign with three digits behind it is no amount of a currency with two", () => {
    expect(parse("1.234", "en")).toBeNull();
    expect(parse("1,234", "de")).toBeNull();
  });

  test("a currency has as many decimals as ISO 4217 gives it", () => {
    expect([parse("1200", "en", "JPY"), parse("1,200", "en", "JPY"), parse("¥1,200", "en", "JPY")]).toEqual([
      1200, 1200, 1200,
    ]);
    expect([parse("12.5", "en", "JPY"), parse("12,50", "de", "JPY")]).toEqual([null, null]);
    expect([parse("1.234", "en", "KWD"), parse("1,234", "de", "KWD"), parse("1.234", "de", "KWD")]).toEqual([
      1234, 1234, 1234000,
    ]);
    expect([parse("1.2345", "en", "KWD"), parse("1.234", "fr", "KWD")]).toEqual([null, null]); // the second may mean either
    expect([parse("12.50", "hu", "HUF"), parse("1.5", "en", "IQD")]).toEqual([1250, 1500]); // Intl has no decimals for them
  });
});

test("what the page writes can be typed back, in any language, digits and currency", () => {
  const places = [
    "en",
    "en-IN",
    "en-ZA",
    "en-CA",
    "de",
    "de-AT",
    "de-CH",
    "de-LI",
    "fr",
    "fr-CH",
    "fr-CA",
    "it-CH",
    "es",
    "es-MX",
    "pt",
    "pt-PT",
    "nl",
    "sv",
    "nb",
    "da",
    "fi",
    "pl",
    "cs",
    "hu",
    "ro",
    "bg",
    "el",
    "tr",
    "ru",
    "uk",
    "he",
    "ar",
    "ar-EG",
    "ar-SA",
    "fa",
    "ur",
    "hi",
    "hi-u-nu-deva",
    "mr",
    "bn",
    "ne",
    "ta",
    "my",
    "th-u-nu-thai",
    "dz",
    "ja",
    "zh",
    "zh-u-nu-fullwide",
    "ko",
    "vi",
    "id",
    "de-u-nu-arab",
    "en-u-nu-mathsanb",
    "ff-Adlm",
    "sat",
    "kk",
    "ka",
    "lv",
    "sl",
    "is",
  ];
  const cents = [
    0, 1, 5, 99, 100, 999, 1000, 1234, 99_999, 100_000, 123_456, 1_234_567, 100_000_000, 123_456_789_012, 1e14,
  ].flatMap((each) => [each, -each || 0]);
  const wrong: string[] = [];
  for (const place of places) {
    for (const code of [
      "EUR",
      "USD",
      "CHF",
      "SEK",
      "GBP",
      "JPY",
      "KWD",
      "TND",
      "INR",
      "PLN",
      "AED",
      "XOF",
      "HUF",
      "IRR",
      "CVE",
    ]) {
      const decimals = decimalsOf(code);
      const style = amountStyle(place, code, decimals);
      const digits = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
      const formats = [
        new Intl.NumberFormat(place, { style: "currency", currency: code, ...digits }),
        new Intl.NumberFormat(place, { style: "currency", currency: code, ...digits, signDisplay: "exceptZero" }),
        new Intl.NumberFormat(place, { ...digits, useGrouping: false }),
        new Intl.NumberFormat(place, digits),
      ];
      for (const each of cents) {
        for (const format of formats) {
          const text = minus(format.format(each / 10 ** decimals));
          const read = parseAmount(text, style);
          if (read !== each) wrong.push(`${place} ${code} ${each}: ${JSON.stringify(text)} was read as ${read}`);
        }
      }
    }
  }
  expect(wrong.slice(0, 20)).toEqual([]);
});

test("cents are exact where the sum of numbers is not", () => {
  expect(0.1 + 0.2).not.toBe(0.3);
  expect(fromCents(toCents(0.1) + toCents(0.2))).toBe(0.3);
  expect(toCents(-1.005)).toBe(-100);
  expect(fromCents(toCents(1_000_000_000_000.01))).toBe(1_000_000_000_000.01);
});

test("both sides of a transfer sum to nothing, also where they have more decimals than the currency", () => {
  for (const code of CURRENCIES) {
    currency.value = code;
    for (const amount of [0.5, 12.5, 0.125, 0.0005, 1.2345, 7]) expect(toCents(amount) + toCents(-amount)).toBe(0);
  }
});

test("an amount of a currency is a number of whole units of it, whatever the decimals", () => {
  const stored = (code: string, cents: number): number => {
    currency.value = code;
    return fromCents(cents);
  };
  expect([stored("JPY", 1200), stored("KWD", 1234), stored("EUR", 1234)]).toEqual([1200, 1.234, 12.34]);
});
