/** Two charts of the last minutes, at most ten, as SVG: nothing moves but what is new. */
import type { ComponentChildren } from "preact";
import { bounds } from "../model/bounds.ts";
import type { Bucket, Series } from "../model/series.ts";
import { countText, durationText } from "../model/text.ts";

/** Of the drawing, which is stretched to the place there is; words stand beside it, as they are. */
const width = 600;
const height = 130;

interface ChartProps {
  readonly series: Series;
  readonly now: number;
}

/** Right edge of the charts, in seconds. */
function lastSecond(series: Series, now: number): number {
  return Math.max(
    series.at(-1)?.second ?? 0,
    Math.floor(now / 1_000 / bounds.bucketSeconds) * bounds.bucketSeconds,
  );
}

/** Minutes shown: as many of these as there is something in, so that a young page is not an empty one. */
const spans = [2, 5, 10] as const;

interface Axis {
  readonly minutes: number;
  /** A bucket's left edge, in the drawing. */
  readonly place: (second: number) => number;
  readonly bucketWidth: number;
}

function axisOf(series: Series, now: number): Axis {
  const end = lastSecond(series, now) + bounds.bucketSeconds;
  const known = end - (series[0]?.second ?? end);
  const minutes = spans.find((one) => one * 60 >= known) ?? bounds.bucketsMax;
  const seconds = Math.min(minutes * 60, bounds.bucketSeconds * bounds.bucketsMax);
  return {
    minutes: seconds / 60,
    place: (second) => ((second - (end - seconds)) / seconds) * width,
    bucketWidth: (bounds.bucketSeconds / seconds) * width,
  };
}

/** The next of 1, 2, 5, 10, 20 … */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= value) ?? value;
}

function heightOf(value: number, most: number): number {
  return (value / most) * (height - 4);
}

/** Outcomes in one order, so that each keeps its shade; what went wrong stands on top. */
const groups: readonly {
  readonly name: string;
  readonly title: string;
  readonly outcomes: readonly string[];
}[] = [
  { name: "made", title: "ticket made or changed", outcomes: ["created", "updated", "reopened", "closed"] },
  { name: "none", title: "nothing to do", outcomes: ["adopted", "stopped", "coalesced", "aborted"] },
  { name: "wrong", title: "went wrong", outcomes: ["rejected", "failed", "unknown"] },
];

function groupCount(bucket: Bucket, outcomes: readonly string[]): number {
  return outcomes.reduce((sum, outcome) => sum + (bucket.outcomes[outcome] ?? 0), 0);
}

export function OutcomeChart({ series, now }: ChartProps) {
  const axis = axisOf(series, now);
  const totals = series.map((bucket) =>
    groups.reduce((sum, { outcomes }) => sum + groupCount(bucket, outcomes), 0),
  );
  const most = roundUp(Math.max(1, ...totals));
  const barWidth = axis.bucketWidth * 0.85;
  const said = groups.map(
    ({ title, outcomes }) =>
      `${title}: ${series.reduce((sum, bucket) => sum + groupCount(bucket, outcomes), 0)}`,
  );
  return (
    <>
      <Chart
        label={`Alarms settled in the last ${axis.minutes} minutes. ${said.join("; ")}.`}
        most={countText(most)}
        minutes={axis.minutes}
      >
        {series.map((bucket) => {
          let base = height;
          return groups.map(({ name, outcomes }) => {
            const tall = heightOf(groupCount(bucket, outcomes), most);
            base -= tall;
            const x = axis.place(bucket.second);
            return tall === 0 ? null : (
              <rect
                key={`${bucket.second}${name}`}
                class={`bar-${name}`}
                x={x}
                y={base}
                width={barWidth}
                height={tall}
              />
            );
          });
        })}
      </Chart>
      <p class="legend">
        {groups.map(({ name, title }) => (
          <span key={name} class={`key-${name}`}>
            {title}
          </span>
        ))}
        <span>per {bounds.bucketSeconds} s</span>
      </p>
    </>
  );
}

export function LatencyChart({ series, now }: ChartProps) {
  const axis = axisOf(series, now);
  const middle = ({ second }: Bucket): number => axis.place(second) + axis.bucketWidth / 2;
  const mostWaiting = roundUp(Math.max(1, ...series.map(({ waiting }) => waiting ?? 0)));
  const timed = series.filter(({ requests }) => requests > 0);
  const mean = ({ requests, requestMs }: Bucket): number => requestMs / requests;
  const mostMs = roundUp(Math.max(10, ...timed.map(mean)));
  const line = (points: readonly (readonly [number, number])[]): string =>
    points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
  const waiting = series
    .filter((bucket) => bucket.waiting !== null)
    .map((bucket) => [middle(bucket), height - heightOf(bucket.waiting ?? 0, mostWaiting)] as const);
  const latency = timed.map((bucket) => [middle(bucket), height - heightOf(mean(bucket), mostMs)] as const);
  const newest = timed.at(-1);
  return (
    <>
      <Chart
        label={`Keys in line now: ${series.findLast((bucket) => bucket.waiting !== null)?.waiting ?? 0}. Mean time of a request: ${newest === undefined ? "none yet" : durationText(mean(newest))}.`}
        most={countText(mostWaiting)}
        mostRight={durationText(mostMs)}
        minutes={axis.minutes}
      >
        <polyline class="line-waiting" points={line(waiting)} />
        <polyline class="line-latency" points={line(latency)} />
      </Chart>
      <p class="legend">
        <span class="key-waiting">keys in line (left)</span>
        <span class="key-latency">mean time of a request (right)</span>
      </p>
    </>
  );
}

function Chart(props: {
  readonly label: string;
  readonly most: string;
  readonly mostRight?: string;
  readonly minutes: number;
  readonly children: ComponentChildren;
}) {
  return (
    <div class="chart" role="img" aria-label={props.label}>
      <span class="left">
        <span>{props.most}</span>
        <span>0</span>
      </span>
      <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
        {props.children}
      </svg>
      <span>{props.mostRight}</span>
      <span class="below">
        <span>{props.minutes} min ago</span>
        <span>now</span>
      </span>
    </div>
  );
}
