import { fork } from "node:child_process";
import type { FiguresOf, LoadOf, MeasurementName } from "./measurements.ts";

/** Measures in a process of its own, with the Node options of this one. Rejects when that process fails. */
export function inOwnProcess<N extends MeasurementName>(name: N, load: LoadOf<N>): Promise<FiguresOf<N>> {
  return new Promise((resolve, reject) => {
    const child = fork(new URL("measured-process.ts", import.meta.url), [name, JSON.stringify(load)]);
    child.once("message", (figures) => {
      child.once("exit", () => resolve(figures as FiguresOf<N>));
    });
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${name} ended with code ${code} and no figures.`)));
  });
}
