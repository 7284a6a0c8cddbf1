/** The client's statechart with the state it is in lit, the same as an outline, and what it went through. */
import { ask } from "../live.ts";
import type { Client } from "../model/clients.ts";
import type { ClientCondition } from "../model/feed.ts";
import { countOf } from "../model/text.ts";
import { Age, Facts, Guid, Link, Section, StateMark, Time } from "./parts.tsx";

interface Box {
  readonly state: ClientCondition;
  readonly x: number;
  readonly y: number;
}

const boxes: readonly Box[] = [
  { state: "idle", x: 30, y: 105 },
  { state: "locked", x: 230, y: 105 },
  { state: "searching", x: 430, y: 30 },
  { state: "forwarding", x: 430, y: 180 },
  { state: "closing", x: 230, y: 240 },
];
const boxWidth = 120;
const boxHeight = 44;

/** What leads from where to where, and by what; the path of the line. */
const arrows: readonly {
  readonly from: ClientCondition;
  readonly to: ClientCondition;
  readonly path: string;
  readonly label: string;
  readonly x: number;
  readonly y: number;
}[] = [
  { from: "idle", to: "locked", path: "M150 120H224", label: "lock", x: 187, y: 114 },
  { from: "locked", to: "idle", path: "M230 138H156", label: "force unlock", x: 190, y: 153 },
  { from: "locked", to: "searching", path: "M320 105V52H424", label: "search", x: 375, y: 46 },
  { from: "searching", to: "locked", path: "M490 74V118H356", label: "both done", x: 430, y: 113 },
  { from: "locked", to: "forwarding", path: "M350 136H470V174", label: "forward", x: 410, y: 131 },
  {
    from: "forwarding",
    to: "locked",
    path: "M430 202H330V155",
    label: "acknowledged or refused",
    x: 400,
    y: 218,
  },
  { from: "locked", to: "closing", path: "M270 149V234", label: "close, deadline", x: 222, y: 190 },
  { from: "closing", to: "idle", path: "M230 262H90V155", label: "committed", x: 150, y: 256 },
];

/** `at`: the step looked at, counted from the newest; empty = now. */
export function Statechart({ client, at }: { readonly client: Client; readonly at: string }) {
  const { steps } = client;
  const back = at === "" ? null : Math.min(Math.max(0, Number(at) || 0), Math.max(0, steps.length - 1));
  const index = back === null ? null : steps.length - 1 - back;
  const step = index === null ? null : (steps[index] ?? null);
  const before = index === null ? client.from : (steps[index - 1]?.state ?? null);
  const state = step?.state ?? client.view.state;
  return (
    <div class="columns two">
      <Section title="Statechart">
        <svg
          class="statechart"
          viewBox="0 0 590 300"
          role="img"
          aria-label={`${client.clientId} is ${state}${before === null || before === state ? "" : `; it was ${before} before`}.`}
        >
          <defs>
            <marker
              id="tip"
              viewBox="0 0 8 8"
              refX="6"
              refY="4"
              markerWidth="7"
              markerHeight="7"
              orient="auto-start-reverse"
            >
              <path d="M0 0L8 4L0 8z" />
            </marker>
          </defs>
          {arrows.map(({ from, to, path, label, x, y }) => (
            <g key={label} class={from === before && to === state ? "arrow last" : "arrow"}>
              <path d={path} marker-end="url(#tip)" />
              <text x={x} y={y}>
                {label}
              </text>
            </g>
          ))}
          {boxes.map((box) => (
            <g key={box.state} class="box" data-state={box.state} data-lit={box.state === state}>
              <rect x={box.x} y={box.y} width={boxWidth} height={boxHeight} rx={6} />
              <text x={box.x + boxWidth / 2} y={box.y + 27}>
                {box.state}
              </text>
            </g>
          ))}
        </svg>
        {!boxes.some((box) => box.state === state) && (
          <p>
            <StateMark state={state} />: the client has no actor now.
          </p>
        )}
        <Slider client={client} back={back} />
        <Facts
          rows={
            step === null
              ? [
                  ["Shown", "now"],
                  ["In this state for", <Age since={client.since} />],
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
      </Section>
      <Section title="Outline">
        <ul class="outline" aria-label="States">
          {boxes.map((box) => (
            <li key={box.state} aria-current={box.state === state ? "true" : undefined}>
              <StateMark state={box.state} />
              <ul>
                {arrows
                  .filter(({ from }) => from === box.state)
                  .map(({ label, to }) => (
                    <li key={label}>
                      {label} → {to}
                    </li>
                  ))}
              </ul>
            </li>
          ))}
        </ul>
        <p class="detail">
          Force unlock leads from every locked state to idle, a passed deadline to closing.
        </p>
      </Section>
    </div>
  );
}

function Slider({ client, back }: { readonly client: Client; readonly back: number | null }) {
  const { length } = client.steps;
  if (length === 0) return <p class="detail">Nothing happened to this client since the page was opened.</p>;
  const value = back === null ? length : length - 1 - back;
  return (
    <div class="slider">
      <label>
        History, {countOf(length, "step")}
        <input
          type="range"
          min={0}
          max={length}
          value={value}
          aria-valuetext={back === null ? "now" : `${back + 1} back: ${client.steps[value]?.state ?? ""}`}
          onInput={({ currentTarget }) => {
            const chosen = Number(currentTarget.value);
            ask({ at: chosen >= length ? "" : String(length - 1 - chosen) });
          }}
        />
      </label>
      <button type="button" disabled={back === null} onClick={() => ask({ at: "" })}>
        Now
      </button>
    </div>
  );
}
