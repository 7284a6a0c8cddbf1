/** The machine's own time and randomness. */
import { randomUUID } from "node:crypto";
import type { Clock, Ids } from "../../actors/ports.ts";

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimeout: (fn, ms) => setTimeout(fn, ms),
  clearTimeout: (id) => clearTimeout(id as NodeJS.Timeout),
};

export const systemIds: Ids = { uuid: () => randomUUID(), random: () => Math.random() };
