/** What the client makes of an answer: FinWise's own, and what proxies and networks put in its place. */

import { describe, expect, test } from "vitest";
import { FinwiseClient, type ServerError } from "../src/client";
import { stateAfter } from "../src/status";

const HTML = { "Content-Type": "text/html; charset=utf-8" };
const PAGE = "<!doctype html><title>Log in</title>";

async function asked(
  answer: Response,
  ask = (client: FinwiseClient): Promise<unknown> => client.listTenants(),
): Promise<ServerError> {
  const client = new FinwiseClient({
    baseUrl: "http://server.test",
    token: () => "fwt_token",
    fetch: async () => answer,
  });
  return ask(client).then(
    () => expect.fail("the answer was taken"),
    (error: ServerError) => error,
  );
}

const busy = (headers: Record<string, string>): Response =>
  Response.json({ code: "busy", status: 503 }, { status: 503, headers });

describe("a login page in the server's place is called that", () => {
  test.each([
    ["a page with 200", () => new Response(PAGE, { headers: HTML })],
    ["a redirect", () => new Response(null, { status: 302, headers: { Location: "https://login.example.org/" } })],
    ["401 with a page", () => new Response(PAGE, { status: 401, headers: HTML })],
    ["401 with JSON that is no problem of FinWise's", () => Response.json({}, { status: 401 })],
    ["403 without a body", () => new Response(null, { status: 403 })],
    ["407", () => new Response(null, { status: 407 })],
    ["511, as a hotel's network says it", () => new Response(PAGE, { status: 511, headers: HTML })],
  ])("%s", async (_, answer) => {
    const error = await asked(answer());
    expect(error.code).toBe("proxy_login");
    expect(stateAfter(error).state).toBe("proxy_login");
  });

  test("wherever it is met: in a push, a first load, and a file that is not saved as the book", async () => {
    const page = (): Response => new Response(PAGE, { headers: HTML });
    expect((await asked(page(), (client) => client.push({}))).code).toBe("proxy_login");
    expect((await asked(page(), (client) => client.initial("id", [], () => undefined))).code).toBe("proxy_login");
    expect((await asked(page(), (client) => client.exportBook("id", "json"))).code).toBe("proxy_login");
  });
});

test.each([
  ["502 with a page", () => new Response("<h1>Bad Gateway</h1>", { status: 502, headers: HTML })],
  ["503 without a body", () => new Response(null, { status: 503 })],
  ["404 with a page", () => new Response(PAGE, { status: 404, headers: HTML })],
])("another answer that is not FinWise's means that the server cannot be reached: %s", async (_, answer) => {
  const error = await asked(answer());
  expect(error.code).toBe("proxy_error");
  expect(stateAfter(error).state).toBe("offline");
});

test("FinWise's own refusals keep their meaning", async () => {
  expect(stateAfter(await asked(Response.json({ code: "unauthorized" }, { status: 401 })))).toEqual({
    state: "logged_out",
    code: "unauthorized",
  });
  expect(stateAfter(await asked(Response.json({ code: "forbidden" }, { status: 403 })))).toEqual({
    state: "forbidden",
    code: "forbidden",
  });
  expect(stateAfter(await asked(busy({})))).toEqual({ state: "waiting", code: "busy" });
});

test("an app hears how each request ended", async () => {
  const heard: (string | undefined)[] = [];
  const answers = [
    Response.json([]),
    new Response(PAGE, { headers: HTML }),
    Response.json({ code: "busy" }, { status: 503 }),
  ];
  const fetch = (): Promise<Response> =>
    answers.length ? Promise.resolve(answers.shift()!) : Promise.reject(new TypeError("network"));
  const client = new FinwiseClient({
    baseUrl: "http://server.test",
    token: () => undefined,
    fetch,
    onAnswer: (error) => heard.push(error?.code),
  });
  for (let i = 0; i < 4; i++) await client.listTenants().catch(() => undefined);
  expect(heard).toEqual([undefined, "proxy_login", "busy", "network"]);
});

test("requests follow no redirect, so that a login page on another site is seen as one", async () => {
  let mode: string | undefined;
  const ask = async (_: unknown, init?: RequestInit): Promise<Response> => {
    mode = init?.redirect;
    return Response.json([]);
  };
  await new FinwiseClient({ baseUrl: "http://server.test", token: () => undefined, fetch: ask }).listTenants();
  expect(mode).toBe("manual");
});

describe("Retry-After", () => {
  const sent = "Sat, 10 Jan 2026 12:00:00 GMT";
  test.each([
    ["40", 40],
    ["1.5", 1.5],
    ["0", 0],
    ["Sat, 10 Jan 2026 12:00:30 GMT", 30],
    ["Sat, 10 Jan 2026 11:00:00 GMT", undefined], // over
    ["Fri, 31 Dec 9999 23:59:59 GMT", 3600],
    ["99999999999999999999", 3600],
    ["-5", undefined],
    ["soon", undefined],
    ["", undefined],
  ])("%j is %j s, by the clock of the server", async (text, seconds) => {
    expect((await asked(busy({ "Retry-After": text, Date: sent }))).retryAfter).toBe(seconds);
  });
});
