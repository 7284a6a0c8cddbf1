/** What comes of a page that is open for a whole shift: tables that shrink, lines that die, others who work beside. */
import net, { type AddressInfo, type Socket } from "node:net";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { startApi } from "../http/api/rig.ts";
import { startBrowser } from "./chromium.ts";
import { startBusyEngine } from "./load-source.ts";
import { browserTestMsMax, openPage } from "./rig.ts";

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

interface Wire {
  readonly url: string;
  /** To the engine at that port. */
  lead(port: number): void;
  /** Nothing comes through any more, and nobody is told. */
  die(): void;
}

async function startWire(): Promise<Wire> {
  let port = 0;
  let isDead = false;
  const ends = new Set<Socket>();
  const server = net.createServer((near) => {
    ends.add(near.on("error", () => undefined));
    if (isDead) return;
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
  };
}
