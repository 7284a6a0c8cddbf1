/** A page of a real engine in a real browser; what it must never do is remembered. */
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import axe from "axe-core";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { expect } from "vitest";

/** Of one step, on a machine that runs the other tests too. */
const waitMsMax = 25_000;
/** Of a test with all its steps. */
export const browserTestMsMax = 120_000;

export interface Watched {
  readonly page: Page;
  /** Violations of the policy, errors of scripts and of the console; should stay empty. */
  readonly faults: readonly string[];
  readonly close: () => Promise<void>;
}

export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Watched> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  context.setDefaultTimeout(waitMsMax);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(`script: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith("blob:"))
      faults.push(`elsewhere: ${request.url()}`);
  });
  await page.goto(url);
  return { page, faults, close: () => context.close() };
}

/** What axe-core finds wrong with the page as it is, in words. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  if ((await page.evaluate("typeof axe")) === "undefined") await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { readonly axe: typeof axe }).axe.run();
    return violations.flatMap(({ id, help, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id} (${help}): ${target.join(" ")} ${failureSummary}`),
    );
  });
}

export async function expectAccessible(page: Page): Promise<void> {
  expect(await accessibilityFaults(page)).toEqual([]);
}

/** For people: `CONSOLE_SCREENSHOTS=1` leaves pictures in the temporary folder. */
export async function picture(page: Page, name: string): Promise<void> {
  if (process.env["CONSOLE_SCREENSHOTS"] === undefined) return;
  await page.screenshot({ path: join(tmpdir(), `console-${name}.png`) });
}

/** What "Export" of the events saves: positions, as they stand in the file. */
export async function exportedPositions(page: Page): Promise<number[]> {
  const coming = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export", exact: true }).click();
  return readFileSync(await (await coming).path(), "utf8")
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { data: { position: number } }).data.position);
}
