/**
 * axe-core on every page, sub-page and open dialog, light and dark, 1280 and 1920 wide; nothing runs over the edge; and
 * of all this nothing is fetched from elsewhere, nor breaks the page's policy.
 */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { HeldClient } from "../../actors/held-client.ts";
import type { ApiUnderTest } from "../http/api/rig.ts";
import { startBrowser } from "./chromium.ts";
import { accessibilityFaults, browserTestMsMax, openPage, picture, type Watched } from "./rig.ts";
import { startTroubledApi } from "./troubled-engine.ts";

vi.setConfig({ testTimeout: browserTestMsMax });

const looks = [
  { colorScheme: "light", width: 1280, height: 800 },
  { colorScheme: "dark", width: 1280, height: 800 },
  { colorScheme: "dark", width: 1920, height: 1080 },
  { colorScheme: "light", width: 1920, height: 1080 },
] as const;

let browser: Browser;
let api: ApiUnderTest;
let watched: Watched;
let page: Page;
let held: HeldClient;

beforeAll(async () => {
  browser = await startBrowser();
  api = await startTroubledApi(300, [
    ["1", "doubtful"],
    ["2", "hub"],
    ["3", "node-1"],
  ]);
  held = await api.engine.supervisor.lock({ timeoutSeconds: 5 });
  watched = await openPage(browser, `${api.engine.url}/`);
  page = watched.page;
  await page.getByText("live", { exact: true }).waitFor();
}, browserTestMsMax);
afterAll(async () => {
  await browser.close();
  await api.end();
});

async function expectFine(name: string): Promise<void> {
  for (const { colorScheme, width, height } of looks) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.setViewportSize({ width, height });
    expect([name, colorScheme, width, ...(await accessibilityFaults(page))]).toEqual([
      name,
      colorScheme,
      width,
    ]);
    const over = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
    expect([name, width, over]).toEqual([name, width, 0]);
    await picture(page, `${name}-${colorScheme}-${width}`);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
}

async function flowOf(key: string) {
  const fact = await api.fact(({ type, body }) => type === "flow.started" && body.key === key);
  if (fact.type !== "flow.started") throw new Error("no flow");
  return fact.body;
}

/** The button that opens it, by its name in the page. */
async function dialogFine(
  hash: string,
  button: string,
  name: string,
  inside?: () => Promise<void>,
): Promise<void> {
  await page.goto(`${api.engine.url}/${hash}`);
  await page.getByRole("button", { name: button, exact: true }).first().click();
  await page.getByRole("dialog").waitFor();
  await inside?.();
  await expectFine(name);
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
}

test.each([
  ["overview", "#/overview", "Latest alarms"],
  ["alarms", "#/alarms", "hub"],
  ["alarms-found", "#/alarms?find=nobody", "Nothing is known of nobody"],
  ["alarm", "#/alarms/urn%3Atest/3", "is covered by"],
  ["clients", "#/clients", "client-03"],
  ["clients-filtered", "#/clients?filter=state:closing&hide=guid,service", "No client fits the filter."],
  ["clients-complaint", "#/clients?filter=colour:red", "There is no colour:"],
  ["flows", "#/flows", "hub"],
  ["gateway", "#/gateway", "Resolve"],
  ["events", "#/events", "alarm.settled"],
  ["audit", "#/audit", "topology.loaded"],
] as const)("%s", async (name, hash, shows) => {
  await page.goto(`${api.engine.url}/${hash}`);
  await page.locator("main").getByText(shows).first().waitFor();
  await expectFine(name);
});

test("a client's pages, and a flow's", async () => {
  const { clientId, lockGuid } = await flowOf("node-1");
  for (const [tab, shows] of [
    ["statechart", "Outline"],
    ["connection", "LockGuidId"],
    ["communication", "Processing IAS Request Busy Status"],
    ["search-results", "Ninas Network Path Details"],
  ] as const) {
    await page.goto(`${api.engine.url}/#/clients/${clientId}/${tab}`);
    await page.getByText(shows).first().waitFor();
    await expectFine(`client-${tab}`);
  }
  await page.goto(`${api.engine.url}/#/flows/${lockGuid}`);
  await page.locator(".sequence").waitFor();
  await page.getByText("The same as text").click();
  await expectFine("flow");
});

test("open dialogs: help, force unlock, force not busy, verdict, import, event, request", async () => {
  await dialogFine("#/overview", "Help", "help");
  await dialogFine(`#/clients/${held.clientId}/connection`, "Force unlock", "force-unlock", async () => {
    await page.getByLabel("Reason").fill("why");
    await page.getByLabel("Last four").fill("nope");
    await page.keyboard.press("Enter");
    await page.getByText("type them to confirm").waitFor();
  });
  await api.raise("4", { key: "hanging", alarmedObject: "hanging" });
  const { clientId } = await flowOf("hanging");
  await page.goto(`${api.engine.url}/#/clients/${clientId}/communication`);
  await page.getByText("Busy", { exact: true }).waitFor();
  await dialogFine(`#/clients/${clientId}/communication`, "Force not busy", "force-not-busy");
  await dialogFine("#/gateway", "Resolve …", "resolve", async () => {
    await page.getByLabel("Yes: it counts as done").check();
  });
  const csv = api.engine.supervisor.exportServices();
  await dialogFine("#/clients/client-01/connection", "Import CSV", "import", async () => {
    await page.getByLabel("Or paste it").fill(csv.replace(/,\d+,/, ",70000,"));
    await page.getByRole("cell", { name: "70000" }).waitFor();
  });
  await dialogFine("#/clients/client-01/connection", "Import CSV", "import-preview", async () => {
    await page.getByLabel("Or paste it").fill(csv);
    await page.getByText("1 unchanged").waitFor();
  });
  await dialogFine("#/events", "alarm.settled", "event");
  const settled = await flowOf("hub");
  await page.goto(`${api.engine.url}/#/clients/${settled.clientId}/communication`);
  await page.getByRole("row").filter({ hasText: "search" }).first().getByRole("button").click();
  await page.getByRole("dialog").waitFor();
  await expectFine("request");
});

test("S2: of all this nothing was fetched from elsewhere, and the policy was not broken", () => {
  // What nobody knows is a 404 and a bad table a 422, which a browser reports as it does every one.
  expect(watched.faults.filter((fault) => !/40[49]|422/.test(fault))).toEqual([]);
});
