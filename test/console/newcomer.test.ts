/**
 * The first minute of somebody who has never seen it: the demo as a process of its own, the printed address, alarms
 * that become tickets, and for one that did and one that did not, why. What `npm start` runs when it has built.
 */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { start } from "../cli/command-line.ts";
import { startBrowser } from "./chromium.ts";
import { browserTestMsMax, expectAccessible, openPage, picture } from "./rig.ts";

vi.setConfig({ testTimeout: browserTestMsMax });

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
}, browserTestMsMax);
afterAll(() => browser.close());

test("a newcomer sees alarms become tickets, and learns of any of them why there is (no) ticket", async () => {
  const demo = start(["demo", "--port", "0", "--desk-port", "0"]);
  const [url = ""] = /http:\/\/[\d.:]+/.exec(await demo.line()) ?? [];
  const watched = await openPage(browser, `${url}/`);
  const { page } = watched;

  // 1. The printed address: the newest alarms, each with what became of it.
  const latest = page.locator(".latest tbody tr");
  await latest.filter({ hasText: "created" }).filter({ hasText: "No open ticket covers" }).first().waitFor();
  await page.getByText("Nothing abnormal.").waitFor();
  await picture(page, "newcomer-1-overview");

  // 2. One that made a ticket, from the list of all: they go on coming, so it is narrowed and paused first.
  await page.getByRole("link", { name: "all alarms" }).click();
  const rows = page.getByRole("table").getByRole("row");
  const filter = page.getByRole("searchbox", { name: "Filter the newest alarms" });
  await filter.fill("created");
  const made = rows.filter({ hasText: "No open ticket covers" }).first();
  await made.waitFor();
  await page.getByRole("button", { name: "Pause" }).click();
  await picture(page, "newcomer-2-alarms");
  await made.getByRole("link").click();
  await page.getByText(/^Ticket: alarm \d+\/raise made ticket TCK-\d+\.$/).waitFor();
  await page.locator(".sequence").waitFor();
  await picture(page, "newcomer-3-ticket");

  // 3. One that made none: the filter finds it, and its record says why.
  await page.goBack();
  await page.getByRole("button", { name: "Resume" }).click();
  await filter.fill("adopted");
  await rows.filter({ hasText: "is already open for" }).first().waitFor();
  const id =
    (await rows.filter({ hasText: "is already open for" }).first().getByRole("link").textContent()) ?? "";
  await rows.filter({ hasText: id }).first().getByRole("link", { name: id, exact: true }).click();
  await page.getByText(`No new ticket: alarm ${id} belongs to ticket`).waitFor();
  await picture(page, "newcomer-4-no-ticket");

  // 4. With the number of the alarm alone, as on a slip of paper: from any page.
  await page.goto(`${url}/#/clients`);
  const [number = ""] = id.split("/");
  await page.getByRole("searchbox", { name: /Find an alarm/ }).fill(number);
  await page.keyboard.press("Enter");
  await page
    .getByText(`alarm ${id}`)
    .or(page.getByRole("heading", { name: `Alarms of ${number}` }))
    .first()
    .waitFor();
  await expectAccessible(page);
  await picture(page, "newcomer-5-found");
  expect(watched.faults).toEqual([]);
  await watched.close();
  demo.child.kill("SIGTERM");
  await demo.ended;
});
