#!/usr/bin/env node
/** The command line: what must come before the rest is loaded, then the command; the process ends with its code. */
import { useCodeCache } from "./code-cache.ts";
import { keepHeapSmall } from "./heap.ts";

const words = process.argv.slice(2);
keepHeapSmall(words[0]);
useCodeCache();
const { run } = await import("./run.ts");
process.exit(await run(words));
