/** Two charts of the last ten minutes, as SVG: nothing moves but what is new. */
import type { ComponentChildren } from "preact";
import { bounds } from "../model/bounds.ts";
import type { Bucket, Series } from "../model/series.ts";
import { countText, durationText } from "../model/text.ts";

const width = 600;
const height = 150;
const left = 46;
const bottom = 20;
const right = 46;

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

function placeOf(second: number, last: number): number {
  const span = bounds.bucketSeconds * bounds.bucketsMax;
  return left + ((second - (last - span)) / span) * (width - left - right);
}

/** The next of 1, 2, 5, 10, 20 … */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= value) ?? value;
}

function heightOf(value: number, most: number): number {
  return (value / most) * (height - bottom - 6);
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
  const last = lastSecond(series, now);
  const totals = series.map((bucket) =>
    groups.reduce((sum, { outcomes }) => sum + groupCount(bucket, outcomes), 0),
  );
  const most = roundUp(Math.max(1, ...totals));
  const barWidth = ((width - left - right) / bounds.bucketsMax) * 0.85;
  const said = groups.map(
    ({ title, outcomes }) =>
      `${title}: ${series.reduce((sum, bucket) => sum + groupCount(bucket, outcomes), 0)}`,
  );
  return (
    <>
      <Chart label={`Alarms settled in the last ten minutes. ${said.join("; ")}.`} most={countText(most)}>
        {series.map((bucket) => {
          let base = height - bottom;
          return groups.map(({ name, outcomes }) => {
            const tall = heightOf(groupCount(bucket, outcomes), most);
            base -= tall;
            const x = placeOf(bucket.second, last) - barWidth;
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
  const last = lastSecond(series, now);
  const mostWaiting = roundUp(Math.max(1, ...series.map(({ waiting }) => waiting ?? 0)));
  const timed = series.filter(({ requests }) => requests > 0);
  const mean = ({ requests, requestMs }: Bucket): number => requestMs / requests;
  const mostMs = roundUp(Math.max(10, ...timed.map(mean)));
  const line = (points: readonly (readonly [number, number])[]): string =>
    points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
  const waiting = series
    .filter((bucket) => bucket.waiting !== null)
    .map(
      (bucket) =>
        [placeOf(bucket.second, last), height - bottom - heightOf(bucket.waiting ?? 0, mostWaiting)] as const,
    );
  const latency = timed.map(
    (bucket) => [placeOf(bucket.second, last), height - bottom - heightOf(mean(bucket), mostMs)] as const,
  );
  const newest = timed.at(-1);
  return (
    <>
      <Chart
        label={`Keys in line now: ${series.findLast((bucket) => bucket.waiting !== null)?.waiting ?? 0}. Mean time of a request: ${newest === undefined ? "none yet" : durationText(mean(newest))}.`}
        most={countText(mostWaiting)}
        mostRight={durationText(mostMs)}
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
  readonly children: ComponentChildren;
}) {
  return (
    <svg class="chart" viewBox={`0 0 ${width} ${height}`} role="img" aria-label={props.label}>
      <line class="axis" x1={left} x2={width - right} y1={height - bottom} y2={height - bottom} />
      <line class="axis faint" x1={left} x2={width - right} y1={6} y2={6} />
      <text x={left - 6} y={11} text-anchor="end">
        {props.most}
      </text>
      <text x={left - 6} y={height - bottom + 4} text-anchor="end">
        0
      </text>
      {props.mostRight !== undefined && (
        <text x={width - right + 6} y={11}>
          {props.mostRight}
        </text>
      )}
      <text x={left} y={height - 4}>
        10 min ago
      </text>
      <text x={width - right} y={height - 4} text-anchor="end">
        now
      </text>
      {props.children}
    </svg>
  );
}
