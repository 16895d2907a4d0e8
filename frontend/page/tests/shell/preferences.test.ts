/** Browsers name languages in ways that Intl does not take, and may keep nothing; the page has a language all the same. */
import { afterEach, expect, test, vi } from "vitest";

afterEach(() => vi.unstubAllGlobals());

function browser(
  languages: unknown,
  keeps: object = { getItem: () => null, setItem: () => undefined },
): Promise<typeof import("../../shell/preferences.ts")> {
  vi.resetModules();
  vi.stubGlobal("localStorage", keeps);
  vi.stubGlobal("navigator", { languages, language: (languages as string[] | undefined)?.[0] });
  return import("../../shell/preferences.ts");
}

test.each([
  [["de-CH", "en"], "de", "de-CH", "CHF"],
  [["de_DE.UTF-8"], "de", "de-DE", "EUR"],
  [["C"], "en", "en", "EUR"],
  [["POSIX", "de"], "de", "de", "EUR"],
  [["", "not a language", "en-GB"], "en", "en-GB", "GBP"],
  [["fa-IR", "ar-EG"], "en", "en", "EUR"],
  [["en-US-u-ca-buddhist-nu-thai"], "en", "en-US", "USD"],
  [[], "en", "en", "EUR"],
  [undefined, "en", "en", "EUR"],
])("%j: %s, written as in %s", async (languages, language, locale, currency) => {
  const { preferences, locale: written } = await browser(languages);
  expect([preferences.language, written(), preferences.currency]).toEqual([language, locale, currency]);
});

const throws = (): never => {
  throw new DOMException("denied", "SecurityError");
};

test.each([
  ["throws", { getItem: throws, setItem: throws }],
  ["holds no JSON", { getItem: () => "{", setItem: () => undefined }],
  ["holds null", { getItem: () => "null", setItem: () => undefined }],
  [
    "holds what nobody can choose",
    { getItem: () => '{"language":"xx","theme":7,"currency":null}', setItem: () => undefined },
  ],
])("storage that %s", async (_, keeps) => {
  const { preferences } = await browser(["de"], keeps);
  expect(preferences).toEqual({ language: "de", theme: "system", currency: "EUR" });
});
