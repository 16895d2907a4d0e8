/** Settings of a book and of a person, on two devices over a real server. */

import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { Settings } from "../src/settings";
import { Desk } from "./desk";
import { RealServer } from "./real_server";

const ADA = "8c5d2c6e-52a1-4f7e-9a43-0a3a6f0c9b11";
const GRACE = "1f0c7a52-93f5-4a0e-8d0c-5a6c2b7e4d10";

let server: RealServer;
let phone: Desk;
let laptop: Desk;

beforeAll(async () => {
  server = await new RealServer().start();
});
afterAll(() => server.stop());
beforeEach(async () => {
  const options = { tenantId: await server.tenant(), baseUrl: server.url, token: server.token };
  [phone, laptop] = [new Desk(fetch, Date.now, options), new Desk(fetch, Date.now, options)];
  await phone.sync();
  await laptop.sync();
});

test("reach another device by key, those of each person and of the book apart", async () => {
  await Settings.ofBook(phone.book).set("currency", "EUR");
  await Settings.ofUser(phone.book, ADA).set("startPage", { view: "budget", expanded: ["g1"] });
  await Settings.ofUser(phone.book, GRACE).set("startPage", null);
  await phone.sync();
  await laptop.sync();
  expect(await Settings.ofBook(laptop.book).all()).toEqual({ currency: "EUR" });
  expect(await Settings.ofUser(laptop.book, ADA).all()).toEqual({ startPage: { view: "budget", expanded: ["g1"] } });
  expect(await Settings.ofUser(laptop.book, GRACE).get("startPage")).toBeNull();
  await Settings.ofUser(laptop.book, ADA).remove("startPage");
  await laptop.sync();
  await phone.sync();
  expect(await Settings.ofUser(phone.book, ADA).get("startPage")).toBeUndefined();
});

test("of a person: the last one that was set wins on all devices, and nobody is asked about the other", async () => {
  await Settings.ofUser(phone.book, ADA).set("startPage", "accounts");
  await Settings.ofUser(laptop.book, ADA).set("startPage", "budget");
  await laptop.sync();
  await phone.sync();
  await laptop.sync();
  for (const desk of [phone, laptop]) {
    expect(await Settings.ofUser(desk.book, ADA).all()).toEqual({ startPage: "budget" });
    expect(await desk.db.syncConflicts.count()).toBe(0);
    expect(await desk.db.syncRejected.count()).toBe(0);
  }
});

test("are told when they change", async () => {
  const told: unknown[] = [];
  const end = Settings.ofUser(phone.book, ADA).watch((settings) => told.push(settings));
  await vi.waitFor(() => expect(told).toEqual([{}]));
  await Settings.ofUser(phone.book, ADA).set("dark", true);
  await vi.waitFor(() => expect(told.at(-1)).toEqual({ dark: true }));
  end();
});

test.each(["", "no spaces", "x".repeat(28)])("have no key that an id cannot hold: %j", async (key) => {
  await expect(Settings.ofUser(phone.book, ADA).set(key, 1)).rejects.toThrow(RangeError);
  expect(await phone.db.syncQueue.count()).toBe(0);
});
