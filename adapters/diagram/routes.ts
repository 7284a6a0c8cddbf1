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
const jogMax = 7.5;

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

/** Ends follow the lines and lines follow the ends: twice is enough, more moves nothing. */
export function waysOf(plan: Plan, ranked: Ranked): Way[] {
  const free = plan.arrows.flatMap((arrow): Way[] => {
    const [tail, head] = [ranked.nodes.get(arrow.tail), ranked.nodes.get(arrow.head)];
    const between = ranked.arrows.get(arrow.id)?.between ?? [];
    const [first, last] = [between.at(0)?.x ?? 0, between.at(-1)?.x ?? 0];
    if (tail === undefined || head === undefined) return [];
    const steps = [{ x: first, band: tail.band }, ...between, { x: last, band: head.band }];
    return [{ arrow, downward: tail.band < head.band, steps }];
  });
  const once = fastened(free, plan, ranked).map((way, order) => straightened(way, free[order]?.steps ?? []));
  return fastened(once, plan, ranked).map((way, order) => straightened(way, free[order]?.steps ?? []));
}

/** The same ways, from port to port. */
function fastened(ways: readonly Way[], { nodes }: Plan, ranked: Ranked): Way[] {
  const ends = ways.flatMap(({ arrow: { id, tail, head }, steps, downward }): End[] => {
    const [from, to] = downward ? (["bottom", "top"] as const) : (["top", "bottom"] as const);
    return [
      { arrow: id, node: tail, side: from, part: "tail", wished: steps.at(1)?.x ?? 0 },
      { arrow: id, node: head, side: to, part: "head", wished: steps.at(-2)?.x ?? 0 },
    ];
  });
  const ports = new Map<string, number>();
  for (const { id } of nodes)
    for (const side of ["top", "bottom"] as const) {
      const here = ends.filter((end) => end.node === id && end.side === side);
      for (const [end, x] of portsAt(here, ranked.nodes.get(id))) ports.set(`${end.part} ${end.arrow}`, x);
    }
  return ways.map(({ arrow, downward, steps }) => {
    const [tail, head] = [ports.get(`tail ${arrow.id}`), ports.get(`head ${arrow.id}`)];
    const moved = steps.map(({ x, band }, order) => {
      const port = order === 0 ? tail : order === steps.length - 1 ? head : x;
      return { x: port ?? x, band };
    });
    return { arrow, downward, steps: moved };
  });
}

/** Steps go on where the one before is, where that is close to their own place; else the line turns there. */
function straightened({ arrow, downward, steps }: Way, own: readonly Step[]): Way {
  const straight: Step[] = [];
  for (const [order, { x, band }] of steps.entries()) {
    const wished = own[order]?.x ?? x;
    const before = straight.at(-1)?.x;
    const isEnd = order === 0 || order === steps.length - 1;
    const goesOn = !isEnd && before !== undefined && Math.abs(wished - before) <= jogMax;
    straight.push({ x: isEnd ? x : goesOn ? before : wished, band });
  }
  const [first, last] = [straight.at(0)?.x, straight.at(-1)?.x ?? 0];
  for (let order = straight.length - 2; order > 0; order -= 1) {
    const [step, wished] = [straight[order], own[order]?.x ?? last];
    if (step === undefined || step.x === first || Math.abs(wished - last) > jogMax) break;
    straight[order] = { ...step, x: last };
  }
  return { arrow, downward, steps: straight };
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
