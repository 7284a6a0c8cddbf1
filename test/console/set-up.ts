/** Once before all tests: the console is built where its sources are newer, and a browser lies there whole. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { browserPath } from "./chromium.ts";

const sources = fileURLToPath(new URL("../../visualizations/console", import.meta.url));
const built = fileURLToPath(new URL("../../dist/console/index.html", import.meta.url));

export default async function setUp(): Promise<void> {
  const isStale = !existsSync(built) || newest(sources) > statSync(built).mtimeMs;
  if (isStale) {
    const { build } = await import("vite");
    await build({ configFile: join(sources, "vite.config.ts") });
  }
  await browserPath();
}

function newest(folder: string): number {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return Math.max(...entries.map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs));
}
