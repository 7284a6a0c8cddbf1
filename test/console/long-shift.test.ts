/** What comes of a page that is open for a whole shift: tables that shrink, lines that die, others who work beside. */
import net, { type AddressInfo, type Socket } from "node:net";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { bounds } from "../../visualizations/console/model/bounds.ts";
import { startApi, tokens } from "../http/api/rig.ts";
import { startBrowser } from "./chromium.ts";
import { startBusyEngine } from "./load-source.ts";
import { browserTestMsMax, exportedPositions, openPage } from "./rig.ts";

vi.setConfig({ testTimeout: browserTestMsMax });

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
}, browserTestMsMax);
afterAll(() => browser.close());

test("a table that is filtered while it is scrolled far down shows the rows that are left", async () => {
  const engine = await startBusyEngine(2_000, 0);
  onTestFinished(() => engine.stop());
  const { page, close } = await openPage(browser, `${engine.url}/#/clients?sort=id`);
  await page.getByText("2,000 clients", { exact: true }).waitFor();
  await page.locator(".table").evaluate((table) => (table.scrollTop = table.scrollHeight));
  await page.getByRole("link", { name: "client-02000" }).waitFor();
  await page.getByRole("searchbox", { name: "Filter clients" }).fill("client-0001");
  await page.getByText("10 of 2,000 clients").waitFor();
  expect(await page.locator("tbody a").first().isVisible()).toBe(true);
  expect(await page.getByRole("link", { name: "client-00010" }).isVisible()).toBe(true);
  await close();
});

test("a line that is dead, though nobody closed it, is told as lost", async () => {
  const wire = await startWire();
  const api = await startApi({ config: { clients: 1, listen: { port: 0, publicUrl: wire.url } } });
  wire.lead(Number(new URL(api.engine.url).port));
  const { page, close } = await openPage(browser, "about:blank");
  await page.clock.install();
  await page.goto(`${wire.url}/#/clients`);
  await page.getByText("live", { exact: true }).waitFor();
  wire.die();
  await page.clock.fastForward(20_000);
  await page.getByText("not live").waitFor({ timeout: 15_000 });
  await page
    .getByRole("alert")
    .getByText(/What is shown is .* old\./)
    .waitFor();
  await close();
});

test.each([
  ["the search for an alarm", "alarms?find=1", "Ticket: alarm 1 made ticket"],
  ["the audit", "audit", "it hangs"],
])("S1: %s, refused for want of a token, is there once one is given", async (_, place, text) => {
  const api = await startApi({ guarded: true, config: { clients: 1 } });
  await api.raise("1", { key: "node-1" });
  await api.fact((fact) => fact.type === "alarm.settled" && fact.body.alarm.id === "1");
  const { clientId, lockGuid } = await api.engine.supervisor.lock({ timeoutSeconds: 5 });
  await api.engine.supervisor.forceUnlock(clientId, { lockGuid, by: "test", reason: "it hangs" });
  for (let facts = 0; facts <= bounds.historyFacts; facts += 2)
    await (await api.engine.supervisor.lock({ timeoutSeconds: 5 })).close();
  const { page, close } = await openPage(browser, `${api.engine.url}/#/${place}`);
  const dialog = page.getByRole("dialog");
  await page.locator("main .refusal").filter({ hasText: /\S/ }).first().waitFor({ state: "attached" });
  await dialog.getByLabel("Token").fill(tokens.viewer);
  await dialog.getByRole("button", { name: "Use it" }).click();
  await page.getByText("live", { exact: true }).waitFor();
  await page.getByText(new RegExp(text)).first().waitFor({ timeout: 10_000 });
  await close();
});

test("what was asked while the engine could not be reached is asked again once it can", async () => {
  const wire = await startWire();
  const api = await startApi({ config: { clients: 1, listen: { port: 0, publicUrl: wire.url } } });
  wire.lead(Number(new URL(api.engine.url).port));
  await api.raise("1", { key: "node-1" });
  await api.fact((fact) => fact.type === "alarm.settled" && fact.body.alarm.id === "1");
  const { page, close } = await openPage(browser, `${wire.url}/`);
  await page.getByText("live", { exact: true }).waitFor();
  wire.cut();
  await page.getByText("not live").waitFor();
  await page.goto(`${wire.url}/#/alarms?find=1`);
  await page.getByText("The engine cannot be reached").waitFor();
  wire.mend();
  await page.getByText("live", { exact: true }).waitFor();
  await page.getByText(/^Ticket: alarm 1 made ticket/).waitFor({ timeout: 10_000 });
  await close();
});

test("who changes one setting leaves what another has changed meanwhile", async () => {
  const api = await startApi({ config: { clients: 1 } });
  const { page, close } = await openPage(browser, `${api.engine.url}/#/clients/client-01/connection`);
  await page.getByLabel("Ticket Gateway").waitFor();
  await api.ask("PATCH", "/api/configuration", { json: { relatedElements: { ticketGateway: "gw-2" } } });
  await page.getByLabel("Rows of the Response Table, at most").fill("77");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("The configuration is changed.").waitFor();
  const { body } = await api.ask<{ relatedElements: { ticketGateway: string }; maxResponseRows: number }>(
    "GET",
    "/api/configuration",
  );
  expect(body).toMatchObject({ relatedElements: { ticketGateway: "gw-2" }, maxResponseRows: 77 });
  expect(await page.getByLabel("Ticket Gateway").inputValue()).toBe("gw-2");
  await close();
});

test.each(["", "paused, "])(
  "F1: %solder events that were fetched and those that came since are one row, without a hole or a double",
  async (paused) => {
    const api = await startApi({ config: { clients: 1 } });
    const happen = async (facts: number): Promise<void> => {
      for (let count = 0; count < facts; count += 2)
        await (await api.engine.supervisor.lock({ timeoutSeconds: 5 })).close();
    };
    await happen(bounds.historyFacts + bounds.olderEventsPage);
    const { page, close } = await openPage(browser, `${api.engine.url}/#/events`);
    await page.getByText(/^1,0\d\d events$/).waitFor();
    const older = page.getByRole("button", { name: "Load older" });
    if (paused === "") await older.click();
    else await page.keyboard.press("p");
    await happen(bounds.eventsMax * 1.5);
    const { position } = api.engine.supervisor.snapshot();
    if (paused === "") await page.getByRole("cell", { name: String(position), exact: true }).waitFor();
    else await older.click();
    await expect.poll(() => page.locator(".count").textContent()).toMatch(/^(1,[5-9]|[2-9],)/);
    const positions = await exportedPositions(page);
    expect(positions).toEqual(positions.map((_, index) => (positions[0] ?? 0) - index));
    await close();
  },
);

test.each(["alarms", "overview"])(
  "rows of %s stay while somebody is on them, however many alarms come meanwhile",
  async (place) => {
    const api = await startApi({ config: { clients: 1 } });
    await api.raise("first", { key: "node-1" });
    await api.fact((fact) => fact.type === "alarm.settled" && fact.body.alarm.id === "first");
    const { page, close } = await openPage(browser, `${api.engine.url}/#/${place}`);
    const row = page.getByRole("row").filter({ hasText: "first" });
    await row.getByRole("link").focus();
    await page.getByText("held while you are on the rows").waitFor();
    await Promise.all(
      Array.from({ length: bounds.alarmsMax }, (_, index) => api.raise(String(index), { key: "node-2" })),
    );
    await page.getByText("1,001 settled, 0 under way").waitFor();
    await page.getByText("held while you are on the rows").waitFor();
    expect(await row.getByText("created").count()).toBe(1);
    await close();
  },
);

interface Wire {
  readonly url: string;
  /** To the engine at that port. */
  lead(port: number): void;
  /** Nothing comes through any more, and nobody is told. */
  die(): void;
  /** Whoever is there is sent away, and whoever comes, until `mend`. */
  cut(): void;
  mend(): void;
}

async function startWire(): Promise<Wire> {
  let port = 0;
  let isDead = false;
  let isCut = false;
  const ends = new Set<Socket>();
  const server = net.createServer((near) => {
    ends.add(near.on("error", () => undefined));
    if (isCut) near.destroy();
    if (isDead || isCut) return;
    const far = net.connect(port, "127.0.0.1").on("error", () => undefined);
    ends.add(far);
    near.on("data", (bytes) => isDead || far.write(bytes));
    far.on("data", (bytes) => isDead || near.write(bytes));
    near.on("close", () => far.destroy());
    far.on("close", () => isDead || near.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  onTestFinished(() => {
    for (const end of ends) end.destroy();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lead: (to) => (port = to),
    die: () => (isDead = true),
    cut() {
      isCut = true;
      for (const end of ends) end.destroy();
    },
    mend: () => (isCut = false),
  };
}
