import { fork } from "node:child_process";
import type { FiguresOf, LoadOf, MeasurementName } from "./measurements.ts";

/** Measures in a process of its own, with the Node options of this one. Rejects when that process fails. */
export function inOwnProcess<N extends MeasurementName>(name: N, load: LoadOf<N>): Promise<FiguresOf<N>> {
  return new Promise((resolve, reject) => {
    const child = fork(new URL("measured-process.ts", import.meta.url), [name, JSON.stringify(load)]);
    let figures: FiguresOf<N> | null = null;
    child.once("message", (message) => (figures = message as FiguresOf<N>));
    child.once("error", reject);
    // Only then is it gone, and takes no processor time from the next one.
    child.once("exit", (code) => {
      if (figures === null || code !== 0) reject(new Error(`${name} ended with code ${code}.`));
      else resolve(figures);
    });
  });
}
