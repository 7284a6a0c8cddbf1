/**
 * One search box: from what an operator has in hand to why there is (no) ticket. A real engine with a desk and a
 * topology, in a real browser.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type ApiUnderTest, startApi } from "../http/api/rig.ts";
import { startBrowser } from "./chromium.ts";
import { browserTestMsMax, expectAccessible, openPage, picture, type Watched } from "./rig.ts";

vi.setConfig({ testTimeout: browserTestMsMax });

let browser: Browser;
let api: ApiUnderTest;
let watched: Watched;
let page: Page;

async function settle(id: string, element: string, kind: "raise" | "clear" = "raise"): Promise<void> {
  await api.raise(id, {
    key: element,
    alarmedObject: element,
    alarm: `${element} ${id.split("/")[0]}`,
    kind,
  });
  await api.fact((fact) => fact.type === "alarm.settled" && fact.body.alarm.id === id);
}

beforeAll(async () => {
  browser = await startBrowser();
  api = await startApi({ config: { clients: 2, coalesce: false }, keep: true });
  const folder = join(api.engine.config.dataDir, "topology");
  mkdirSync(folder);
  writeFileSync(join(folder, "link.csv"), "ne_a;ne_b\nroot;hub-12\nhub-12;node-7\nnode-7;modem-3\n");
  await api.ask("POST", "/api/topology/load", { json: { files: ["link.csv"] } });
  await settle("31/raise", "hub-12");
  await settle("4711/raise", "modem-3");
  await settle("4712/clear", "node-7", "clear");
  watched = await openPage(browser, `${api.engine.url}/`);
  page = watched.page;
}, browserTestMsMax);
afterAll(async () => {
  await browser.close();
  await api.end();
});

async function search(text: string): Promise<void> {
  const box = page.getByRole("searchbox", { name: "Find an alarm by its id, element, key or ticket" });
  await box.fill(text);
  await box.press("Enter");
}

test("a page that is opened now shows what became of the alarms before it, newest first", async () => {
  const rows = page.locator(".latest tbody tr");
  const cover = "Ticket TCK-000001 on hub-12, two hops upstream of modem-3, covers it.";
  // A row is there as soon as its alarm is read; what became of it may be read a little later.
  await expect
    .poll(() =>
      rows.evaluateAll((all) =>
        all.map((row) => [...row.querySelectorAll("td")].slice(1).map(({ textContent }) => textContent)),
      ),
    )
    .toEqual([
      ["4712/clear", "node-7", "clear", "stopped", "", "Nothing to close: no open ticket for node-7."],
      ["4711/raise", "modem-3", "raise, major", "adopted", "TCK-000001", cover],
      ["31/raise", "hub-12", "raise, major", "created", "TCK-000001", "No open ticket covers hub-12."],
    ]);
  await expectAccessible(page);
  await picture(page, "overview-alarms");
});

test("D5: an alarm's id leads to the record: no ticket, because of which ticket, where, how far upstream", async () => {
  await search("4711/raise");
  await page.getByRole("heading", { level: 1, name: "Alarm 4711/raise" }).waitFor();
  await page.getByText("No ticket of its own: alarm 4711/raise is covered by ticket TCK-000001.").waitFor();
  await page
    .getByText("Ticket TCK-000001 on hub-12, two hops upstream of modem-3, covers it.")
    .first()
    .waitFor();
  expect(await page.locator(".path li").allTextContents()).toEqual(["modem-3", "node-7", "hub-12"]);
  await page.getByText("Nothing was sent to the service for it.").waitFor();
  await page.locator(".sequence").waitFor();
  expect(page.url()).toContain("#/alarms/urn%3Atest/4711%2Fraise");
  await expectAccessible(page);
  await picture(page, "alarm-covered");
});

test("the beginning of an id, an element, a key and a ticket lead there too", async () => {
  for (const [text, shows] of [
    ["31", "Ticket: alarm 31/raise made ticket TCK-000001."],
    ["modem-3", "No ticket of its own: alarm 4711/raise is covered by ticket TCK-000001."],
    ["node-7", "No ticket: nothing is to be done for alarm 4712/clear."],
    ["TCK-000001", "Ticket: alarm 31/raise made ticket TCK-000001."],
  ] as const) {
    await page.goto(`${api.engine.url}/#/overview`);
    await search(text);
    await page.getByText(shows).waitFor();
  }
  await picture(page, "alarm-created");
});

test("several alarms of an element are listed, each a step from its record; back leads to the list", async () => {
  await settle("31/clear", "hub-12", "clear");
  await search("hub-12");
  await page.getByRole("heading", { level: 1, name: "Alarms of hub-12" }).waitFor();
  await page.getByText("2 alarms", { exact: true }).waitFor();
  await expectAccessible(page);
  await picture(page, "alarms-found");
  await page.getByRole("link", { name: "31/clear" }).click();
  await page.getByText("Ticket: alarm 31/clear closed ticket TCK-000001.").waitFor();
  await page.getByText("The last active alarm of hub-12 is cleared.").first().waitFor();
  await page.goBack();
  await page.getByRole("heading", { level: 1, name: "Alarms of hub-12" }).waitFor();
});

test("what nobody knows is said, with what can be sought", async () => {
  await search("no-such-thing");
  await page.getByText("Nothing is known of no-such-thing").waitFor();
  await page.getByText("Try the alarm's id as its source gave it").waitFor();
  await expectAccessible(page);
  // The refusal is a 404, which a browser reports as it does every one.
  expect(watched.faults.filter((fault) => !fault.includes("404"))).toEqual([]);
});

test("the newest alarms narrow as one types, and Enter asks the whole ledger", async () => {
  await page.goto(`${api.engine.url}/#/alarms`);
  const box = page.getByRole("searchbox", { name: "Filter the newest alarms" });
  await box.fill("modem");
  await page.getByText("1 alarm", { exact: true }).waitFor();
  expect(page.url()).toContain("filter=modem");
  await picture(page, "alarms");
  await expectAccessible(page);
  await box.fill("4711/raise");
  await box.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Alarm 4711/raise" }).waitFor();
});
