/**
 * The browser of the tests: `CHROME_PATH`, else the system's Chromium, else the one that a development dependency
 * brings along, unpacked into the temporary folder.
 */
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The first call may unpack: it must not be made by two processes at once. */
export async function browserPath(): Promise<string> {
  const named = process.env["CHROME_PATH"] ?? "/usr/bin/chromium";
  if (existsSync(named)) return named;
  // Has the package bring the NSS libraries too, and tell the loader where they are.
  process.env["AWS_EXECUTION_ENV"] ??= "AWS_Lambda_nodejs24.x";
  const { default: packaged } = await import("@sparticuz/chromium");
  return packaged.executablePath();
}

export async function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: await browserPath(), args: flags });
}
