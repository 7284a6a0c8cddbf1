/** Lines as curves: straight runs with rounded corners, ended by an arrowhead. */
import { measures, type Curve, type Point, type Rect, type Tip } from "./drawing.ts";

export interface Line {
  readonly start: Point;
  readonly curves: readonly Curve[];
  readonly tip: Tip;
}

/** `corners`: from end to end; the last run is upright and longer than an arrowhead. */
export function lineAlong(corners: readonly Point[]): Line {
  const [start = { x: 0, y: 0 }, ...rest] = corners;
  const end = rest.at(-1) ?? start;
  const onward = end.y > (rest.at(-2) ?? start).y ? 1 : -1;
  const foot = { x: end.x, y: end.y - onward * measures.tipLength };
  const way = [start, ...rest.slice(0, -1), foot];
  const curves: Curve[] = [];
  let last = start;
  for (const [order, corner] of way.entries()) {
    const [before, after] = [way[order - 1], way[order + 1]];
    if (before === undefined) continue;
    if (after === undefined) {
      curves.push(straight(last, corner));
      continue;
    }
    const radius = Math.min(measures.corner, distance(before, corner) / 2, distance(corner, after) / 2);
    const [into, out] = [towards(corner, before, radius), towards(corner, after, radius)];
    curves.push(straight(last, into), { by: [corner, corner], to: out });
    last = out;
  }
  return { start, curves, tip: { ...end, towards: onward > 0 ? "down" : "up" } };
}

/** From the right side of a box back to it. */
export function loopLine({ x, y, width, height }: Rect): Line {
  const right = x + width;
  const center = y + height / 2;
  const by = [
    { x: right + 28, y: center - 18 },
    { x: right + 28, y: center + 14 },
  ] as const;
  return {
    start: { x: right, y: center - 8 },
    curves: [{ by, to: { x: right + measures.tipLength, y: center + 8 } }],
    tip: { x: right, y: center + 8, towards: "left" },
  };
}

function straight(from: Point, to: Point): Curve {
  return { by: [from, to], to };
}

function distance(one: Point, other: Point): number {
  return Math.abs(one.x - other.x) + Math.abs(one.y - other.y);
}

/** `length` px from `from` on the upright or level way to `to`. */
function towards(from: Point, to: Point, length: number): Point {
  return { x: from.x + Math.sign(to.x - from.x) * length, y: from.y + Math.sign(to.y - from.y) * length };
}
