/**
 * The console's page in a real browser, in a process of its own: the browser's work and its driver's fall on nobody's
 * measurement. Its parent sends orders, one at a time, and gets an answer to each.
 */
import type { BrowserContext, Page } from "playwright-core";
import { startBrowser } from "../console/chromium.ts";

export type PageOrder =
  /** A page that was never here before: no cache, no connection. Answer: when its first row of clients was on the screen. */
  | { readonly kind: "open"; readonly url: string }
  /** Answer: what lay between the frames drawn, for so long. */
  | { readonly kind: "frames"; readonly seconds: number }
  /** Answer: what the page has heard of the engine. */
  | { readonly kind: "heard" }
  | { readonly kind: "close" };

export interface PageOpened {
  /** From the navigation to the frame that shows the first row; null: a page without rows. */
  readonly firstRowsMs: number | null;
}

export interface PageFrames {
  readonly frames: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly longestMs: number;
}

export interface PageHeard {
  /** The status line: settled alarms and those under way. */
  readonly status: string;
}

const waitMsMax = 60_000;

const browser = await startBrowser();
let context: BrowserContext | null = null;
let page: Page | null = null;

process.on("message", (order: PageOrder) => {
  void obey(order).then((answer) => process.send?.(answer));
});
process.on("disconnect", () => void browser.close());
process.send?.("ready");

async function obey(order: PageOrder): Promise<unknown> {
  switch (order.kind) {
    case "open":
      return open(order.url);
    case "frames":
      return frames(order.seconds);
    case "heard":
      return { status: (await page?.locator(".status").textContent()) ?? "" } satisfies PageHeard;
    case "close":
      await context?.close();
      context = null;
      page = null;
      return "closed";
  }
}

async function open(url: string): Promise<PageOpened> {
  await context?.close();
  context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  page = await context.newPage();
  page.setDefaultTimeout(waitMsMax);
  // Before any script of the page: the clock is the navigation's own.
  await page.addInitScript(lookForRows);
  if (!url.includes("#/clients")) {
    await page.goto(url);
    return { firstRowsMs: null };
  }
  // The page says it by itself: a question would be a script in the midst of what is measured.
  const [said] = await Promise.all([
    page.waitForEvent("console", (message) => message.text().startsWith(rowsSaid)),
    page.goto(url),
  ]);
  return { firstRowsMs: Number(said.text().slice(rowsSaid.length)) };
}

/** Once the row is in the document it is on the screen with the frame that is drawn next. */
const rowsSaid = "first rows, ms: ";
const lookForRows = `requestAnimationFrame(function look() {
  if (document.querySelector('tbody a[href^="#/clients/"]') === null) requestAnimationFrame(look);
  else requestAnimationFrame(() => console.info("${rowsSaid}" + performance.now()));
});`;

/** Milliseconds between frames, as many as fit. */
const framesFor = (ms: number): string => `new Promise((done) => {
  const between = [];
  let before = performance.now();
  const endAt = before + ${ms};
  requestAnimationFrame(function next(at) {
    between.push(at - before);
    before = at;
    if (at < endAt) requestAnimationFrame(next);
    else done(between);
  });
})`;

async function frames(seconds: number): Promise<PageFrames> {
  const taken = (await page?.evaluate(framesFor(seconds * 1_000))) as number[] | undefined;
  const sorted = (taken ?? []).toSorted((one, other) => one - other);
  const share = (part: number): number => sorted[Math.floor(sorted.length * part)] ?? Number.NaN;
  return {
    frames: sorted.length,
    p50Ms: share(0.5),
    p95Ms: share(0.95),
    longestMs: sorted.at(-1) ?? Number.NaN,
  };
}
