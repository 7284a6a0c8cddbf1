/** What comes of a page that is open for a whole shift: tables that shrink, lines that die, others who work beside. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
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
