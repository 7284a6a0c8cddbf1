/** Ranks, order and places from left to right: dagre's. How high each rank stands is decided later, in layout.ts. */
import { graphlib, layout } from "@dagrejs/dagre";
import { loopWidth, type Plan, type PlannedNode } from "./plan.ts";

/** px; `ranks` only keeps them apart. */
const spacing = { nodes: 30, edges: 16, ranks: 40 } as const;

/** Everything of one rank stands in a band as high as its highest part; 0 is the uppermost. */
export interface Ranked {
  readonly nodes: ReadonlyMap<string, RankedNode>;
  readonly arrows: ReadonlyMap<string, RankedArrow>;
  /** Height in px of each band. */
  readonly bands: readonly number[];
  readonly width: number;
}

export interface RankedNode {
  /** Its left side. */
  readonly x: number;
  readonly width: number;
  readonly band: number;
  /** Of a frame: the band that its lower side stands in; else `band`. */
  readonly lastBand: number;
}

export interface RankedArrow {
  /** From tail to head, one a band between them: where dagre kept room for the line, or its label. */
  readonly between: readonly { readonly x: number; readonly band: number }[];
  /** Centre of the label, which stands in one of them. */
  readonly label: { readonly x: number; readonly band: number };
}

/** What dagre says of a node or an arrow: its middle. An arrow without a label has none. */
interface Spot {
  readonly x: number;
  readonly y: number;
}

type Laid = Partial<Spot> & { readonly width: number; readonly height: number };

/** What is used of dagre, whose own declarations do not resolve under Node's rules for modules. */
interface DagreGraph {
  setGraph(settings: Readonly<Record<string, string | number>>): void;
  setNode(id: string, size: { readonly width?: number; readonly height?: number }): void;
  setParent(id: string, parent: string): void;
  setEdge(tail: string, head: string, label: Readonly<Record<string, string | number>>, name: string): void;
  graph(): { readonly width?: number };
  node(id: string): Laid;
  edge(tail: string, head: string, name: string): Laid & { readonly points?: readonly Spot[] };
}

const Graph = graphlib.Graph as new (options: {
  readonly compound: boolean;
  readonly multigraph: boolean;
}) => DagreGraph;

/** Of a frame, above and below what it holds: its heading stands in the upper one. */
const frameBand = 44;

export function rank(plan: Plan): Ranked {
  const graph = graphOf(plan);
  layout(graph);
  const spotOf = ({ x = 0, y = 0 }: Partial<Spot>): Spot => ({ x, y });
  const nodes = plan.nodes.map((node) => {
    const { width, height, ...spot } = graph.node(node.id);
    return { node, width, height, ...spotOf(spot) };
  });
  const arrows = plan.arrows.map(({ id, tail, head, height }) => {
    const edge = graph.edge(tail, head, id);
    return { id, height, points: (edge.points ?? []).slice(1, -1), label: spotOf(edge) };
  });

  const bands = new Map<string, { readonly y: number; height: number }>();
  const grow = (y: number, height: number): void => {
    const band = bands.get(keyOf(y));
    if (band === undefined) bands.set(keyOf(y), { y, height });
    else band.height = Math.max(band.height, height);
  };
  for (const { node, y, height } of nodes)
    if (node.kind === "frame") for (const side of [y - height / 2, y + height / 2]) grow(side, frameBand);
    else grow(y, Math.max(node.height, node.loop?.height ?? 0));
  for (const { points, label, height } of arrows) {
    for (const { y } of points) grow(y, 0);
    if (height > 0) grow(label.y, height);
  }
  const sorted = [...bands.values()].sort((a, b) => a.y - b.y);
  const order = new Map(sorted.map(({ y }, band) => [keyOf(y), band]));
  const bandOf = (y: number): number => order.get(keyOf(y)) ?? 0;

  return {
    nodes: new Map(
      nodes.map(({ node, x, y, width, height }): [string, RankedNode] => {
        const half = node.kind === "frame" ? height / 2 : 0;
        const at = { x: x - width / 2, width: node.kind === "frame" ? width : node.width };
        return [node.id, { ...at, band: bandOf(y - half), lastBand: bandOf(y + half) }];
      }),
    ),
    arrows: new Map(
      arrows.map(({ id, points, label }): [string, RankedArrow] => {
        const between = points.map(({ x, y }) => ({ x, band: bandOf(y) }));
        return [id, { between, label: { x: label.x, band: bandOf(label.y) } }];
      }),
    ),
    bands: sorted.map(({ height }) => height),
    width: graph.graph().width ?? 0,
  };
}

function graphOf({ nodes, arrows }: Plan): DagreGraph {
  const graph = new Graph({ compound: true, multigraph: true });
  graph.setGraph({ rankdir: "TB", nodesep: spacing.nodes, edgesep: spacing.edges, ranksep: spacing.ranks });
  for (const node of nodes) graph.setNode(node.id, node.kind === "frame" ? {} : roomOf(node));
  for (const { id, parent } of nodes) if (parent !== null) graph.setParent(id, parent);
  for (const { id, tail, head, width, height } of arrows)
    graph.setEdge(tail, head, { width, height, labelpos: "c" }, id);
  for (const { id, parent, loop } of nodes)
    if (parent === null && loop !== null)
      graph.setEdge(id, id, { width: loopWidth + loop.width, height: 0, labelpos: "c" }, "loop");
  return graph;
}

/** dagre would draw the loop of a box inside a frame outside of it: there the box itself is given the room. */
function roomOf({ width, height, parent, loop }: PlannedNode): { width: number; height: number } {
  return { width: parent === null || loop === null ? width : width + loopWidth + loop.width, height };
}

function keyOf(y: number): string {
  return y.toFixed(1);
}
