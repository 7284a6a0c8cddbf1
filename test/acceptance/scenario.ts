/** What the scenarios share: their settings, and the figures that every one of them ends with. */
import { createdTwice, openedBeside, stats, truth, type House, type Stats, type Truth } from "./house.ts";
import { wholeExpected, wholeRows, type Recording } from "./recording.ts";
import type { Report } from "./report.ts";

export interface Settings {
  /** Folder of everything a run writes. */
  readonly scratch: string;
  /** Of the recording; null = what the scenario needs. */
  readonly rows: number | null;
  /** Cuts or kills. */
  readonly moments: number;
  /** Ticket Clients; null = what the scenario needs. `counts` runs once with each. */
  readonly clients: readonly number[] | null;
  /** Unanswered alarms of the sender at most; null = what the scenario needs. */
  readonly inFlight: number | null;
  readonly outageSeconds: number;
}

export type Scenario = (settings: Settings, report: Report) => Promise<void>;

export interface End {
  readonly stats: Stats;
  readonly truth: Truth;
}

/** Ledger and desk at the end, where nothing may be missing or twice. */
export async function checkEnd(
  what: string,
  house: House,
  { rows, expected }: Recording,
  report: Report,
): Promise<End> {
  if (rows === wholeRows) report.check("the model of the whole recording", expected, wholeExpected);
  const seen = await stats(house);
  const desk = await truth(house);
  const { accepted, settled, outcomes } = seen;
  report.check(`${what}: accepted, settled`, [accepted, settled], [expected.accepted, expected.accepted]);
  report.check(`${what}: outcomes`, outcomes, expected.outcomes);
  const { tickets, open } = desk;
  report.check(
    `${what}: desk's tickets, open`,
    [tickets, open],
    [expected.outcomes["created"], expected.open],
  );
  checkNoneTwice(what, house, desk, report);
  return { stats: seen, truth: desk };
}

/** T1 */
export function checkNoneTwice(
  what: string,
  house: House,
  { duplicateOpen }: Pick<Truth, "duplicateOpen">,
  report: Report,
): void {
  report.check(
    `${what}: tickets twice open now, opened beside another of their key, requests that made two`,
    [duplicateOpen, openedBeside(house), createdTwice(house)],
    [0, 0, 0],
  );
}

/** The n-th of `moments` cuts of `whole`, none of them at its ends. */
export function momentOf(n: number, moments: number, whole: number): number {
  return Math.floor((whole * n) / (moments + 1));
}

export function percent(part: number, whole: number): string {
  return `${((100 * part) / whole).toFixed(1)} %`;
}
