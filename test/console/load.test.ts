/**
 * 10,000 clients, 5,000 changes a second: what a frame costs is bounded by what is seen, not by how many there are. How
 * long frames take is measured by `npm run bench`.
 */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { startBrowser } from "./chromium.ts";
import { type BusyEngine, startBusyEngine } from "./load-source.ts";
import { browserTestMsMax, openPage } from "./rig.ts";

const framesMeasured = 120;
/** Of a page that shows some sixty rows of some ten cells, all of them anew. */
const changesMost = 2_000;

vi.setConfig({ testTimeout: browserTestMsMax });

let browser: Browser;
let engine: BusyEngine;
beforeAll(async () => {
  browser = await startBrowser();
  engine = await startBusyEngine(10_000, 5_000);
}, browserTestMsMax);
afterAll(async () => {
  await browser.close();
  await engine.stop();
});

/** Elements made, texts and attributes changed from one frame to the next: the most of some frames. */
async function changesOfFrame(page: Page): Promise<number> {
  const most = await page.evaluate(
    `new Promise((done) => {
      let changes = 0;
      let most = 0;
      let frames = 0;
      const made = (node) => 1 + (node.querySelectorAll?.("*").length ?? 0);
      new MutationObserver((records) => {
        for (const { type, addedNodes } of records)
          changes += type === "childList" ? [...addedNodes].reduce((sum, node) => sum + made(node), 0) : 1;
      }).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
      requestAnimationFrame(function next() {
        most = Math.max(most, changes);
        changes = 0;
        frames += 1;
        if (frames < ${framesMeasured}) requestAnimationFrame(next);
        else done(most);
      });
    })`,
  );
  return most as number;
}

test.each(["#/clients", "#/overview", "#/events", "#/flows"])(
  "%s changes no more than it shows",
  async (hash) => {
    const { page, close } = await openPage(browser, `${engine.url}/`);
    await page.goto(`${engine.url}/${hash}`);
    await page.getByText("live", { exact: true }).waitFor();
    if (hash === "#/clients") {
      await page.getByText("10,000 clients").waitFor();
      expect(await page.getByRole("row").count()).toBeLessThan(60);
      expect(await page.getByRole("table").getAttribute("aria-rowcount")).toBe("10001");
    }
    const changes = await changesOfFrame(page);
    expect(changes).toBeGreaterThan(0);
    expect(changes).toBeLessThan(changesMost);
    await close();
  },
);

test("rows stay where the pointer is, and follow again when it has left", async () => {
  const { page, close } = await openPage(browser, `${engine.url}/`);
  await page.goto(`${engine.url}/#/clients?sort=-age`);
  const rows = page.locator("tbody a");
  await rows.first().waitFor();
  await rows.nth(3).hover();
  const before = (await rows.allTextContents()).slice(0, 10);
  await changesOfFrame(page);
  expect((await rows.allTextContents()).slice(0, 10)).toEqual(before);
  await page.getByText("held while you are on the rows").waitFor();
  await page.mouse.move(5, 5);
  await expect
    .poll(async () => (await rows.allTextContents()).slice(0, 10), { timeout: 20_000 })
    .not.toEqual(before);
  await page.getByText("held while you are on the rows").waitFor({ state: "detached" });
  await close();
});
