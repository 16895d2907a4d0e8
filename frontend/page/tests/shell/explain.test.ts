/** What the page says of a request that failed. */

import { expect, test, vi } from "vitest";
import { ServerError } from "../../../src/index.ts";

vi.stubGlobal("navigator", { languages: ["en"], language: "en" }); // which the page asks as soon as it is loaded
const { explain } = await import("../../shell/explain.ts");
const { preferences } = await import("../../shell/preferences.ts");

const refusal = (status: number, code: string, more: object = {}) =>
  new ServerError(status, code, { code, detail: "A sentence of the server's.", ...more }, undefined);

test("is in the person's language, whatever the server says in English", () => {
  preferences.language = "de";
  expect(explain(refusal(507, "quota_exceeded"))).toMatch(/^Für dieses Buch ist auf dem Server kein Platz mehr/);
  expect(explain(refusal(409, "conflict"), { conflict: "Schon vergeben." })).toBe("Schon vergeben.");
  expect(explain(refusal(422, "invalid", { errors: { email: ["Give an e-mail."], name: ["Too long."] } }))).toMatch(
    /: E-Mail, Name\. /,
  );
});

test("has the number by which the operator finds a bug of the server", () => {
  preferences.language = "en";
  const detail = "Something went wrong here. The operator finds it in the log as 0a1b2c3d4e5f.";
  expect(explain(refusal(500, "internal", { detail }))).toMatch(/went wrong on the server.* as 0a1b2c3d4e5f\.$/);
});

test("is the server's own sentence if the page does not know the code", () => {
  preferences.language = "en";
  expect(explain(refusal(418, "teapot"))).toBe("The server refused: A sentence of the server's.");
});

test("is nothing for what is no error of a request", () => {
  expect(() => explain(new TypeError("a bug"))).toThrow("a bug");
});
