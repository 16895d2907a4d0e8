import { reactive, watch } from "vue";
import { CURRENCIES } from "../book/currency.ts";
import { keep, kept } from "./kept.ts";

/** What a person chose about the page on this device. */
export interface Preferences {
  language: Language;
  theme: "system" | "light" | "dark";
  /** The currency of new books, and in which books without one are shown. */
  currency: string;
}

export const LANGUAGES = ["en", "de"] as const;
export type Language = (typeof LANGUAGES)[number];
export const THEMES = ["system", "light", "dark"] as const;

const KEY = "finwise.preferences";
const REGIONS: Record<string, string> = {
  US: "USD",
  GB: "GBP",
  CH: "CHF",
  LI: "CHF",
  SE: "SEK",
  DK: "DKK",
  NO: "NOK",
  PL: "PLN",
  CZ: "CZK",
  CA: "CAD",
  AU: "AUD",
  JP: "JPY",
  IN: "INR",
  NZ: "NZD",
  ZA: "ZAR",
};

export const preferences = reactive<Preferences>({ ...fromBrowser(), ...chosen() });

/** Keeps the choices, and shows the page by them from now on. */
export function applyPreferences(): void {
  watch(
    preferences,
    ({ language, theme }) => {
      const root = document.documentElement;
      root.lang = language;
      if (theme === "system") delete root.dataset.theme;
      else root.dataset.theme = theme;
      keep(KEY, preferences);
    },
    { immediate: true },
  );
}

/** The locale of the browser where it is of the chosen language, for its dates and numbers; else that language. */
export function locale(): string {
  return wishes().find(({ language }) => language === preferences.language)?.baseName ?? preferences.language;
}

/** The languages that the browser asks for. Some systems name them so that Intl does not take them (`C`, `de_DE.UTF-8`), or not at all. */
function wishes(): Intl.Locale[] {
  const named = navigator.languages?.length ? navigator.languages : [navigator.language];
  return named.flatMap((name) => {
    try {
      return new Intl.Locale(
        String(name)
          .replace(/[.@].*/, "")
          .replaceAll("_", "-"),
      );
    } catch {
      return [];
    }
  });
}

function fromBrowser(): Preferences {
  const wished = wishes();
  const language = wished.map((each) => LANGUAGES.find((known) => known === each.language)).find(Boolean);
  return { language: language ?? "en", theme: "system", currency: REGIONS[wished[0]?.region ?? ""] ?? "EUR" };
}

function chosen(): Partial<Preferences> {
  const found = kept<Preferences>(KEY);
  return {
    ...(LANGUAGES.some((each) => each === found.language) && { language: found.language }),
    ...(THEMES.some((each) => each === found.theme) && { theme: found.theme }),
    ...(CURRENCIES.some((each) => each === found.currency) && { currency: found.currency }),
  };
}
