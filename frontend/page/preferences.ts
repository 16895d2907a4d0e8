import { reactive, watch } from "vue";

/** What a person chose about the page on this device. */
export interface Preferences {
  language: Language;
  theme: "system" | "light" | "dark";
  currency: string;
}

export const LANGUAGES = ["en", "de"] as const;
export type Language = (typeof LANGUAGES)[number];
export const THEMES = ["system", "light", "dark"] as const;
export const CURRENCIES = ["EUR", "CHF", "USD", "GBP", "SEK", "DKK", "NOK", "PLN", "CZK", "CAD", "AUD", "JPY"];

const KEY = "finwise.preferences";
const REGIONS: Record<string, string> = {
  US: "USD", GB: "GBP", CH: "CHF", LI: "CHF", SE: "SEK", DK: "DKK", NO: "NOK", PL: "PLN", CZ: "CZK", CA: "CAD", AU: "AUD",
};

export const preferences = reactive<Preferences>({ ...fromBrowser(), ...kept() });

/** Keeps the choices, and shows the page by them from now on. */
export function applyPreferences(): void {
  watch(
    preferences,
    ({ language, theme }) => {
      const root = document.documentElement;
      root.lang = language;
      if (theme === "system") delete root.dataset.theme;
      else root.dataset.theme = theme;
      localStorage.setItem(KEY, JSON.stringify(preferences));
    },
    { immediate: true },
  );
}

/** The locale of the browser where it is of the chosen language, for its dates and numbers; else that language. */
export function locale(): string {
  return navigator.languages.find((each) => each.split("-")[0] === preferences.language) ?? preferences.language;
}

function fromBrowser(): Preferences {
  const wished = navigator.languages.map((each) => each.split("-")[0]);
  const language = LANGUAGES.find((each) => each === wished.find((wish) => LANGUAGES.some((known) => known === wish)));
  const region = new Intl.Locale(navigator.language).region ?? "";
  return { language: language ?? "en", theme: "system", currency: REGIONS[region] ?? "EUR" };
}

function kept(): Partial<Preferences> {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Preferences>;
    return {
      ...(LANGUAGES.some((each) => each === found.language) && { language: found.language }),
      ...(THEMES.some((each) => each === found.theme) && { theme: found.theme }),
      ...(CURRENCIES.some((each) => each === found.currency) && { currency: found.currency }),
    };
  } catch {
    return {};
  }
}
