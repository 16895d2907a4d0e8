/** A browser that is killed in the middle of a push has lost nothing, whichever half of it was lost. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHROMIUM } from "./chromium.ts";
import { Gate, type Loss } from "./gate.ts";
import { enter, Household, inStep } from "./household.ts";
import { Profile } from "./profile.ts";
import { Server } from "./server.ts";

const ENTRIES = 6;

describe.skipIf(!CHROMIUM)("a profile killed while it pushes", () => {
  const server = new Server();
  let gate: Gate;
  let profile: Profile;

  beforeAll(async () => {
    await server.start();
    gate = await new Gate(server.url).open();
  });
  afterAll(async () => {
    await profile?.remove();
    gate?.close();
    await server.remove();
  });

  test.each<[Loss, string]>([
    ["request", "before the server had it"],
    ["answer", "after the server had stored it"],
  ])("loses nothing and doubles nothing (%s lost, %s)", async (loss) => {
    const home = await new Household(server).create();
    await home.furnish();
    profile = new Profile();
    let page = await profile.start();
    await home.logIn(page, gate.url);
    await inStep(page);
    await profile.close(); // the browser takes some seconds to write down who is logged in
    page = await profile.start();
    await page.goto(`${gate.url}/app/`);
    await inStep(page);

    await profile.context.setOffline(true);
    for (let at = 0; at < ENTRIES; at++) await enter(page, `${at + 1},50`, `Entry ${at}`);
    const lost = gate.lose(loss);
    await profile.context.setOffline(false);
    await lost;
    await profile.kill();
    const stored = Object.keys(await home.held()).filter((name) => name.startsWith("transactions"));
    expect(stored).toHaveLength(loss === "answer" ? ENTRIES : 0);

    gate.mend();
    page = await profile.start();
    await page.goto(`${gate.url}/app/`);
    for (let at = 0; at < ENTRIES; at++) await page.getByRole("button", { name: `Entry ${at}` }).waitFor();
    await inStep(page);
    const held = await home.held();
    expect(Object.keys(held).filter((name) => name.startsWith("transactions"))).toHaveLength(ENTRIES);
    expect(await home.heldBy(page)).toEqual(held);
    expect(await home.conflicts()).toEqual([]);
    expect(profile.complaints).toEqual([]);
    await profile.remove();
  });
});
