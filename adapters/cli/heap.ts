/** How the process of an engine uses memory: it stands beside other programs for months, and is to stay small. */
import { setFlagsFromString } from "node:v8";

const engines = new Set(["serve", "demo"]);

/**
 * Before the rest of the program is loaded, for that is enough for V8 to take 32 MB for objects that die young.
 *
 * V8 trades memory for time: after a burst it has 128 MB for objects that die young, and three times what lives for the
 * others. An engine gives the young ones 4 MB and collects the others when they have grown by 30 %: half of the memory
 * for a tenth more of the time. Holds for every thread of the process.
 */
export function keepHeapSmall(command: string | undefined): void {
  if (!engines.has(command ?? "")) return;
  setFlagsFromString("--semi-space-growth-factor=1");
  setFlagsFromString("--heap-growing-percent=30");
}
