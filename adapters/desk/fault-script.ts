/**
 * The desk's fault script: what goes wrong, for which requests, how often.
 * Source: wire.md, "Desk".
 */
import { z } from "zod";
import { fail, ok, type Result } from "../../machines/failure.ts";
import type { Command } from "../../machines/vocabulary.ts";

const faultNames = [
  "refuse",
  "nack",
  "reset-before",
  "reset-after",
  "silent",
  "slow",
  "apply-late",
  "search-lag",
  "echo",
  "html",
  "truncate",
  "async-early",
  "async-twice",
  "async-never",
  "async-late",
  "async-error",
] as const;
type FaultName = (typeof faultNames)[number];

/** How often each happened. */
export type FaultCounts = { [Name in FaultName]?: number };

export interface FaultRule {
  /** Which requests: by command, by client reference (`key`); {} = all. */
  readonly match: { readonly command?: Command | undefined; readonly key?: string | undefined };
  readonly fault: FaultName;
  /** Only the n-th, 2n-th … matching request. Default 1. */
  readonly every?: number | undefined;
  /** At most so many times. Default: without end. */
  readonly times?: number | undefined;
  /** Delay of `slow`, `apply-late`, `search-lag`, `async-late`; Retry-After of `refuse`. */
  readonly seconds?: number | undefined;
  /** Of `nack`. Default BUSY. */
  readonly code?: string | undefined;
}

/** Longest script: a rule is looked at for every request. */
const rulesMax = 100;

const script = z
  .array(
    z.strictObject({
      match: z.strictObject({
        command: z.enum(["search", "create", "update", "close", "editNinasCounters"]).optional(),
        key: z.string().min(1).max(1_024).optional(),
      }),
      fault: z.enum(faultNames),
      every: z.int().min(1).optional(),
      times: z.int().min(1).optional(),
      seconds: z.number().min(0).max(86_400).optional(),
      code: z.string().min(1).max(64).optional(),
    }),
  )
  .max(rulesMax);

/** JSON text of a list of rules. Failure code CONFIGURATION_INVALID, naming rule and field. */
export function parseFaultScript(text: string): Result<FaultRule[]> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    const detail = error instanceof Error ? error.message : "unreadable";
    return fail("CONFIGURATION_INVALID", `the fault script is not JSON: ${detail}`);
  }
  const read = script.safeParse(json);
  if (read.success) return ok(read.data);
  const wrong = read.error.issues.map(({ path: [index, ...field], message }) =>
    index === undefined
      ? `the whole: ${message}`
      : `rule ${String(index)}${field.length > 0 ? `, "${field.join(".")}"` : ""}: ${message}`,
  );
  return fail("CONFIGURATION_INVALID", `the fault script is wrong: ${wrong.join("; ")}`);
}

/** Counts matches; every rule counts every request it matches, the first that is due fires. */
export function createFaultPicker(
  rules: readonly FaultRule[],
): (command: Command, key: string | undefined) => FaultRule | undefined {
  const counts = rules.map((rule) => ({ rule, matched: 0, fired: 0 }));
  return (command, key) => {
    let chosen: FaultRule | undefined;
    for (const count of counts) {
      const { match, every = 1, times = Number.POSITIVE_INFINITY } = count.rule;
      if (match.command !== undefined && match.command !== command) continue;
      if (match.key !== undefined && match.key !== key) continue;
      count.matched += 1;
      if (chosen !== undefined || count.matched % every !== 0 || count.fired >= times) continue;
      count.fired += 1;
      chosen = count.rule;
    }
    return chosen;
  };
}
