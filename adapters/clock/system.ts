/** The machine's own time and randomness. */
import { randomUUID } from "node:crypto";
import type { Clock, Ids } from "../../actors/ports.ts";
import { limits } from "../../machines/limits.ts";

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  /** A longer wait than Node can count would be over at once. */
  setTimeout: (fn, ms) => setTimeout(fn, Math.min(ms, limits.timerMsMax)),
  clearTimeout: (id) => clearTimeout(id as NodeJS.Timeout),
};

export const systemIds: Ids = { uuid: () => randomUUID(), random: () => Math.random() };
