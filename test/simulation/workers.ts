/** Hands the seeds of a run to processes, a few at a time, and gives back their reports in the order of the seeds. */
import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { runSeeds, type Modes, type SeedOrder, type SeedReport } from "./seed-run.ts";

/** Small: a run that is cut off simulates again what was under way. */
const seedsAnOrder = 20;
/** So many orders a worker has, so that none waits while another is slow. */
const ordersAWorker = 3;

export interface Run {
  readonly from: number;
  readonly seeds: number;
  readonly modes: Modes;
  /** 1: this process and no other. */
  readonly workers: number;
  readonly tell?: (line: string) => void;
}

/** Reports in the order of the seeds, none left out. Throws when a worker dies. */
export async function* reports(run: Run): AsyncGenerator<SeedReport> {
  if (run.workers === 1) {
    for (const order of ordersOf(run)) yield await runSeeds(order, run.tell);
    return;
  }
  const workers = Array.from({ length: run.workers }, () => new Worker());
  const awaited: Promise<SeedReport>[] = [];
  let turn = 0;
  try {
    for (const order of ordersOf(run)) {
      if (awaited.length === workers.length * ordersAWorker)
        yield await (awaited.shift() as (typeof awaited)[0]);
      awaited.push((workers[turn % workers.length] as Worker).report(order));
      turn += 1;
    }
    for (const report of awaited) yield await report;
  } finally {
    for (const one of workers) one.end();
  }
}

class Worker {
  readonly #process: ChildProcess;
  readonly #asked: {
    readonly resolve: (report: SeedReport) => void;
    readonly reject: (error: Error) => void;
  }[] = [];

  constructor() {
    this.#process = fork(fileURLToPath(new URL("worker.ts", import.meta.url)));
    this.#process.on("message", (report: SeedReport) => this.#asked.shift()?.resolve(report));
    this.#process.on("exit", (code, signal) => {
      for (const one of this.#asked.splice(0)) one.reject(new Error(`A worker died (${signal ?? code}).`));
    });
  }

  report(order: SeedOrder): Promise<SeedReport> {
    const report = new Promise<SeedReport>((resolve, reject) => this.#asked.push({ resolve, reject }));
    // Whoever awaits it learns of a death; nobody may have come to it by then.
    report.catch(() => undefined);
    this.#process.send(order);
    return report;
  }

  end(): void {
    this.#process.kill();
  }
}

function* ordersOf({ from, seeds, modes }: Run): Generator<SeedOrder> {
  for (let at = from; at < from + seeds; at += seedsAnOrder)
    yield { from: at, seeds: Math.min(seedsAnOrder, from + seeds - at), modes };
}
