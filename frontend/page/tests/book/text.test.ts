import { expect, test } from "vitest";
import { nameForm, searchForm } from "../../book/text.ts";

test.each([
  ["Müller", "Mu\u0308ller"],
  ["Müller", "muller"],
  ["MÜLLER", "müller"],
  ["Straße", "STRASSE"],
  ["STRAẞE", "straße"],
  ["İstanbul", "istanbul"],
  ["ISPARTA", "ısparta"],
  ["Café  Noir", "cafe\u00a0noir"],
  ["ΣΊΣΥΦΟΣ", "Σίσυφος"],
  ["Tiếng Việt", "tieng viet"],
  ["ﬁne", "FINE"],
  ["ＲＥＷＥ", "rewe"],
  ["co\u00adop", "coop"],
  ["한글", "한글".normalize("NFD")],
])("searching for one of %s and %s finds the other", (one, other) => {
  expect(searchForm(one)).toBe(searchForm(other));
});

test("other letters are other words", () => {
  for (const [one, other] of [
    ["Müller", "Möller"],
    ["Bar", "Bär!"],
    ["が", "き"],
  ] as const)
    expect(searchForm(one)).not.toBe(searchForm(other));
});

test("a name is the same in every case and Unicode form, and another one with another accent", () => {
  expect(nameForm(" Cafe\u0301 ")).toBe(nameForm("CAFÉ"));
  expect(nameForm("Straße")).toBe(nameForm("strasse"));
  expect(nameForm("Bär")).not.toBe(nameForm("Bar"));
});
