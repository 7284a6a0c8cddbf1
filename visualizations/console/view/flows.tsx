/** Flows: a bar each on one time axis, idle stretches folded; newest on top. */
import { address, ask, go, now, shown } from "../live.ts";
import type { Flow } from "../model/flows.ts";
import { ageText, countOf, durationText } from "../model/text.ts";
import { timeAxis, type TimeAxis } from "../model/time-axis.ts";
import { useHeld } from "./held.ts";
import { Heading, Link, SearchBox, Time, HeldHint } from "./parts.tsx";
import { VirtualTable } from "./virtual-table.tsx";

/** An idle stretch longer than this is folded. */
const gapMs = 10_000;
/** As many as share one axis. */
const flowsShown = 300;
/** New flows come into the table at most this often. */
const renewMs = 250;

const columns = [
  ["started", "Started"],
  ["key", "Key"],
  ["client", "Client"],
  ["alarms", "Alarms"],
  ["decision", "Decision"],
  ["outcome", "Outcome"],
  ["took", "Took"],
  ["bar", "On the time axis"],
] as const;

const bad = new Set(["failed", "rejected", "unknown", "crashed", "expired", "forced"]);

export function FlowsPage() {
  const {
    flows: { byGuid },
    ledger,
  } = shown();
  const { filter = "" } = address.value.query;
  const wanted = filter.toLowerCase();
  const fits = ({ lockGuid, key, clientId, result, outcomes, decision }: Flow): boolean =>
    [lockGuid, key, clientId, result ?? "running", decision?.rule, decision?.decision, ...outcomes].some(
      (text) => text?.toLowerCase().includes(wanted) === true,
    );
  const {
    value: listed,
    isHeld,
    hold,
  } = useHeld(`${filter}\n${ledger}\n${byGuid.size === 0}`, renewMs, () =>
    [...byGuid.values()].reverse().filter(fits).slice(0, flowsShown),
  );
  // Those that have left the newest meanwhile stay as they were.
  const flows = listed.map((flow) => byGuid.get(flow.lockGuid) ?? flow);
  const axis = timeAxis(
    flows.map((flow) => ({
      from: flow.startedAt,
      to: Math.max(flow.startedAt + 1, endOf(flow, now.value)),
    })),
    gapMs,
  );
  return (
    <main class="fill">
      <Heading title="Flows">
        <SearchBox
          name="filter"
          label="Filter flows"
          hint="key, client, rule, outcome"
          onText={(text) => ask({ filter: text })}
        />
        <span class="count" role="status">
          {countOf(flows.length, "flow")}
          {flows.length === flowsShown ? ", the newest" : ""}
        </span>
        <AxisNote axis={axis} />
        <HeldHint isHeld={isHeld} />
      </Heading>
      <VirtualTable
        label="Automatic flows"
        columns={columns.map(([name, title]) => ({ name, title }))}
        count={flows.length}
        keyOf={(index) => flows[index]?.lockGuid ?? String(index)}
        cells={(index) => cellsOf(flows[index] as Flow, axis)}
        rowClass={(index) => (isBad(flows[index] as Flow) ? "abnormal" : "")}
        onBusy={hold}
        onOpen={(index) => go({ page: "flow", lockGuid: flows[index]?.lockGuid ?? "" })}
        empty={
          byGuid.size === 0
            ? "No flow was seen yet. An alarm that is accepted starts one as soon as a client is idle."
            : "No flow fits the filter."
        }
      />
    </main>
  );
}

/** Of one that was abandoned nobody knows when. */
function endOf({ startedAt, endedAt, result }: Flow, present: number): number {
  return endedAt ?? (result === null ? present : startedAt);
}

function isBad({ outcomes, result }: Flow): boolean {
  return bad.has(result ?? "") || outcomes.some((outcome) => bad.has(outcome));
}

function cellsOf(flow: Flow, axis: TimeAxis) {
  const { lockGuid, startedAt, endedAt, key, clientId, alarms, decision, outcomes, result } = flow;
  return [
    <Link to={{ page: "flow", lockGuid }}>
      <Time at={startedAt} />
    </Link>,
    key,
    <Link to={{ page: "client", clientId, tab: "statechart" }}>{clientId}</Link>,
    alarms,
    decision === null ? "" : <span title={decision.because}>{`${decision.rule} ${decision.decision}`}</span>,
    outcomes.length > 0 ? outcomes.join(", ") : (result ?? "running"),
    endedAt === null ? "" : durationText(endedAt - startedAt),
    <Bar flow={flow} axis={axis} />,
  ];
}

function Bar({ flow, axis }: { readonly flow: Flow; readonly axis: TimeAxis }) {
  const from = axis.place(flow.startedAt) * 100;
  const to = axis.place(endOf(flow, axis.to)) * 100;
  return (
    <svg class="flow-bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
      {axis.folds.map(({ at }) => (
        <line key={at} class="fold" x1={at * 100} x2={at * 100} y1={0} y2={10} />
      ))}
      <rect
        class={isBad(flow) ? "bad" : "good"}
        x={Math.min(from, 99.4)}
        y={2}
        width={Math.max(0.6, to - from)}
        height={6}
      />
    </svg>
  );
}

function AxisNote({ axis }: { readonly axis: TimeAxis }) {
  if (axis.to === axis.from) return null;
  return (
    <span class="detail">
      <Time at={axis.from} /> to <Time at={axis.to} />
      {axis.folds.length > 0 &&
        `; ${countOf(axis.folds.length, "idle stretch", "idle stretches")} folded, ${ageText(axis.folds.reduce((sum, { from, to }) => sum + to - from, 0))} together`}
    </span>
  );
}
