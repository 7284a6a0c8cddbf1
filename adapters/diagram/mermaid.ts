/** A statechart as Mermaid text (`stateDiagram-v2`), from the machine itself: a drawing cannot say what the code does not. */
import type { AnyStateMachine } from "xstate";
import { type DirectedGraphNode, toDirectedGraph } from "xstate/graph";

type Arrow = Pick<DirectedGraphNode["edges"][number], "target" | "transition">;

export function drawMermaid(machine: AnyStateMachine): string {
  const root = toDirectedGraph(machine);
  const lines = ["stateDiagram-v2", ...inside(root, "  "), ...everywhere(root)];
  return `${lines.join("\n")}\n`;
}

/** Children of a compound state, each before the arrows that leave it. */
function inside(node: DirectedGraphNode, indent: string): string[] {
  const lines: string[] = [];
  for (const initial of node.stateNode.initial?.target ?? [])
    lines.push(`${indent}[*] --> ${nameOf(initial.id)}`);
  for (const child of node.children) {
    const id = nameOf(child.id);
    if (child.children.length > 0) {
      lines.push(
        `${indent}state "${child.stateNode.key}" as ${id} {`,
        ...inside(child, `${indent}  `),
        `${indent}}`,
      );
    } else lines.push(`${indent}state "${child.stateNode.key}" as ${id}`);
    if (child.stateNode.type === "final") lines.push(`${indent}${id} --> [*]`);
    for (const [target, labels] of byTarget(arrowsOf(child)))
      lines.push(`${indent}${id} --> ${target} : ${labels.join(" / ")}`);
  }
  return lines;
}

/** What the root handles goes for every state: no arrow of its own, but a note. */
function everywhere(root: DirectedGraphNode): string[] {
  const [first] = root.children;
  if (first === undefined || root.edges.length === 0) return [];
  const moving = root.edges.filter(hasTarget).map((edge) => `${labelOf(edge)} to ${edge.target.key}`);
  const staying = root.edges.filter((edge) => !hasTarget(edge)).map((edge) => labelOf(edge));
  const said = [...new Set([...moving, ...staying])];
  return [
    `  note right of ${nameOf(first.id)}`,
    "    In every other case:",
    ...said.map((line) => `    ${line}`),
    "  end note",
  ];
}

/** The graph of XState leaves transitions without an event (`always`) out. */
function arrowsOf({ edges, stateNode }: DirectedGraphNode): readonly Arrow[] {
  const always = (stateNode.always ?? []).flatMap((transition) =>
    (transition.target ?? [stateNode]).map((target) => ({ target, transition })),
  );
  return [...edges, ...always];
}

/** One arrow a target: parallel arrows cover each other's labels. */
function byTarget(edges: readonly Arrow[]): Map<string, string[]> {
  const arrows = new Map<string, string[]>();
  for (const edge of edges) {
    const target = nameOf(edge.target.id);
    const labels = arrows.get(target) ?? [];
    const label = labelOf(edge);
    if (!labels.includes(label)) arrows.set(target, [...labels, label]);
  }
  return arrows;
}

function hasTarget({ transition }: Arrow): boolean {
  return transition.target !== undefined;
}

function labelOf(edge: Arrow): string {
  const event = eventLabel(edge.transition.eventType);
  const guard = guardLabel(edge.transition.guard);
  if (guard === null) return event === "" ? "always" : event;
  return event === "" ? `[${guard}]` : `${event} [${guard}]`;
}

/** XState's own event names carry ids of actors and states; what they mean is shorter. */
function eventLabel(type: string): string {
  const [, kind = "", rest = ""] =
    /^xstate\.(done\.actor|error\.actor|after|done\.state)\.(.*)$/.exec(type) ?? [];
  const actor = /^\d+\./.test(rest) ? "" : `${rest} `;
  switch (kind) {
    case "done.actor":
      return `${actor}done`;
    case "error.actor":
      return `${actor}failed`;
    case "after":
      return `after ${rest.split(".", 1)[0]}`;
    case "done.state":
      return "all done";
    default:
      return type;
  }
}

function guardLabel(guard: unknown): string | null {
  if (typeof guard === "string") return guard;
  if (typeof guard !== "object" || guard === null) return null;
  const type: unknown = Reflect.get(guard, "type");
  return typeof type === "string" ? type : null;
}

function nameOf(id: string): string {
  return id.replaceAll(/\W/g, "_");
}
