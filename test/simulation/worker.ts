/** A process of a run with `--workers`: takes orders, one after the other, until its parent ends it. */
import { runSeeds, type SeedOrder } from "./seed-run.ts";

let before = Promise.resolve();

process.on("message", (order: SeedOrder) => {
  before = before.then(async () => void process.send?.(await runSeeds(order)));
});
