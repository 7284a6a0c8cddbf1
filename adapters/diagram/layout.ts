/**
 * A chart → where everything stands. Pure and deterministic: the same chart gives the same drawing, here and in a browser.
 */
import type { Chart } from "./chart.ts";
import { lineAlong, loopLine } from "./lines.ts";
import { loopWidth, plan, type LabelSize, type PlannedNode } from "./plan.ts";
import { rank, type Ranked } from "./ranks.ts";
import { trackKey, tracksOf, waysOf, type Tracks, type Way } from "./routes.ts";
import {
  measures,
  type Circle,
  type Drawing,
  type DrawnArrow,
  type Note,
  type Point,
  type Rect,
  type StateBox,
  type TextLine,
} from "./drawing.ts";

/** px. */
const spacing = { margin: 20, track: 10, besideTracks: 15, gapMin: 24 } as const;

/** Upper and lower side of every band. */
type Heights = readonly { readonly top: number; readonly bottom: number }[];

export function layOut(chart: Chart): Drawing {
  const planned = plan(chart);
  const ranked = rank(planned);
  const ways = waysOf(planned, ranked);
  const tracks = tracksOf(ways, ranked);
  const heights = heightsOf(ranked, tracks);
  const rects = new Map(planned.nodes.map((node) => [node.id, rectOf(node, ranked, heights)]));
  const all = <T>(kind: PlannedNode["kind"], draw: (node: PlannedNode, rect: Rect) => T): T[] =>
    planned.nodes.flatMap((node) => {
      const rect = rects.get(node.id);
      return node.kind !== kind || rect === undefined ? [] : [draw(node, rect)];
    });
  const arrows = ways.map((way): DrawnArrow => {
    const { arrow } = way;
    const { from, to, events } = arrow;
    const at = ranked.arrows.get(arrow.id)?.label;
    const line = lineAlong(cornersOf(way, tracks, heights, rects));
    return {
      from,
      to,
      events,
      ...line,
      label: label(arrow, at && { x: at.x + spacing.margin, y: middle(heights, at.band) }),
    };
  });
  return {
    name: chart.name,
    width: Math.ceil(ranked.width) + 2 * spacing.margin,
    height: Math.ceil((heights.at(-1)?.bottom ?? 0) + spacing.margin),
    boxes: all("box", stateBox),
    frames: all("frame", stateBox),
    dots: all("dot", circle),
    rings: all("ring", circle),
    arrows: [...arrows, ...all("box", loopArrow).flat()],
    notes: all("note", note),
  };
}

/** A gap is as high as its tracks need. */
function heightsOf({ bands }: Ranked, { counts }: Tracks): Heights {
  let y: number = spacing.margin;
  return bands.map((height, band) => {
    const [top, bottom] = [y, y + height];
    const count = counts[band] ?? 0;
    y =
      bottom +
      Math.max(spacing.gapMin, count === 0 ? 0 : 2 * spacing.besideTracks + (count - 1) * spacing.track);
    return { top, bottom };
  });
}

function middle(heights: Heights, band: number): number {
  const { top, bottom } = heights[band] ?? { top: 0, bottom: 0 };
  return (top + bottom) / 2;
}

/** A dot stands at the foot of its band, close to what it points to. */
function rectOf(node: PlannedNode, { nodes }: Ranked, heights: Heights): Rect {
  const { x, width, band, lastBand } = nodes.get(node.id) ?? { x: 0, width: 0, band: 0, lastBand: 0 };
  const left = x + spacing.margin;
  const { top = 0, bottom = 0 } = heights[band] ?? {};
  if (node.kind === "frame")
    return { x: left, y: top, width, height: (heights[lastBand]?.bottom ?? bottom) - top };
  const y = node.kind === "dot" ? bottom - node.height : middle(heights, band) - node.height / 2;
  return { x: left, y, width, height: node.height };
}

/** Where the line turns, from the side of its tail to the side of its head. */
function cornersOf(
  { arrow, downward, steps }: Way,
  tracks: Tracks,
  heights: Heights,
  rects: ReadonlyMap<string, Rect>,
): Point[] {
  const side = (id: string, lower: boolean): number => {
    const { y, height } = rects.get(id) ?? { y: 0, height: 0 };
    return lower ? y + height : y;
  };
  const corners: Point[] = [{ x: steps[0]?.x ?? 0, y: side(arrow.tail, downward) }];
  for (const [order, { x, band }] of steps.entries()) {
    const next = steps[order + 1];
    if (next === undefined) continue;
    const track = tracks.of.get(trackKey(arrow.id, Math.min(band, next.band)));
    if (track === undefined) continue;
    const y =
      (heights[Math.min(band, next.band)]?.bottom ?? 0) + spacing.besideTracks + track * spacing.track;
    corners.push({ x, y }, { x: next.x, y });
  }
  corners.push({ x: steps.at(-1)?.x ?? 0, y: side(arrow.head, !downward) });
  return corners.map(({ x, y }) => ({ x: x + spacing.margin, y }));
}

function stateBox({ state, kind, texts }: PlannedNode, rect: Rect): StateBox {
  const [x, anchor] =
    kind === "frame" ? [rect.x + 14, "start" as const] : [rect.x + rect.width / 2, "middle" as const];
  const lines = texts.map((text, line): TextLine => ({
    text,
    x,
    y: rect.y + 23 + line * measures.lineHeight,
    anchor,
  }));
  return { state: state.path, kind: state.kind, ...rect, lines };
}

function circle(_: PlannedNode, { x, y, width }: Rect): Circle {
  return { center: { x: x + width / 2, y: y + width / 2 }, radius: width / 2 };
}

function note({ state, texts }: PlannedNode, rect: Rect): Note {
  return { state: state.path, ...rect, lines: linesFrom(texts, { x: rect.x + 14, y: rect.y + 19 }, "start") };
}

function loopArrow({ state, loop }: PlannedNode, box: Rect): DrawnArrow[] {
  if (loop === null) return [];
  const at = { x: box.x + box.width + loopWidth, y: box.y + box.height / 2 - loop.height / 2 };
  const ends = { from: state.path, to: state.path, events: loop.events };
  return [{ ...ends, ...loopLine(box), label: labelAt(loop, at, "start") }];
}

function label(size: LabelSize, center: Point | undefined): DrawnArrow["label"] {
  if (center === undefined || size.texts.length === 0) return null;
  return labelAt(size, { x: center.x - size.width / 2, y: center.y - size.height / 2 }, "middle");
}

function labelAt(
  { texts, width, height }: LabelSize,
  { x, y }: Point,
  anchor: TextLine["anchor"],
): DrawnArrow["label"] {
  const first = { x: anchor === "middle" ? x + width / 2 : x, y: y + 14 };
  return { x, y, width, height, lines: linesFrom(texts, first, anchor) };
}

function linesFrom(texts: readonly string[], { x, y }: Point, anchor: TextLine["anchor"]): TextLine[] {
  return texts.map((text, line) => ({ text, x, y: y + line * measures.lineHeight, anchor }));
}
