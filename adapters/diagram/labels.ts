/** What stands at an arrow, and a chart in sentences. */
import type { Chart, ChartArrow, ChartState } from "./chart.ts";

/** `client.search [is holder]`. */
export function labelOf({ when, guard }: ChartArrow): string {
  if (guard === null) return when === "" ? "at once" : when;
  return when === "" ? `[${guard}]` : `${when} [${guard}]`;
}

/** With what it does: all that is to be said of an event that leaves the state as it is. */
export function labelWithActions(arrow: ChartArrow): string {
  const label = labelOf(arrow);
  return arrow.actions.length === 0 ? label : `${label} / ${arrow.actions.join(", ")}`;
}

/** One entry a target, in the order of the chart: parallel arrows cover each other's labels. */
export function byTarget(state: ChartState): Map<string, ChartArrow[]> {
  const targets = new Map<string, ChartArrow[]>();
  for (const arrow of state.arrows) {
    const to = arrow.to ?? state.path;
    targets.set(to, [...(targets.get(to) ?? []), arrow]);
  }
  return targets;
}

/** The chart read aloud: every state, and where each event leads. */
export function describeChart({ root }: Chart): string {
  return [...describeState(root)].join(" ");
}

function* describeState(state: ChartState): Generator<string> {
  const name = state.path === "" ? "Every other case" : state.path;
  if (state.initial !== null) yield `${state.path === "" ? "It" : name} begins in ${state.initial}.`;
  if (state.kind === "final") yield `${name} is final.`;
  if (state.runs.length > 0) yield `${name} runs ${state.runs.join(", ")}.`;
  for (const [to, arrows] of byTarget(state)) {
    const labels = arrows.map((arrow) => (arrow.to === null ? labelWithActions(arrow) : labelOf(arrow)));
    yield `${name} ${to === state.path ? "stays" : `goes to ${to}`}: ${labels.join("; ")}.`;
  }
  for (const child of state.states) yield* describeState(child);
}
