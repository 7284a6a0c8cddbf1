/** A page that cannot keep up: it is told so, says so, and goes on by itself from how things are then. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { startBrowser } from "./chromium.ts";
import { type BusyEngine, startBusyEngine } from "./load-source.ts";
import { browserTestMsMax, expectAccessible, exportedPositions, openPage } from "./rig.ts";

vi.setConfig({ testTimeout: browserTestMsMax });

const clients = 50;
const factsKept = 1_000;
/** More than the sockets and the browser between them hold: some 25 MB. */
const missed = 60_000;

let browser: Browser;
let engine: BusyEngine;
beforeAll(async () => {
  browser = await startBrowser();
  engine = await startBusyEngine(clients, 0, { factsKept });
}, browserTestMsMax);
afterAll(async () => {
  await browser.close();
  await engine.stop();
});

test("F2 F3: behind what the engine keeps, the page says how much it passed over, shows the present, and goes on", async () => {
  const { page, faults, close } = await openPage(browser, `${engine.url}/`);
  await page.goto(`${engine.url}/#/clients`);
  await page.getByText("live", { exact: true }).waitFor();
  // A script that takes long: the page hears nothing until the engine has said all this.
  await page.evaluate(`{
    const request = new XMLHttpRequest();
    request.open("GET", "/burst?${missed}", false);
    request.send();
  }`);
  const banner = page.getByRole("alert").getByText(/^[\d,]+ events were passed over/);
  await banner.waitFor();
  const passedOver = Number(/[\d,]+/.exec((await banner.textContent()) ?? "")?.[0].replaceAll(",", ""));
  expect(passedOver).toBeGreaterThan(0);
  expect(passedOver).toBeLessThan(missed);
  await page.getByText("live", { exact: true }).waitFor();
  await expectAccessible(page);

  // It comes to the present, and from then on hears everything.
  await page.goto(`${engine.url}/#/events`);
  const before = engine.position();
  await expect
    .poll(async () => {
      engine.change(1);
      const shown = await page.locator('td[data-column="position"]').allTextContents();
      return Math.max(...shown.map(Number));
    })
    .toBeGreaterThan(before);
  await page.getByRole("button", { name: "Noted" }).click();
  await banner.waitFor({ state: "detached" });
  // The facts that followed, without a hole.
  await page.getByRole("cell", { name: String(engine.position()), exact: true }).waitFor();
  const positions = await exportedPositions(page);
  expect(positions).toEqual(positions.map((_, index) => engine.position() - index));
  expect(await page.getByText(/passed over/).count()).toBe(0);

  await page.goto(`${engine.url}/#/clients`);
  // As the engine has them now, every client of them.
  engine.change(clients / 2);
  const locked = engine.views().flatMap(({ lockGuid }) => (lockGuid === null ? [] : [lockGuid]));
  expect(locked.length).toBeGreaterThan(0);
  await expect
    .poll(async () =>
      page.locator("tbody code.guid").evaluateAll((all) => all.map((one) => one.getAttribute("title"))),
    )
    .toEqual(expect.arrayContaining(locked.slice(0, 3)));
  // This engine has no API, which a browser reports.
  expect(faults.filter((fault) => !fault.includes("404"))).toEqual([]);
  await close();
});
