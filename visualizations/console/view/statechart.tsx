/** The client's statechart with the state it is in lit, the same as an outline, and what it went through. */
import chart from "virtual:ticket-client-chart";
import { ask } from "../live.ts";
import { type Client, sinceOf, type Step } from "../model/clients.ts";
import type { ClientCondition } from "../model/feed.ts";
import { countOf } from "../model/text.ts";
import { Age, Facts, Guid, Link, Section, StateMark, Time } from "./parts.tsx";

type Arrow = (typeof chart)["arrows"][number];

/** From where to where each fact leads; from null: from where the client was. */
const ways: Readonly<Record<string, readonly [from: ClientCondition | null, to: ClientCondition]>> = {
  "client.locked": ["idle", "locked"],
  "flow.started": ["locked", "searching"],
  "response.row": ["searching", "locked"],
  "request.planned": ["locked", "forwarding"],
  "request.answered": ["forwarding", "locked"],
  "flow.ended": ["locked", "closing"],
  "client.unlocked": ["closing", "idle"],
  "client.lockExpired": ["closing", "idle"],
  "client.lockForced": [null, "idle"],
  "client.notBusyForced": [null, "locked"],
  "ledger.opened": [null, "idle"],
};

interface Moment {
  readonly state: ClientCondition;
  /** Where it came from; null: not seen. */
  readonly before: ClientCondition | null;
  readonly step: Step | null;
}

/** `step` null: now. States that the feed coalesced say where a client is, not how it came there: facts do. */
function momentOf({ steps, view }: Client, step: Step | null): Moment {
  const index =
    step === null ? steps.findLastIndex(({ state }) => state === view.state) : steps.indexOf(step);
  const entered = steps[index];
  const earlier = steps[index - 1]?.state ?? null;
  return {
    state: entered?.state ?? view.state,
    before: entered === undefined ? null : (ways[entered.by]?.[0] ?? earlier),
    step,
  };
}

/** `at`: position of the fact looked at; empty = now. */
export function Statechart({ client, at }: { readonly client: Client; readonly at: string }) {
  const { steps } = client;
  // What was looked at may have left the history: then its oldest step.
  const looked = at === "" ? null : (steps.find(({ position }) => position >= Number(at)) ?? null);
  const { state, before, step } = momentOf(client, looked);
  const was = before === null || before === state ? "" : `; it was ${before} before`;
  return (
    <div class="columns two chart-columns">
      <Section title="Statechart">
        <Slider steps={steps} looked={looked} />
        <Facts
          isAbreast
          rows={
            step === null
              ? [
                  ["Shown", "now"],
                  ["In this state for", <Age since={sinceOf(client)} />],
                  ["Client Processing Data", client.view.processingData],
                ]
              : [
                  ["Shown", <Time at={step.at} />],
                  [
                    "By",
                    <Link to={{ page: "events" }} query={{ text: step.lockGuid ?? step.by }}>
                      {step.by}
                    </Link>,
                  ],
                  ["Key", step.key],
                  ["Lock GUID", <Guid guid={step.lockGuid} />],
                ]
          }
        />
        <Drawing state={state} before={before} label={`${client.clientId} is ${state}${was}.`} />
        {!chart.boxes.some((box) => box.state === state) && (
          <p>
            <StateMark state={state} />: the client has no actor now.
          </p>
        )}
      </Section>
      <Section title="Outline">
        <ul class="outline" aria-label="States">
          {chart.boxes.map((box) => (
            <li key={box.state} aria-current={box.state === state ? "true" : undefined}>
              <StateMark state={box.state as ClientCondition} />
              <ul>
                {chart.arrows
                  .filter(({ from, to }) => from === box.state && to !== box.state)
                  .map((arrow) => (
                    <li key={arrow.to} class={arrow.to === state && arrow.from === before ? "last" : ""}>
                      to {arrow.to}: {wordsOf(arrow)}
                    </li>
                  ))}
              </ul>
            </li>
          ))}
        </ul>
      </Section>
    </div>
  );
}

function wordsOf({ label }: Arrow): string {
  return label?.lines.map(({ text }) => text.trim()).join(" ") ?? "";
}

interface DrawingProps {
  readonly state: string;
  readonly before: string | null;
  readonly label: string;
}

function Drawing({ state, before, label }: DrawingProps) {
  const { width, height, boxes, notes, dots, arrows } = chart;
  const last = arrows.find(({ from, to }) => from === before && to === state);
  return (
    <svg class="statechart" viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
      {arrows.map((arrow) => (
        <Line key={`${arrow.from} ${arrow.to}`} arrow={arrow} isLast={false} />
      ))}
      {arrows.map((arrow) => (
        <Label key={`${arrow.from} ${arrow.to}`} arrow={arrow} isLast={arrow === last} />
      ))}
      {last !== undefined && (
        <>
          <Line arrow={last} isLast />
          <Label arrow={last} isLast />
        </>
      )}
      {dots.map(({ center, radius }) => (
        <circle key={center.x} class="tip" cx={center.x} cy={center.y} r={radius} />
      ))}
      {boxes.map((box) => (
        <g key={box.state} class="box" data-state={box.state} data-lit={box.state === state}>
          <rect {...placeOf(box)} rx={9} />
          <Lines lines={box.lines} />
        </g>
      ))}
      {notes.map((note) => (
        <g key={note.x} class="note">
          <rect {...placeOf(note)} />
          <Lines lines={note.lines} />
        </g>
      ))}
    </svg>
  );
}

interface ArrowProps {
  readonly arrow: Arrow;
  /** The transition taken last: drawn once more, over the others. */
  readonly isLast: boolean;
}

function Line({ arrow, isLast }: ArrowProps) {
  return (
    <g class={isLast ? "arrow last" : "arrow"} data-from={arrow.from} data-to={arrow.to}>
      <path d={lineOf(arrow)} />
      <path class="tip" d={tipOf(arrow)} />
    </g>
  );
}

function Label({ arrow: { label }, isLast }: ArrowProps) {
  if (label === null) return null;
  return (
    <g class={isLast ? "arrow last" : "arrow"}>
      <rect class="under" {...placeOf(label)} />
      <Lines lines={label.lines} />
    </g>
  );
}

type Rect = Pick<(typeof chart)["notes"][number], "x" | "y" | "width" | "height">;

function placeOf({ x, y, width, height }: Rect): Rect {
  return { x, y, width, height };
}

function Lines({ lines }: { readonly lines: (typeof chart)["notes"][number]["lines"] }) {
  return (
    <>
      {lines.map(({ x, y, text, anchor }) => (
        <text key={y} x={x} y={y} text-anchor={anchor}>
          {text}
        </text>
      ))}
    </>
  );
}

function lineOf({ start, curves }: Arrow): string {
  const at = ({ x, y }: { readonly x: number; readonly y: number }): string => `${x} ${y}`;
  return `M${at(start)}${curves.map(({ by, to }) => `C${at(by[0])} ${at(by[1])} ${at(to)}`).join("")}`;
}

function tipOf({ tip: { x, y, towards } }: Arrow): string {
  if (towards === "down") return `M${x} ${y}l-4 -8h8z`;
  return towards === "up" ? `M${x} ${y}l-4 8h8z` : `M${x} ${y}l8 -4v8z`;
}

function Slider({ steps, looked }: { readonly steps: readonly Step[]; readonly looked: Step | null }) {
  const { length } = steps;
  if (length === 0)
    return (
      <p class="detail">
        Nothing is known of what happened to this client lately; as soon as a flow takes it, each step stands
        here.
      </p>
    );
  const value = looked === null ? length : steps.indexOf(looked);
  return (
    <div class="slider">
      <label>
        History, {countOf(length, "step")}
        <input
          type="range"
          min={0}
          max={length}
          value={value}
          aria-valuetext={looked === null ? "now" : `${length - value} back: ${looked.state}`}
          onInput={({ currentTarget }) => {
            const chosen = steps[Number(currentTarget.value)];
            ask({ at: chosen === undefined ? "" : String(chosen.position) });
          }}
        />
      </label>
      <button type="button" disabled={looked === null} onClick={() => ask({ at: "" })}>
        Now
      </button>
    </div>
  );
}
