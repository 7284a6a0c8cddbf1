/** What operators meet on a bad day: a lost engine, requests of unknown fate, a search that hangs, tokens. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { systemClock, systemIds } from "../../adapters/clock/system.ts";
import { type Engine, startEngine } from "../../adapters/engine.ts";
import { bounds } from "../../visualizations/console/model/bounds.ts";
import { startApi, tokens } from "../http/api/rig.ts";
import { startBrowser } from "./chromium.ts";
import { tabTo } from "./keyboard.ts";
import { browserTestMsMax, expectAccessible, openPage, picture } from "./rig.ts";

vi.setConfig({ testTimeout: browserTestMsMax });

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
}, browserTestMsMax);
afterAll(() => browser.close());

test("a lost engine: a banner with the age of what is shown, and all values stay readable", async () => {
  const api = await startApi({ keep: true, config: { clients: 2 } });
  const watched = await openPage(browser, `${api.engine.url}/`);
  const { page } = watched;
  await page.goto(`${api.engine.url}/#/clients`);
  await page.getByRole("row").filter({ hasText: "client-02" }).waitFor();
  await api.end();
  const banner = page.getByRole("alert").filter({ hasText: "What is shown is" });
  await banner.waitFor();
  await banner.getByRole("button", { name: "Connect now" }).waitFor();
  await page.getByText("not live").waitFor();
  await page.getByRole("row").filter({ hasText: "client-02" }).waitFor();
  await picture(page, "lost");
  await expectAccessible(page);
  await watched.close();
});

test("F2: the engine is started anew: the page comes back by itself, and shows what it had and what followed", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "ticket-client-restart-"));
  const start = (port: number) =>
    startEngine({
      config: { listen: { port }, dataDir, clients: 2 },
      clock: systemClock,
      ids: systemIds,
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    });
  const lockAndFree = async ({ supervisor }: Engine): Promise<string> => {
    const held = await supervisor.lock({ timeoutSeconds: 5 });
    await held.close();
    return held.lockGuid;
  };
  let engine = await start(0);
  const port = Number(new URL(engine.url).port);
  const watched = await openPage(browser, `${engine.url}/#/events?type=client.locked`);
  const { page } = watched;
  await page.getByText("live", { exact: true }).waitFor();
  const before = await lockAndFree(engine);
  await page.getByRole("cell", { name: "client.locked" }).waitFor();
  await engine.stop({ drainSeconds: 0 });
  await page.getByText("not live").waitFor();
  engine = await start(port);
  const after = await lockAndFree(engine);
  await page.getByText("2 events").waitFor();
  await page.getByText("live", { exact: true }).waitFor();
  for (const guid of [before, after]) {
    await page.getByRole("searchbox", { name: "Search in payloads" }).fill(guid);
    await page.getByText("1 event", { exact: true }).waitFor();
  }
  expect(await page.getByText("were passed over").count()).toBe(0);
  await watched.close();
  await engine.stop({ drainSeconds: 0 });
  rmSync(dataDir, { recursive: true, force: true });
});

test("rows stay where the pointer is when the focus leaves them", async () => {
  const api = await startApi({ config: { clients: 1 } });
  const lock = await api.engine.supervisor.lock({ timeoutSeconds: 5 });
  const watched = await openPage(browser, `${api.engine.url}/#/clients`);
  const { page } = watched;
  const row = page.getByRole("row").filter({ hasText: "client-01" });
  const held = page.getByText("held while you are on the rows");
  await tabTo(page, row);
  await row.hover();
  await held.waitFor();
  await page.keyboard.press("/");
  const age = row.locator('[data-column="age"]');
  for (let ticks = 0; ticks < 2; ticks++) {
    const before = await age.textContent();
    await expect.poll(() => age.textContent(), { timeout: 5_000 }).not.toBe(before);
  }
  expect(await held.count()).toBe(1);
  await page.mouse.move(5, 5);
  await held.waitFor({ state: "detached" });
  await watched.close();
  await lock.close();
});

test("rows that were there before the page leave it when they are cleared", async () => {
  const api = await startApi({ config: { clients: 1 } });
  await api.raise("1", { key: "node-1" });
  await api.fact((fact) => fact.type === "alarm.settled" && fact.body.alarm.id === "1");
  const watched = await openPage(browser, `${api.engine.url}/#/clients/client-01/communication`);
  await watched.page.getByText("2 rows", { exact: true }).waitFor();
  await api.ask("DELETE", "/api/responses");
  await watched.page.getByText("0 rows", { exact: true }).waitFor();
  await watched.close();
});

test("the record of an alarm from long ago goes on with what becomes of it", async () => {
  const api = await startApi({ config: { clients: 1, maxOpenTickets: 1 } });
  const settled = (id: string) =>
    api.fact((fact) => fact.type === "alarm.settled" && fact.body.alarm.id === id);
  await api.raise("1", { key: "node-1" });
  await settled("1");
  await api.raise("2", { key: "node-2" });
  await api.fact((fact) => fact.type === "key.parked" && fact.body.key === "node-2");
  // More than a page reads of the past.
  for (let facts = 0; facts <= bounds.historyFacts; facts += 2)
    await (await api.engine.supervisor.lock({ timeoutSeconds: 5 })).close();
  const watched = await openPage(browser, `${api.engine.url}/#/alarms/urn%3Atest/2`);
  const { page } = watched;
  await page.getByText("Not settled yet: alarm 2 is under way.").waitFor();
  await api.raise("1/clear", { key: "node-1", kind: "clear" });
  await settled("2");
  await page.getByText(/^Ticket: alarm 2 made ticket TCK-/).waitFor();
  await watched.close();
});

test("a request of unknown fate is told on every page, and no longer once it is resolved", async () => {
  const api = await startApi({
    config: { clients: 1 },
    row: { idempotency: "none", settleSeconds: 0.01, timeoutSeconds: 1 },
    desk: {
      idempotency: "none",
      faults: [{ match: { command: "create", key: "doubtful" }, fault: "reset-before", times: 1 }],
    },
  });
  const watched = await openPage(browser, `${api.engine.url}/#/overview`);
  const { page } = watched;
  await page.getByText("Nothing abnormal.").waitFor();
  await page.clock.install();
  await page.goto(`${api.engine.url}/#/events`);
  await api.raise("1", { key: "doubtful" });
  const settled = await api.fact((fact) => fact.type === "request.settled");
  await page.clock.fastForward(6_000);
  await page.getByText("1 abnormal").waitFor();
  const requestId = settled.type === "request.settled" ? settled.body.requestId : "";
  await api.engine.supervisor.resolve(requestId, {
    verdict: "applied",
    ticketId: "T-1",
    by: "test",
    reason: "seen",
  });
  await page.clock.fastForward(6_000);
  await page.getByText("1 abnormal").waitFor({ state: "detached" });
  await watched.close();
});

test("A2 L6: a create of unknown fate is an exception, and an operator's verdict ends it", async () => {
  const api = await startApi({
    config: { clients: 1 },
    row: { idempotency: "none", settleSeconds: 0.01, timeoutSeconds: 1 },
    desk: {
      idempotency: "none",
      faults: [{ match: { command: "create" }, fault: "reset-before", times: 1 }],
    },
  });
  const watched = await openPage(browser, `${api.engine.url}/`);
  const { page } = watched;
  await api.raise("1");
  await api.fact((fact) => fact.type === "alarm.settled" && fact.body.outcome === "unknown");
  await page.getByRole("link", { name: "1 request of unknown fate" }).waitFor();
  await picture(page, "exceptions");
  await expectAccessible(page);
  await page.getByRole("link", { name: "1 request of unknown fate" }).click();
  await page.getByRole("button", { name: "Resolve" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Yes: it counts as done").check();
  await dialog.getByLabel("How this is known").fill("seen at the service");
  await dialog.getByLabel("Ticket that it made").fill("T-77");
  await expectAccessible(page);
  await picture(page, "resolve");
  await dialog.getByRole("button", { name: "Resolve" }).click();
  await page.getByText("The request of node-1 is resolved.").waitFor();
  await page.getByText("None.").waitFor();
  await api.fact((fact) => fact.type === "alarm.settled" && fact.body.ticketId === "T-77");
  expect(watched.faults).toEqual([]);
  await watched.close();
});

test("L4: a search that hangs is busy; forced to Not Busy it counts as failed, and the flow goes on", async () => {
  const api = await startApi({
    config: { clients: 1 },
    desk: { faults: [{ match: { command: "search" }, fault: "silent", times: 1 }] },
  });
  const watched = await openPage(browser, `${api.engine.url}/`);
  const { page } = watched;
  await page.goto(`${api.engine.url}/#/clients/client-01/communication`);
  await api.raise("1");
  await page.getByText("Busy", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Force not busy" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("a search counts as failed").waitFor();
  await dialog.getByLabel("Reason").fill("the search hangs");
  const guid = api.engine.supervisor.snapshot().clients[0]?.lockGuid ?? "";
  await dialog.getByLabel("Last four").fill(guid.slice(-4));
  await dialog.getByRole("button", { name: "Force not busy" }).click();
  await api.fact((fact) => fact.type === "client.notBusyForced" && fact.body.lockGuid === guid);
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await api.fact((fact) => fact.type === "alarm.settled" && fact.body.outcome === "created");
  await page.getByRole("cell", { name: "create", exact: true }).waitFor();
  await page.getByRole("row").filter({ hasText: "create" }).getByRole("button").click();
  await page.getByRole("dialog").getByText("Envelope").first().waitFor();
  await expectAccessible(page);
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  expect(watched.faults).toEqual([]);
  await watched.close();
});

test("S1: with tokens on the page asks for one, shows all to a viewer, and says what he may not do", async () => {
  const api = await startApi({ guarded: true, config: { clients: 1 } });
  const watched = await openPage(browser, `${api.engine.url}/`);
  const { page } = watched;
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Token").waitFor();
  await expectAccessible(page);
  await dialog.getByLabel("Token").fill("see");
  await dialog.getByRole("button", { name: "Use it" }).click();
  await page.getByText("live", { exact: true }).waitFor();
  const held = await api.engine.supervisor.lock({ timeoutSeconds: 5 });
  await page.goto(`${api.engine.url}/#/clients/client-01/connection`);
  await page.getByRole("button", { name: "Force unlock" }).click();
  await dialog.getByLabel("Reason").fill("stuck");
  await dialog.getByLabel("Last four").fill(held.lockGuid.slice(-4));
  await dialog.getByRole("button", { name: "Force unlock" }).click();
  await dialog.getByText("this needs operator").waitFor();
  expect(api.engine.supervisor.snapshot().clients[0]?.lockGuid).toBe(held.lockGuid);
  // S4: neither the address nor what outlives the tab knows the token.
  expect(page.url()).not.toContain("see");
  expect(await page.evaluate(() => localStorage.length)).toBe(0);
  await watched.close();
});

test.each([
  ["of a source", tokens.source, "This token may not read the console (403)."],
  ["that nobody has", "guessed", "The engine does not know this token (401)."],
])(
  "S1: a token %s: the page asks again and says why, until it is given a good one",
  async (_, token, because) => {
    const api = await startApi({ guarded: true, config: { clients: 1 } });
    const watched = await openPage(browser, `${api.engine.url}/`);
    const { page } = watched;
    const dialog = page.getByRole("dialog");
    await dialog.getByText("This engine asks for a token.").waitFor();
    await dialog.getByLabel("Token").fill(token);
    await dialog.getByRole("button", { name: "Use it" }).click();
    await dialog.getByText(because).waitFor();
    await page.reload();
    await dialog.getByText(because).waitFor();
    await dialog.getByLabel("Token").fill(tokens.viewer);
    await dialog.getByRole("button", { name: "Use it" }).click();
    await page.getByText("live", { exact: true }).waitFor();
    await watched.close();
  },
);

test("S1: an answer from before the token was given does not ask for one again", async () => {
  const api = await startApi({ guarded: true, config: { clients: 1 } });
  const watched = await openPage(browser, "about:blank");
  const { page } = watched;
  const isHeld = Promise.withResolvers<() => Promise<void>>();
  // The first is answered, so that the page asks for a token; the next one, at the next try, comes late.
  let asked = 0;
  await page.route("**/api/clients", (route) => {
    asked += 1;
    if (asked !== 2) return route.continue();
    return isHeld.resolve(() => route.continue());
  });
  await page.goto(`${api.engine.url}/`);
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Token").fill(tokens.viewer);
  const release = await isHeld.promise;
  await dialog.getByRole("button", { name: "Use it" }).click();
  await page.getByText("live", { exact: true }).waitFor();
  const refused = page.waitForResponse((response) => response.status() === 401);
  await release();
  await (await refused).finished();
  await page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))");
  expect(await dialog.count()).toBe(0);
  await watched.close();
});

test("S1: a token with a character that is not seen is refused where it is typed, and none is kept", async () => {
  const api = await startApi({ guarded: true, config: { clients: 1 } });
  const watched = await openPage(browser, `${api.engine.url}/`);
  const { page } = watched;
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Token").fill(`${tokens.viewer}\u200b`);
  await dialog.getByRole("button", { name: "Use it" }).click();
  await dialog.getByRole("alert").getByText("This cannot be a token").waitFor();
  expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
  await expectAccessible(page);
  await watched.close();
});

test("paused, nothing moves; resumed, nothing was missed", async () => {
  const api = await startApi({ config: { clients: 1 } });
  const watched = await openPage(browser, `${api.engine.url}/`);
  const { page } = watched;
  await page.goto(`${api.engine.url}/#/events?type=alarm.settled`);
  await page.getByText("No event fits the filter.").waitFor();
  await page.getByText("0 settled").waitFor();
  await page.keyboard.press("p");
  await page.getByText("paused", { exact: true }).waitFor();
  const other = await openPage(browser, `${api.engine.url}/`);
  await other.page.getByText("live", { exact: true }).waitFor();
  await api.raise("1");
  await other.page.getByText("1 settled").waitFor();
  await api.raise("2", { key: "node-2" });
  await other.page.getByText("2 settled").waitFor();
  await other.close();
  await page.getByText("0 settled").waitFor();
  expect(await page.getByRole("cell", { name: "alarm.settled" }).count()).toBe(0);
  await page.keyboard.press("p");
  await page.getByText("2 settled").waitFor();
  await page.getByRole("button", { name: "alarm.settled" }).first().click();
  await page.getByRole("dialog").getByText('"outcome": "created"').waitFor();
  expect(page.url()).toMatch(/at=\d+/);
  await page.keyboard.press("Escape");
  // From before the page was opened.
  await page.getByLabel("Kind").selectOption("ledger");
  await page.getByRole("button", { name: "ledger.opened" }).waitFor();
  await page.getByRole("button", { name: "Load older" }).click();
  await page.getByText("There is nothing before.").waitFor();
  expect(watched.faults).toEqual([]);
  await watched.close();
});
