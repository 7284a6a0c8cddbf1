/** Edges with a defect planted in each, to see the fuzzer find it: `node planted.ts NAME [blind]` prints its report. */
import { fileURLToPath } from "node:url";
import { Coverage } from "./coverage.ts";
import type { Edge, Life } from "./edge.ts";
import { fuzz, heapGrowthBytesMax } from "./loop.ts";
import { Watchdog } from "./watchdog.ts";

const kept: Buffer[] = [];

/** Each is a step that only coverage sees. */
function locked(text: string): void {
  if (!text.includes("]]>")) return;
  if (!text.includes("NaN")) return;
  if (!text.includes("%zz")) return;
  if (text.includes("toString")) throw new Error("behind four doors");
}

const defects: Readonly<Record<string, (input: Buffer) => void>> = {
  none: () => undefined,
  crash(input) {
    if (input.includes("]]>")) throw new Error("met ]]>");
  },
  doors: (input) => locked(input.toString("latin1")),
  hang(input) {
    while (input.includes("\0"));
  },
  unheard(input) {
    if (input.includes("%zz")) void Promise.reject(new Error("nobody waits for this"));
  },
  pollution(input) {
    if (input.includes("__proto__")) Object.assign(Object.prototype, { isAdmin: true });
  },
  leak(input) {
    kept.push(Buffer.alloc(50_000, input.length));
  },
};

const [, , name = "", mode] = process.argv;
const run = defects[name];
if (run === undefined) throw new Error(`There is no defect ${name}.`);
const life: Life = {
  run(input) {
    run(input);
    return input.length % 2 === 0 ? "accepted" : "refused";
  },
};
const edge: Edge = {
  name,
  reads: "anything",
  sources: [],
  seeds: [Buffer.from("some words, and more")],
  open: () => life,
};
const watchdog = new Watchdog("repeat");
const coverage = mode === "blind" ? null : new Coverage([fileURLToPath(import.meta.url)]);
const { failed, executions, heapBytes } = await fuzz({
  edge,
  executions: 30_000,
  seed: "1",
  coverage,
  watchdog,
});
const leaks = heapBytes[1] - heapBytes[0] > heapGrowthBytesMax;
process.stdout.write(
  JSON.stringify({
    executions,
    leaks,
    message: failed?.message ?? null,
    input: failed?.input.toString("latin1") ?? null,
  }),
);
process.exit();
