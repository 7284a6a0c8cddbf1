/**
 * The pictures of the README, of a real engine with a desk and a topology in a real browser. Every run takes them and
 * looks at their size; `npm run screenshots` also keeps them, so that an ordinary run leaves no file changed.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type ApiUnderTest, startApi } from "../http/api/rig.ts";
import { startBrowser } from "./chromium.ts";
import { browserTestMsMax, openPage, type Watched } from "./rig.ts";

vi.setConfig({ testTimeout: browserTestMsMax });

const folder = fileURLToPath(new URL("../../visualizations/screenshots", import.meta.url));
const bytesMax = 150_000;

const clients = 16;
/** The first command for each key gets no answer: what a shift sees on a bad day. */
const silent = [
  ["search", "cell-0417"],
  ["search", "cell-0938"],
  ["search", "olt-22"],
  ["create", "bras-03"],
  ["create", "cell-1105"],
] as const;

let browser: Browser;
let api: ApiUnderTest;
let watched: Watched;
let page: Page;

async function raise(id: string, element: string): Promise<void> {
  await api.raise(id, { key: element, alarmedObject: element, alarm: `${element} ${id}` });
}
const settled = (id: string) =>
  api.fact((fact) => fact.type === "alarm.settled" && fact.body.alarm.id === id);

beforeAll(async () => {
  browser = await startBrowser();
  api = await startApi({
    config: { clients },
    row: { timeoutSeconds: 300 },
    desk: {
      faults: silent.map(([command, key]) => ({ match: { command, key }, fault: "silent", times: 1 })),
    },
    keep: true,
  });
  const topology = join(api.engine.config.dataDir, "topology");
  mkdirSync(topology);
  writeFileSync(join(topology, "link.csv"), "ne_a;ne_b\ncore-1;hub-12\nhub-12;olt-7\nolt-7;modem-3\n");
  await api.ask("POST", "/api/topology/load", { json: { files: ["link.csv"] } });
  await raise("31", "hub-12");
  await settled("31");
  await raise("4711", "modem-3");
  await settled("4711");
  for (const [index, [command, key]] of silent.entries()) {
    await raise(String(5000 + index), key);
    await api.fact((fact) =>
      command === "search"
        ? fact.type === "flow.started" && fact.body.key === key
        : fact.type === "request.planned" && fact.body.key === key,
    );
  }
  for (let byHand = 0; byHand < 2; byHand++) await api.engine.supervisor.lock({ timeoutSeconds: 5 });
  watched = await openPage(browser, `${api.engine.url}/`, {
    viewport: { width: 1280, height: 640 },
    reducedMotion: "reduce",
  });
  page = watched.page;
}, browserTestMsMax);
afterAll(async () => {
  await browser.close();
  await api.end();
});

async function keep(name: string): Promise<void> {
  const bytes = await page.screenshot();
  expect(bytes.length).toBeLessThan(bytesMax);
  if (process.env["UPDATE_SCREENSHOTS"] === undefined) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.png`), bytes);
}

test("clients: the oldest lock first, each with its state, lock, key and what it does", async () => {
  await page.goto(`${api.engine.url}/#/clients`);
  await page.getByText(`${clients} clients`, { exact: true }).waitFor();
  const rows = page.locator("tbody tr");
  for (const [state, count] of [
    ["searching", 3],
    ["forwarding", 2],
    ["locked", 2],
    ["idle", clients - 7],
  ] as const)
    await expect.poll(() => rows.filter({ hasText: state }).count(), { timeout: 25_000 }).toBe(count);
  await keep("clients");
});

test("a decision record: no ticket, because of which one, where, and how far upstream", async () => {
  await page.goto(`${api.engine.url}/#/alarms/urn%3Atest/4711`);
  await page.getByText("No ticket of its own: alarm 4711 is covered by ticket TCK-000001.").waitFor();
  await page.locator(".sequence").waitFor();
  await keep("decision");
  expect(watched.faults).toEqual([]);
});

describe("the README", () => {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");

  test.each(["clients", "decision"])("shows %s, and the picture is there", (name) => {
    expect(readme).toContain(`](visualizations/screenshots/${name}.png)`);
    const picture = readFileSync(join(folder, `${name}.png`));
    expect(picture.subarray(1, 4).toString()).toBe("PNG");
    expect(picture.length).toBeLessThan(bytesMax);
  });
});
