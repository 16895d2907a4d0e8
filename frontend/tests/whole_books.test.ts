/** What an owner does with a whole book: bring one, take it away, empty it. Against a real server. */

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { type BookFileType, FinwiseClient, type ServerError } from "../src/client";
import { Patience } from "../src/patience";
import { Desk } from "./desk";
import { RealServer } from "./real_server";

const LEDGER = readFileSync(resolve(import.meta.dirname, "../../tests/data/ledger.json"));
const ENTITIES = 2565; // in it

let server: RealServer;
let tenantId: string;
let client: FinwiseClient;

beforeAll(async () => {
  server = await new RealServer().start();
  client = new FinwiseClient({ baseUrl: server.url, token: () => server.token });
});
afterAll(() => server.stop());
beforeEach(async () => {
  tenantId = await server.tenant();
});

const book = (content: unknown) => new Blob([JSON.stringify(content)]);
const failure = (work: Promise<unknown>) =>
  work.then(
    () => expect.fail("nothing was refused"),
    (error: ServerError) => error,
  );

/** A client to which every request is answered with these lines. */
function answeredWith(...lines: unknown[]): FinwiseClient {
  const text = lines.map((line) => JSON.stringify(line) + "\n").join("");
  const answer = () => new Response(text, { headers: { "Content-Type": "application/x-ndjson" } });
  return new FinwiseClient({ baseUrl: "http://server.test", token: () => "x", fetch: () => Promise.resolve(answer()) });
}

test("an import tells how far it is, and then what became of it", async () => {
  const told: number[] = [];
  const outcome = await client.importBook(tenantId, new Blob([LEDGER]), { onProgress: (share) => told.push(share) });
  expect(outcome).toMatchObject({ applied: ENTITIES, rejected: 0, rejections: [] });
  expect(told.length).toBeGreaterThan(1);
  expect(told).toEqual([...told].sort((a, b) => a - b));
  expect(told.at(-1)).toBeLessThanOrEqual(1);
  expect(await client.importBook(tenantId, new Blob([LEDGER]))).toMatchObject({ unchanged: ENTITIES });
});

test.each<BookFileType>(["json", "sqlite"])(
  "what was exported as %s is imported into another book as it is, whatever the file is called",
  async (type) => {
    await client.importBook(tenantId, new Blob([LEDGER]));
    const told: number[] = [];
    const file = await client.exportBook(tenantId, type, { onProgress: (bytes) => told.push(bytes) });
    expect(file.type).toMatch(/^application\//);
    expect(told.at(-1)).toBe(file.size);
    const other = await server.tenant();
    await client.importBook(other, new File([file], "book.txt", { type: "text/plain" }));
    expect(await server.living(other)).toEqual(await server.living(tenantId));
  },
);

test("newer entities stay, unless everything that is imported is dated now", async () => {
  await client.importBook(tenantId, book({ tags: [{ id: "a", name: "newer" }] }));
  const older = book({ tags: [{ id: "a", name: "older", updated_at: "2020-01-01T00:00:00.000Z" }] });
  expect(await client.importBook(tenantId, older)).toMatchObject({ superseded: 1 });
  expect(await client.importBook(tenantId, older, { datedNow: true })).toMatchObject({ applied: 1 });
  expect(await server.living(tenantId)).toEqual({ "tags/a": { name: "older" } });
});

test("a file that turns out to be no book raises what the server says, and changes nothing", async () => {
  const heard: (string | undefined)[] = [];
  const listening = new FinwiseClient({
    baseUrl: server.url,
    token: () => server.token,
    onAnswer: (error) => heard.push(error?.code),
  });
  const error = await failure(listening.importBook(tenantId, new Blob([LEDGER.subarray(0, -10)])));
  expect(error).toMatchObject({ status: 422, code: "invalid" });
  expect(error.problem.detail).toContain("This is not a book");
  expect(heard).toEqual(["invalid"]);
  expect(await server.living(tenantId)).toEqual({});
});

test("an import that somebody ends stores nothing", async () => {
  const ended = new AbortController();
  ended.abort();
  const error = await failure(client.importBook(tenantId, new Blob([LEDGER]), { signal: ended.signal }));
  expect(error.code).toBe("network");
  expect(await server.living(tenantId)).toEqual({});
});

test("an import that breaks off is not taken for done", async () => {
  const error = await failure(answeredWith({ progress: 0.5 }).importBook(tenantId, book({})));
  expect(error).toMatchObject({ status: 0, code: "network" });
});

test("an editor may take the book away, and neither import nor reset it", async () => {
  const email = "grace@example.org";
  const password = "correct horse battery";
  let token: string | undefined;
  const editor = new FinwiseClient({ baseUrl: server.url, token: () => token });
  await editor.signUp({ uuid: crypto.randomUUID(), name: "Grace", email, password });
  token = (await editor.logIn({ email, password, device_name: "phone" })).token;
  await editor.acceptInvitation((await client.invite(tenantId, { role: "editor" })).code);
  expect(JSON.parse(await (await editor.exportBook(tenantId, "json")).text())).toBeTypeOf("object");
  expect((await failure(editor.importBook(tenantId, book({})))).code).toBe("forbidden");
  expect((await failure(editor.resetBook(tenantId, "Another"))).code).toBe("forbidden");
});

test("a reset deletes everything on the devices too, if the name is the book's", async () => {
  const desk = new Desk(fetch, Date.now, { tenantId, baseUrl: server.url, token: server.token });
  await desk.tag("a", "x");
  await desk.sync();
  expect(await failure(client.resetBook(tenantId, "Household"))).toMatchObject({ status: 422, code: "invalid" });
  expect(await client.resetBook(tenantId, "Another")).toBe(1);
  await desk.sync();
  expect(await desk.db.tags.count()).toBe(0);
});

test("a large file may take longer to send than an answer may take to come", () => {
  vi.useFakeTimers();
  try {
    const [small, large] = [new Patience(undefined), new Patience(undefined, 64 << 20)];
    vi.advanceTimersByTime(20 * 60_000);
    expect([small, large].map(({ signal }) => signal.aborted)).toEqual([true, false]);
    large.renew();
    vi.advanceTimersByTime(3 * 60_000);
    expect(large.signal.aborted).toBe(true);
  } finally {
    vi.useRealTimers();
  }
});
