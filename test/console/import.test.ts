/** A Service Info Table that is not right: every fault by row and column, nothing changed, the bad rows to be mended. */
import { readFileSync } from "node:fs";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { startApi } from "../http/api/rig.ts";
import { startBrowser } from "./chromium.ts";
import { browserTestMsMax, expectAccessible, openPage, picture } from "./rig.ts";

vi.setConfig({ testTimeout: browserTestMsMax });

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
}, browserTestMsMax);
afterAll(() => browser.close());

test("three bad rows: the preview names row and column of each, nothing changes, the bad rows can be downloaded", async () => {
  const api = await startApi({ config: { clients: 1 } });
  const watched = await openPage(browser, `${api.engine.url}/`);
  const { page } = watched;
  await page.goto(`${api.engine.url}/#/clients/client-01/connection`);
  const csv = api.engine.supervisor.exportServices();
  const [header = "", good = ""] = csv.trim().split(/\r?\n/);
  const row = (name: string, column: string, value: string): string => {
    const cells = good.split(",");
    cells[0] = name;
    cells[header.split(",").indexOf(column)] = value;
    return cells.join(",");
  };
  const bad = [
    row("EAST", "port", "70000"),
    row("WEST", "idempotency", "sometimes"),
    row("Süd", "timeoutSeconds", "soon"),
  ];
  const [east = "", west = "", south = ""] = bad;
  const text = [header, good, east, row("NORTH", "notes", "fine"), west, south].join("\r\n");
  // As a spreadsheet on Windows saves it: the engine reads the file's own encoding, and so must the bad rows be.
  const bytes = Buffer.from(`\uFEFF${text}\r\n`, "utf16le");

  await page.getByRole("button", { name: "Import CSV" }).click();
  const dialog = page.getByRole("dialog");
  await dialog
    .getByLabel("Pick a CSV file")
    .setInputFiles({ name: "services.csv", mimeType: "text/csv", buffer: bytes });
  const faults = dialog.getByRole("region", { name: "Errors" });
  await faults.waitFor();
  const cells = await faults
    .locator("tbody tr")
    .evaluateAll((rows) =>
      rows.map((one) => [...one.querySelectorAll("td")].map(({ textContent }) => textContent)),
    );
  expect(cells.map(([line, column, , got]) => [line, column, got])).toEqual([
    ["3", "port", "70000"],
    ["5", "idempotency", "sometimes"],
    ["6", "timeoutSeconds", "soon"],
  ]);
  for (const [, , expected] of cells) expect(expected).not.toBe("");
  expect(await dialog.getByRole("button", { name: "Import", exact: true }).isDisabled()).toBe(true);
  await expectAccessible(page);
  await picture(page, "import-three-bad");

  const coming = page.waitForEvent("download");
  await dialog.getByRole("button", { name: "Download the bad rows" }).click();
  expect(readFileSync(await (await coming).path(), "utf8")).toBe([header, ...bad].join("\r\n"));

  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  expect(api.engine.supervisor.exportServices()).toBe(csv);
  expect(await page.getByRole("region", { name: "Services known" }).getByRole("row").count()).toBe(2);
  const { acts } = (await api.ask<{ acts: { action: string }[] }>("GET", "/api/audit")).body;
  expect(acts.filter(({ action }) => action === "services.imported")).toEqual([]);
  // The refusal is a 422, which a browser reports as it does every one.
  expect(watched.faults.filter((fault) => !fault.includes("422"))).toEqual([]);
  await watched.close();
});
