/** What is to be placed, with its size: boxes, frames, dots, rings, notes, and arrows with their labels. */
import type { Chart, ChartArrow, ChartState } from "./chart.ts";
import { measures } from "./drawing.ts";
import { byTarget, labelOf, labelWithActions } from "./labels.ts";
import { textWidth, wrapText } from "./text-width.ts";

export interface Plan {
  readonly nodes: readonly PlannedNode[];
  readonly arrows: readonly PlannedArrow[];
}

export interface PlannedNode {
  readonly id: string;
  /** Id of the frame around it; null: none. */
  readonly parent: string | null;
  readonly state: ChartState;
  readonly kind: "box" | "frame" | "dot" | "ring" | "note";
  readonly texts: readonly string[];
  readonly width: number;
  readonly height: number;
  /** Its arrow back to itself, drawn in room kept to the right of the box. */
  readonly loop: (LabelSize & { readonly events: readonly string[] }) | null;
}

export interface PlannedArrow extends LabelSize {
  readonly id: string;
  /** Ids of the nodes that it is fastened to. */
  readonly tail: string;
  readonly head: string;
  /** Paths of the states that it is of; null: a dot, a ring. */
  readonly from: string | null;
  readonly to: string | null;
  readonly events: readonly string[];
}

export interface LabelSize {
  readonly texts: readonly string[];
  readonly width: number;
  readonly height: number;
}

/** px. */
const sizes = {
  dot: 14,
  ring: 20,
  boxWidthMin: 104,
  boxHeight: 36,
  besideText: 14,
  /** Of a label's text: what is longer is broken. */
  labelWidthMax: 140,
  loopWidthMax: 210,
  noteWidthMax: 300,
  labelMargin: 4,
  /** From the box to the label of its loop. */
  loop: 32,
} as const;

export const loopWidth = sizes.loop;

/** Before what continues a line, where lines begin at one side. */
const continued = "\u00a0".repeat(3);

export function plan({ root }: Chart): Plan {
  return { nodes: [...nodesIn(root, null)], arrows: [...arrowsIn(root, leavesOf(root))] };
}

/** An arrow to a state with states leads to the box entered first. */
function leavesOf(root: ChartState): Map<string, string> {
  const leaves = new Map<string, string>();
  const visit = (state: ChartState): void => {
    for (const child of state.states) visit(child);
    const first = state.initial ?? state.states[0]?.path;
    leaves.set(state.path, first === undefined ? state.path : (leaves.get(first) ?? first));
  };
  visit(root);
  return leaves;
}

/** A frame's heading and its children; the machine itself has no frame. */
function* nodesIn(state: ChartState, parent: string | null): Generator<PlannedNode> {
  const inner = state.path === "" ? null : idOf(state.path);
  if (inner !== null) yield { ...box(state, parent), kind: "frame", loop: null };
  if (state.initial !== null) yield round(state, inner, "dot");
  for (const child of state.states) {
    if (child.states.length > 0) yield* nodesIn(child, inner);
    else yield box(child, inner);
    if (child.kind === "final") yield round(child, inner, "ring");
  }
  const note = noteOf(state, inner);
  if (note !== null) yield note;
}

function box(state: ChartState, parent: string | null): PlannedNode {
  const texts = [state.name, ...state.runs.map((actor) => `runs ${actor}`)];
  const widths = texts.map((text, line) =>
    textWidth(text, line === 0 ? measures.nameSize : measures.textSize, line === 0),
  );
  const staying = state.arrows.filter(({ to }) => (to ?? state.path) === state.path);
  const loop =
    staying.length === 0
      ? null
      : { ...label(staying, labelWithActions, sizes.loopWidthMax, continued), events: eventsOf(staying) };
  return {
    id: idOf(state.path),
    parent,
    state,
    kind: "box",
    texts,
    width: Math.max(sizes.boxWidthMin, ...widths.map((width) => Math.ceil(width) + 2 * sizes.besideText)),
    height: sizes.boxHeight + (texts.length - 1) * measures.lineHeight,
    loop,
  };
}

/** Dot and ring belong to the state that they begin or end. */
function round(state: ChartState, parent: string | null, kind: "dot" | "ring"): PlannedNode {
  const size = sizes[kind];
  return {
    id: `${kind}:${state.path}`,
    parent,
    state,
    kind,
    texts: [],
    width: size,
    height: size,
    loop: null,
  };
}

/** What a state with states handles, it handles in all of them: an arrow would have to leave every box. */
function noteOf(state: ChartState, parent: string | null): PlannedNode | null {
  if (state.states.length === 0 || state.arrows.length === 0) return null;
  const texts = state.arrows.map((arrow) =>
    arrow.to === null ? labelWithActions(arrow) : `${labelOf(arrow)} → ${arrow.to}`,
  );
  const broken = ["In every other case", ...broke(texts, sizes.noteWidthMax, continued)];
  return {
    id: `note:${state.path}`,
    parent,
    state,
    kind: "note",
    texts: broken,
    loop: null,
    width: widest(broken) + 2 * sizes.besideText,
    height: broken.length * measures.lineHeight + 14,
  };
}

/** `leaves`: what an arrow to or from a state is fastened to, by path. */
function* arrowsIn(state: ChartState, leaves: ReadonlyMap<string, string>): Generator<PlannedArrow> {
  const fasten = (path: string) => idOf(leaves.get(path) ?? path);
  if (state.initial !== null) {
    const bare = { events: [], texts: [], width: 0, height: 0 };
    yield {
      id: `initial:${state.path}`,
      tail: `dot:${state.path}`,
      head: fasten(state.initial),
      from: null,
      to: state.initial,
      ...bare,
    };
  }
  for (const child of state.states) {
    for (const [to, arrows] of byTarget(child)) {
      if (to === child.path || child.states.length > 0) continue;
      const ends = { tail: idOf(child.path), head: fasten(to), from: child.path, to };
      yield {
        id: `${child.path}>${to}`,
        ...ends,
        events: eventsOf(arrows),
        ...label(arrows, labelOf, sizes.labelWidthMax),
      };
    }
    if (child.kind === "final") {
      const bare = { events: [], texts: [], width: 0, height: 0 };
      yield {
        id: `final:${child.path}`,
        tail: idOf(child.path),
        head: `ring:${child.path}`,
        from: child.path,
        to: null,
        ...bare,
      };
    }
    yield* arrowsIn(child, leaves);
  }
}

function label(
  arrows: readonly ChartArrow[],
  say: (arrow: ChartArrow) => string,
  widthMax: number,
  indent = "",
): LabelSize {
  const texts = broke([...new Set(arrows.map(say))], widthMax, indent);
  return {
    texts,
    width: widest(texts) + 2 * sizes.labelMargin,
    height: texts.length * measures.lineHeight + sizes.labelMargin,
  };
}

/** Broken between event, guard and actions, not inside them. */
function broke(texts: readonly string[], widthMax: number, indent = ""): string[] {
  return texts.flatMap((text) => {
    const glued = text.replaceAll(/ (?![[/→])/g, "\u00a0").replaceAll(",\u00a0", ", ");
    const lines = wrapText(glued, measures.textSize, widthMax);
    return lines.map((line, part) => (part === 0 ? line : indent + line));
  });
}

function widest(texts: readonly string[]): number {
  return Math.ceil(Math.max(0, ...texts.map((text) => textWidth(text, measures.textSize))));
}

function eventsOf(arrows: readonly ChartArrow[]): string[] {
  return [...new Set(arrows.map(({ event }) => event))];
}

function idOf(path: string): string {
  return `state:${path}`;
}
