/** A statechart as Mermaid text (`stateDiagram-v2`), from the machine itself: a drawing cannot say what the code does not. */
import { readChart, type Chart, type ChartState } from "./chart.ts";
import { byTarget, labelOf } from "./labels.ts";
import type { AnyStateMachine } from "xstate";

export function drawMermaid(machine: AnyStateMachine): string {
  const chart = readChart(machine);
  const lines = ["stateDiagram-v2", ...inside(chart, chart.root, "  "), ...everywhere(chart)];
  return `${lines.join("\n")}\n`;
}

/** Children of a compound state, each before the arrows that leave it. */
function inside(chart: Chart, state: ChartState, indent: string): string[] {
  const lines: string[] = [];
  if (state.initial !== null) lines.push(`${indent}[*] --> ${idOf(chart, state.initial)}`);
  for (const child of state.states) {
    const id = idOf(chart, child.path);
    const opening = `${indent}state "${child.name}" as ${id}`;
    if (child.states.length === 0) lines.push(opening);
    else lines.push(`${opening} {`, ...inside(chart, child, `${indent}  `), `${indent}}`);
    if (child.kind === "final") lines.push(`${indent}${id} --> [*]`);
    for (const [to, arrows] of byTarget(child)) {
      const labels = [...new Set(arrows.map(labelOf))];
      lines.push(`${indent}${id} --> ${idOf(chart, to)} : ${labels.join(" / ")}`);
    }
  }
  return lines;
}

/** What the root handles goes for every state: no arrow of its own, but a note. */
function everywhere(chart: Chart): string[] {
  const { root } = chart;
  const [first] = root.states;
  if (first === undefined || root.arrows.length === 0) return [];
  const said = root.arrows.map((arrow) =>
    arrow.to === null ? labelOf(arrow) : `${labelOf(arrow)} to ${arrow.to}`,
  );
  return [
    `  note right of ${idOf(chart, first.path)}`,
    "    In every other case:",
    ...[...new Set(said)].map((line) => `    ${line}`),
    "  end note",
  ];
}

function idOf({ name }: Chart, path: string): string {
  return `${name}.${path}`.replaceAll(/\W/g, "_");
}
