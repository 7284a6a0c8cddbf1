/** What the charts show: settled alarms by outcome, and how long flows took, in steps of a few seconds. */
import { bounds } from "./bounds.ts";
import type { FeedFact } from "./feed.ts";

export interface Bucket {
  /** Seconds since 1970, a multiple of `bucketSeconds`. */
  readonly second: number;
  readonly outcomes: Record<string, number>;
  requests: number;
  requestMs: number;
  requestMsMax: number;
  /** Keys in line, as last asked for; null: nobody asked. */
  waiting: number | null;
}

/** Oldest first; steps without anything are not there. */
export type Series = Bucket[];

function bucketAt(series: Series, at: number): Bucket {
  const second = Math.floor(at / 1_000 / bounds.bucketSeconds) * bounds.bucketSeconds;
  const last = series.at(-1);
  if (last !== undefined && last.second >= second)
    return series.find((bucket) => bucket.second === second) ?? last;
  const bucket = { second, outcomes: {}, requests: 0, requestMs: 0, requestMsMax: 0, waiting: null };
  series.push(bucket);
  while ((series[0]?.second ?? second) <= second - bounds.bucketSeconds * bounds.bucketsMax) series.shift();
  return bucket;
}

export function takeSeriesFact(series: Series, fact: FeedFact): void {
  if (fact.type === "ticketclient.alarm.settled") {
    const { outcomes } = bucketAt(series, Date.parse(fact.time));
    outcomes[fact.data.outcome] = (outcomes[fact.data.outcome] ?? 0) + 1;
  } else if (fact.type === "ticketclient.response.row") {
    const { durationMs } = fact.data.row;
    if (durationMs === null || durationMs === undefined) return;
    const bucket = bucketAt(series, Date.parse(fact.time));
    bucket.requests += 1;
    bucket.requestMs += durationMs;
    bucket.requestMsMax = Math.max(bucket.requestMsMax, durationMs);
  }
}

export function takeWaiting(series: Series, waiting: number, at: number): void {
  bucketAt(series, at).waiting = waiting;
}
