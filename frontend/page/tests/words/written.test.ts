/** What Intl writes, where systems and other programs are not as they should be. */
import { afterEach, expect, test, vi } from "vitest";

afterEach(() => vi.unstubAllGlobals());

async function writing(intl: object = {}): Promise<typeof import("../../words/index.ts").written.value> {
  vi.resetModules();
  vi.stubGlobal("navigator", { languages: ["en-US"] });
  vi.stubGlobal("Intl", Object.assign(Object.create(Intl), intl));
  return (await import("../../words/index.ts")).written.value;
}

test("a day or moment that is none is a dash", async () => {
  const { day, weekday, month, monthAndYear, moment, ago } = await writing();
  for (const write of [day, weekday, month, monthAndYear, moment]) expect(write(new Date("2026-13-45"))).toBe("—");
  expect(ago(new Date(NaN), 0)).toBe("—");
});

test("what happened in the future, by a clock that was set back, has just happened", async () => {
  const { ago } = await writing();
  expect(ago(new Date(86_400_000), 0)).toBe(ago(new Date(0), 0));
});

test("a time zone that the browser does not know is UTC", async () => {
  class Strict extends Intl.DateTimeFormat {
    constructor(place: string, options: Intl.DateTimeFormatOptions) {
      if (!options.timeZone) throw new RangeError("Invalid time zone specified: Etc/Unknown");
      super(place, options);
    }
  }
  const { moment } = await writing({ DateTimeFormat: Strict });
  expect(moment(new Date("2026-01-10T23:30:00Z"))).toMatch(/Jan 10, 2026.*11:30/);
});

test("a currency without a name, or a browser without names, has its code", async () => {
  expect((await writing()).currencyName("EUR")).toBe("Euro");
  expect((await writing()).currencyName("no code")).toBe("no code");
  expect((await writing({ DisplayNames: undefined })).currencyName("EUR")).toBe("EUR");
});
