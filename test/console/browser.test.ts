/** The console of a real engine with a desk, in a real browser: what an operator sees and does. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { HeldClient } from "../../actors/held-client.ts";
import { type ApiUnderTest, startApi } from "../http/api/rig.ts";
import { startBrowser } from "./chromium.ts";
import { browserTestMsMax, expectAccessible, openPage, picture, type Watched } from "./rig.ts";

vi.setConfig({ testTimeout: browserTestMsMax });

let browser: Browser;
let api: ApiUnderTest;

beforeAll(async () => {
  browser = await startBrowser();
  api = await startApi({ config: { clients: 4 }, keep: true });
}, browserTestMsMax);
afterAll(async () => {
  await browser.close();
  await api.end();
});

async function opened(hash: string, options = {}): Promise<Watched> {
  const watched = await openPage(browser, `${api.engine.url}/`, options);
  await watched.page.goto(`${api.engine.url}/${hash}`);
  await watched.page.getByText("live", { exact: true }).waitFor();
  return watched;
}

async function settle(id: string, key: string, alarmedObject = "node-1"): Promise<void> {
  await api.raise(id, { key, alarmedObject });
  await api.fact((fact) => fact.type === "alarm.settled" && fact.body.alarm.id === id);
}

async function hold(): Promise<HeldClient> {
  return api.engine.supervisor.lock({ timeoutSeconds: 5 });
}

test("an alarm comes, a client works for it, and the page says why there is a ticket", async () => {
  const { page, faults, close } = await opened("#/flows");
  await page.getByText("No flow was seen yet.").waitFor();
  await settle("1", "node-1");
  const row = page.getByRole("row").filter({ hasText: "node-1" });
  await row.getByText("created").waitFor();
  await row.getByText("D8 create").waitFor();
  await picture(page, "flows");
  await expectAccessible(page);
  await row.getByRole("link").first().click();
  await page.getByRole("heading", { name: "Flow for node-1" }).waitFor();
  await page.getByText("No open ticket covers node-1.").first().waitFor();
  await page.getByText(/^Ticket: alarm 1 made ticket TCK-/).waitFor();
  await page.getByText("The same as text").click();
  await page.getByText("gateway to service: attempt 1").waitFor();
  await picture(page, "flow");
  await expectAccessible(page);
  expect(faults).toEqual([]);
  await close();
});

test("a client moves: its state, lock and holder are seen, and the row opens with the keyboard", async () => {
  const { page, faults, close } = await opened("#/clients?filter=state:locked");
  await page.getByText("No client fits the filter.").waitFor();
  const held = await hold();
  const row = page.getByRole("row").filter({ hasText: "client-0" });
  await row.getByText("locked").waitFor();
  expect(await page.locator("main [role=status]").textContent()).toBe("1 of 4 clients");
  await expectAccessible(page);
  await page.keyboard.press("/");
  await page.keyboard.type(" age:<1m");
  await row.getByText("locked").waitFor();
  expect(page.url()).toContain("filter=state%3Alocked+age%3A%3C1m");
  await page.keyboard.press("Escape");
  await row.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: /client-0\d/ }).waitFor();
  expect(await page.locator('.box[data-lit="true"]').getAttribute("data-state")).toBe("locked");
  await held.close();
  await page.locator('.box[data-lit="true"][data-state="idle"]').waitFor();
  await page.locator('.arrow.last[data-from="closing"][data-to="idle"]').waitFor();
  await page.getByLabel("History").press("ArrowLeft");
  await page.getByLabel("History").press("ArrowLeft");
  await page.locator('.box[data-lit="true"][data-state="locked"]').waitFor();
  expect(page.url()).toMatch(/at=\d+/);
  await page.getByRole("button", { name: "Now" }).click();
  await picture(page, "statechart");
  await expectAccessible(page);
  expect(faults).toEqual([]);
  await close();
});

describe("L6: force unlock", () => {
  test("asks for a reason and the end of the GUID, frees the client, and stands in the audit", async () => {
    const held = await hold();
    const { page, faults, close } = await opened(`#/clients/${held.clientId}/connection`);
    await page.getByRole("button", { name: "Force unlock" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("Its flow is aborted").waitFor();
    await expectAccessible(page);
    await picture(page, "force");
    await dialog.getByLabel("Reason").fill("stuck since the change");
    await dialog.getByLabel("Last four").fill("nope");
    await dialog.getByRole("button", { name: "Force unlock" }).click();
    await dialog.getByText("type them to confirm").waitFor();
    await dialog.getByLabel("Last four").fill(held.lockGuid.slice(-4));
    await dialog.getByRole("button", { name: "Force unlock" }).click();
    await page.getByText(`${held.clientId} is idle now`).waitFor();
    await page.getByText(`${held.clientId} is not locked.`).waitFor();
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect(await page.getByRole("button", { name: "Force unlock" }).isDisabled()).toBe(true);
    await picture(page, "connection");
    await expectAccessible(page);
    await page.getByRole("link", { name: "Audit" }).click();
    const act = page.getByRole("row").filter({ hasText: "stuck since the change" });
    await act.getByText("client.lockForced").waitFor();
    await picture(page, "audit");
    await expectAccessible(page);
    expect(faults).toEqual([]);
    await close();
  });

  test("a newer lock is never released: the dialog says who holds it now", async () => {
    const first = await hold();
    const { page, close } = await opened(`#/clients/${first.clientId}/connection`);
    await page.getByRole("button", { name: "Force unlock" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Reason").fill("stuck");
    await dialog.getByLabel("Last four").fill(first.lockGuid.slice(-4));
    await first.close();
    const others = await Promise.all([hold(), hold(), hold(), hold()]);
    const newer = others.find(({ clientId }) => clientId === first.clientId);
    // The page behind the dialog knows the newer lock; the dialog still names the one it was opened for.
    await page.locator(`section code[title="${newer?.lockGuid}"]`).first().waitFor();
    expect(await dialog.locator("code").getAttribute("title")).toBe(first.lockGuid);
    await dialog.getByRole("button", { name: "Force unlock" }).click();
    await dialog.getByText(newer?.lockGuid ?? "no newer lock").waitFor();
    const view = api.engine.supervisor.snapshot().clients.find(({ clientId }) => clientId === first.clientId);
    expect(view?.lockGuid).toBe(newer?.lockGuid);
    for (const one of others) await one.close();
    await close();
  });
});

test("CSV import: errors by line and column, a preview, then the table, and the former one again", async () => {
  const { page, faults, close } = await opened("#/clients/client-01/connection");
  const csv = api.engine.supervisor.exportServices();
  const more = `${csv.trimEnd()}\n${(csv.trim().split(/\r?\n/)[1] ?? "").replace("OSB", "OSB-2")}\n`;
  await page.getByRole("button", { name: "Import CSV" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Or paste it").fill(more.replace(/,\d+,/, ",70000,"));
  await dialog.getByRole("cell", { name: "70000" }).waitFor();
  expect(await dialog.getByRole("button", { name: "Import", exact: true }).isDisabled()).toBe(true);
  await expectAccessible(page);
  await picture(page, "import-errors");
  const bad = page.waitForEvent("download");
  await dialog.getByRole("button", { name: "Download the bad rows" }).click();
  expect(readFileSync(await (await bad).path(), "utf8")).toMatch(/^name,host,.*\r\nOSB,.*,70000,[^\n]*$/);
  const csvFile = { name: "services.csv", mimeType: "text/csv", buffer: Buffer.from(more) };
  await dialog.getByLabel("Pick a CSV file").setInputFiles(csvFile);
  await dialog.getByText("This would change:").waitFor();
  await dialog.getByText("1 added").waitFor();
  await dialog.getByRole("button", { name: "Import", exact: true }).click();
  await dialog.getByText("Done. This was changed:").waitFor();
  await page.getByRole("cell", { name: "OSB-2", includeHidden: true }).waitFor();
  await dialog.getByRole("button", { name: "Restore the former table" }).click();
  await dialog.getByText("1 removed").waitFor();
  await dialog.getByRole("button", { name: "Import", exact: true }).click();
  await dialog.getByText("Done. This was changed:").waitFor();
  await dialog.getByRole("button", { name: "Close" }).click();
  await page.getByRole("cell", { name: "OSB-2" }).waitFor({ state: "detached" });
  expect(api.engine.supervisor.exportServices()).toBe(csv);
  // The refusal of the first try is a 422, which a browser reports as it does every one.
  expect(faults.filter((fault) => !fault.includes("422"))).toEqual([]);
  await close();
});

test("CSV import: what is shown is the preview of what was given last, whichever answer comes last", async () => {
  const { page, close } = await opened("#/clients/client-01/connection");
  const csv = api.engine.supervisor.exportServices();
  const more = `${csv.trimEnd()}\n${(csv.trim().split(/\r?\n/)[1] ?? "").replace("OSB", "OSB-2")}\n`;
  const isHeld = Promise.withResolvers<() => Promise<void>>();
  await page.route("**/services/import?dryRun=true", (route) => isHeld.resolve(() => route.continue()), {
    times: 1,
  });
  await page.getByRole("button", { name: "Import CSV" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Or paste it").fill(more);
  const release = await isHeld.promise;
  await dialog.getByLabel("Or paste it").fill(csv);
  await dialog.getByText("0 added").waitFor();
  const answered = page.waitForResponse("**/services/import?dryRun=true");
  await release();
  await (await answered).finished();
  await page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))");
  expect(await dialog.getByText("0 added").count()).toBe(1);
  await close();
});

test("search results: the path and the tickets that the flow found, kept until it is refreshed", async () => {
  const folder = join(api.engine.config.dataDir, "topology");
  mkdirSync(folder);
  writeFileSync(join(folder, "link.csv"), "ne_a;ne_b\nroot;hub\nhub;node-9\n");
  await api.ask("POST", "/api/topology/load", { json: { files: ["link.csv"] } });
  await settle("9/raise", "node-9", "node-9");
  const { page, faults, close } = await opened("#/clients?filter=state:idle");
  await settle("10/raise", "node-9", "node-9");
  const started = await api.fact(
    (fact) => fact.type === "flow.started" && fact.body.alarms.some(({ id }) => id === "10/raise"),
  );
  const clientId = started.type === "flow.started" ? started.body.clientId : "";
  await page.goto(`${api.engine.url}/#/clients/${clientId}/search-results`);
  await page.getByRole("cell", { name: "hub" }).first().waitFor();
  await page.getByRole("cell", { name: /^TCK-/ }).waitFor();
  await picture(page, "search-results");
  await expectAccessible(page);
  await page.getByText("As the flow saw it,").waitFor();
  // The topology changes behind the open page, which shows what the flow saw until it is asked.
  writeFileSync(join(folder, "link.csv"), "ne_a;ne_b\nroot;hub-new\nhub-new;node-9\n");
  await api.ask("POST", "/api/topology/load", { json: { files: ["link.csv"] } });
  await page.getByRole("button", { name: "Refresh", exact: true }).click();
  await page.getByRole("cell", { name: "hub", exact: true }).first().waitFor();
  await page.getByRole("button", { name: "Refresh the path" }).click();
  await page.getByText("Read anew").waitFor();
  await page.getByRole("cell", { name: "hub-new" }).first().waitFor();
  expect(await page.getByRole("cell", { name: "hub", exact: true }).count()).toBe(0);
  expect(faults).toEqual([]);
  await close();
});

test("a path that could not be read once more is as old as when it was read", async () => {
  const folder = join(api.engine.config.dataDir, "topology");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "link.csv"), "ne_a;ne_b\nroot;hub\nhub;node-11\n");
  await api.ask("POST", "/api/topology/load", { json: { files: ["link.csv"] } });
  await settle("11", "node-11", "node-11");
  const started = await api.fact((fact) => fact.type === "flow.started" && fact.body.key === "node-11");
  const clientId = started.type === "flow.started" ? started.body.clientId : "";
  const { page, close } = await opened("#/clients");
  await page.clock.install();
  await page.goto(`${api.engine.url}/#/clients/${clientId}/search-results`);
  await page.getByRole("button", { name: "Refresh the path" }).click();
  await page.getByText(/^Read anew \d s ago/).waitFor();
  await page.clock.fastForward("10:00");
  await page.getByText(/^Read anew 10 min/).waitFor();
  await page.route("**/topology/path/*", (route) => route.abort());
  await page.getByRole("button", { name: "Refresh the path" }).click();
  await page.getByText("The engine cannot be reached").waitFor();
  expect(await page.getByText(/^Read anew 10 min/).count()).toBe(1);
  await close();
});

test("every page, dark and wide, breaks no rule of its policy and none of accessibility", async () => {
  await settle("2", "node-2");
  const { page, faults, close } = await opened("#/overview", {
    colorScheme: "dark",
    viewport: { width: 1920, height: 1080 },
  });
  await page.getByText("Nothing abnormal.").waitFor();
  await settle("3", "node-3");
  for (const [hash, shows] of [
    ["#/overview", "Exceptions"],
    ["#/clients", "client-04"],
    ["#/clients/client-01/statechart", "Outline"],
    ["#/clients/client-01/connection", "LockGuidId"],
    ["#/clients/client-01/communication", "Processing IAS Request Busy Status"],
    ["#/clients/client-01/search-results", "Flow"],
    ["#/alarms", "node-3"],
    ["#/flows", "node-3"],
    ["#/gateway", "In flight"],
    ["#/events", "alarm.settled"],
    ["#/audit", "client.lockForced"],
  ] as const) {
    await page.goto(`${api.engine.url}/${hash}`);
    await page.getByText(shows).first().waitFor();
    await picture(page, `dark-${hash.replaceAll(/[#/]+/g, "-")}`);
    await expectAccessible(page);
  }
  expect(faults).toEqual([]);
  await close();
});

test("the page's own policy lets nothing in from elsewhere, and nothing inline", async () => {
  const response = await fetch(`${api.engine.url}/`);
  expect(response.headers.get("content-security-policy")).toMatch(
    /default-src 'none'.*frame-ancestors 'none'/,
  );
  expect(response.headers.get("content-security-policy")).not.toContain("unsafe");
  const html = await response.text();
  expect(html).not.toMatch(/<script(?![^>]*src=)|<style|style=|https?:/);
});
