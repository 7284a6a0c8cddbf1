/**
 * How lines run. Within a band a line runs straight down or up, at a place that was kept free for it; it changes sides
 * in the gap between two bands, on a track of its own. So no line crosses a box or the label of another line.
 */
import { measures } from "./drawing.ts";
import type { Plan, PlannedArrow } from "./plan.ts";
import type { Ranked, RankedNode } from "./ranks.ts";

/** px. Between two ends at one side of a box, where it is wide enough. */
const portGap = 16;

/** px. A line that would turn aside by no more runs straight on: there is that much room on both sides of it. */
const jogMax = 8;

/** Where a line passes a band. */
interface Step {
  readonly x: number;
  readonly band: number;
}

/** A line, from tail to head. */
export interface Way {
  readonly arrow: PlannedArrow;
  readonly downward: boolean;
  readonly steps: readonly Step[];
}

/** Which track a line runs on in the gap below `band`, by arrow and band; none where it runs straight on. */
export interface Tracks {
  readonly of: ReadonlyMap<string, number>;
  /** How many each gap has. */
  readonly counts: readonly number[];
}

/** One end of an arrow at the upper or lower side of a node. */
interface End {
  readonly arrow: string;
  readonly node: string;
  readonly side: "top" | "bottom";
  readonly part: "tail" | "head";
  /** Where the line would be if it ran straight on. */
  readonly wished: number;
}

/** What a line does in one gap. */
interface Move {
  readonly key: string;
  readonly upper: number;
  readonly lower: number;
}

export function waysOf({ nodes, arrows }: Plan, ranked: Ranked): Way[] {
  const straight = arrows.flatMap((arrow) => {
    const [tail, head] = [ranked.nodes.get(arrow.tail), ranked.nodes.get(arrow.head)];
    const between = ranked.arrows.get(arrow.id)?.between ?? [];
    if (tail === undefined || head === undefined) return [];
    return [{ arrow, tail, head, between, downward: tail.band < head.band }];
  });
  const ends = straight.flatMap(({ arrow: { id, tail, head }, between, downward }): End[] => [
    { arrow: id, node: tail, side: downward ? "bottom" : "top", part: "tail", wished: between.at(0)?.x ?? 0 },
    {
      arrow: id,
      node: head,
      side: downward ? "top" : "bottom",
      part: "head",
      wished: between.at(-1)?.x ?? 0,
    },
  ]);
  const ports = new Map<string, number>();
  for (const { id } of nodes)
    for (const side of ["top", "bottom"] as const)
      for (const [end, x] of portsAt(
        ends.filter((one) => one.node === id && one.side === side),
        ranked.nodes.get(id),
      ))
        ports.set(`${end.part} ${end.arrow}`, x);
  return straight.map(({ arrow, tail, head, between, downward }) => {
    const first = { x: ports.get(`tail ${arrow.id}`) ?? 0, band: tail.band };
    const last = { x: ports.get(`head ${arrow.id}`) ?? 0, band: head.band };
    const steps = straightened([...straightened([first, ...between, last])].reverse()).reverse();
    return { arrow, downward, steps };
  });
}

/** As straight as it can be, none closer to the next than `portGap` where the side is wide enough. */
function portsAt(ends: readonly End[], node: RankedNode | undefined): (readonly [End, number])[] {
  if (node === undefined) return [];
  const corner = Math.min(measures.corner + 5, node.width / 2);
  const [low, high] = [node.x + corner, node.x + node.width - corner];
  const sorted = ends.toSorted((a, b) => a.wished - b.wished);
  const gap = Math.min(portGap, (high - low) / Math.max(1, sorted.length - 1));
  const places: number[] = [];
  for (const { wished } of sorted) {
    const least = places.length === 0 ? low : (places.at(-1) ?? low) + gap;
    places.push(Math.max(Math.min(wished, high), least));
  }
  for (let order = places.length - 1, most = high; order >= 0; order -= 1, most -= gap)
    places[order] = Math.min(places[order] ?? most, most);
  return sorted.map((end, order) => [end, places[order] ?? low]);
}

/** The run next to the first step is moved to where that step is, if it is close to it. */
function straightened(steps: readonly Step[]): Step[] {
  const [first, next] = steps;
  if (first === undefined || next === undefined || Math.abs(next.x - first.x) > jogMax) return [...steps];
  const turn = steps.findIndex((step, order) => order > 0 && step.x !== next.x);
  const end = turn === -1 ? steps.length - 1 : turn;
  return steps.map((step, order) => (order < end ? { ...step, x: first.x } : step));
}

export function trackKey(arrow: string, band: number): string {
  return `${band} ${arrow}`;
}

export function tracksOf(ways: readonly Way[], { bands }: Ranked): Tracks {
  const of = new Map<string, number>();
  const counts = bands.map((_, band) => {
    const moves = ways.flatMap((way) => movesOf(way, band));
    const leftward = moves.filter(({ upper, lower }) => lower < upper).toSorted((a, b) => a.upper - b.upper);
    const rightward = moves.filter(({ upper, lower }) => lower > upper).toSorted((a, b) => b.upper - a.upper);
    const tracks: Move[][] = [];
    // In this order no line crosses one that goes the same way.
    for (const one of [leftward, rightward]) {
      let least = 0;
      for (const move of one) {
        while (tracks[least]?.some((other) => overlap(other, move)) === true) least += 1;
        tracks[least] = [...(tracks[least] ?? []), move];
        of.set(move.key, least);
      }
    }
    return tracks.length;
  });
  return { of, counts };
}

/** In the gap below `band`; nothing where the line runs straight on. */
function movesOf({ arrow, steps }: Way, band: number): Move[] {
  const upper = steps.find((step) => step.band === band);
  const lower = steps.find((step) => step.band === band + 1);
  if (upper === undefined || lower === undefined || upper.x === lower.x) return [];
  return [{ key: trackKey(arrow.id, band), upper: upper.x, lower: lower.x }];
}

/** With room for the corners of both. */
function overlap(one: Move, other: Move): boolean {
  const room = 2 * measures.corner;
  const [left, right] = [Math.min(one.upper, one.lower), Math.max(one.upper, one.lower)];
  return (
    left < Math.max(other.upper, other.lower) + room && Math.min(other.upper, other.lower) < right + room
  );
}
