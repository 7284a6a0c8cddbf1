/** What may not touch what in a drawing, found by calculating. */
import type { Drawing, DrawnArrow, Point, Rect } from "../../adapters/diagram/drawing.ts";

interface Named {
  readonly name: string;
  readonly rect: Rect;
}

/** Everything solid: no two of them may overlap. */
export function solids({ boxes, notes, dots, rings, arrows }: Drawing): Named[] {
  const round = [...dots, ...rings].map(({ center, radius }, order) => ({
    name: `circle ${order}`,
    rect: { x: center.x - radius, y: center.y - radius, width: 2 * radius, height: 2 * radius },
  }));
  return [
    ...boxes.map((rect) => ({ name: `box ${rect.state}`, rect })),
    ...notes.map((rect) => ({ name: `note ${rect.state}`, rect })),
    ...round,
    ...arrows.flatMap((arrow) => (arrow.label === null ? [] : [{ name: nameOf(arrow), rect: arrow.label }])),
  ];
}

export function overlaps(drawing: Drawing): string[] {
  const all = solids(drawing);
  return all.flatMap((one, order) =>
    all
      .slice(order + 1)
      .filter((other) => overlap(one.rect, other.rect))
      .map((other) => `${one.name} and ${other.name}`),
  );
}

/** Lines that pass through what is not theirs. A line may touch the side that it is fastened to, and run under its own label. */
export function crossings(drawing: Drawing): string[] {
  const all = solids(drawing);
  return drawing.arrows.flatMap((arrow) => {
    const points = pointsOf(arrow);
    return all
      .filter(
        ({ name, rect }) => name !== nameOf(arrow) && points.some((point) => holds(shrunk(rect), point)),
      )
      .map(({ name }) => `line of ${nameOf(arrow)} through ${name}`);
  });
}

export function outside({ width, height, ...drawing }: Drawing): string[] {
  const canvas = { x: 0, y: 0, width, height };
  return [
    ...solids({ width, height, ...drawing })
      .filter(({ rect }) => !within(rect, canvas))
      .map(({ name }) => name),
    ...drawing.frames.filter((frame) => !within(frame, canvas)).map(({ state }) => `frame ${state}`),
    ...drawing.arrows.filter((one) => !pointsOf(one).every((point) => holds(canvas, point))).map(nameOf),
  ];
}

/** Arrows whose ends do not lie on the border of their states; one to a frame ends at a box in it. */
export function loose({ boxes, arrows }: Drawing): string[] {
  const onBorder = (state: string | null, point: Point): boolean =>
    state === null ||
    boxes
      .filter((box) => box.state === state || box.state.startsWith(`${state}.`))
      .some((box) => holds(grown(box), point) && !holds(shrunk(box), point));
  return arrows
    .filter(({ from, to, start, tip }) => !onBorder(from, start) || !onBorder(to, tip))
    .map(nameOf);
}

/** Frames that do not hold what is in them, or hold a part of what is not. */
export function broken({ frames, boxes, arrows }: Drawing): string[] {
  return frames.flatMap((frame) => [
    ...[...boxes, ...frames]
      .filter(({ state }) => state.startsWith(`${frame.state}.`))
      .filter((one) => !within(one, frame))
      .map(({ state }) => `${state} leaves its frame`),
    ...boxes
      .filter(({ state }) => !state.startsWith(`${frame.state}.`))
      .filter((one) => overlap(one, frame))
      .map(({ state }) => `${state} in ${frame.state}`),
    ...arrows
      .filter(({ label }) => label !== null && overlap(label, frame) && !within(label, frame))
      .map((one) => `label of ${nameOf(one)} across ${frame.state}`),
  ]);
}

/** Pairs of lines that run on one another for more than `lengthMax` px. */
export function coverings(drawing: Drawing, lengthMax = 4): string[] {
  const cells = new Map<string, Set<string>>();
  for (const arrow of drawing.arrows)
    for (const { x, y } of pointsOf(arrow)) {
      const cell = `${Math.round(x)} ${Math.round(y)}`;
      cells.set(cell, (cells.get(cell) ?? new Set()).add(nameOf(arrow)));
    }
  const shared = new Map<string, number>();
  for (const names of cells.values())
    if (names.size > 1) shared.set([...names].join(" and "), (shared.get([...names].join(" and ")) ?? 0) + 1);
  return [...shared].filter(([, length]) => length > lengthMax).map(([names]) => names);
}

function nameOf({ from, to }: DrawnArrow): string {
  return `arrow ${from ?? "dot"} → ${to ?? "ring"}`;
}

/** About one a px. */
function pointsOf({ start, curves, tip }: DrawnArrow): Point[] {
  const points = [start];
  let from = start;
  for (const { by, to } of curves) {
    const steps = Math.ceil(Math.abs(to.x - from.x) + Math.abs(to.y - from.y)) + 10;
    for (let step = 1; step <= steps; step += 1) points.push(onCurve(from, by[0], by[1], to, step / steps));
    from = to;
  }
  return [...points, tip];
}

function onCurve(a: Point, b: Point, c: Point, d: Point, t: number): Point {
  const mix = (p: number, q: number, r: number, s: number): number =>
    (1 - t) ** 3 * p + 3 * (1 - t) ** 2 * t * q + 3 * (1 - t) * t ** 2 * r + t ** 3 * s;
  return { x: mix(a.x, b.x, c.x, d.x), y: mix(a.y, b.y, c.y, d.y) };
}

function overlap(one: Rect, other: Rect): boolean {
  return (
    one.x < other.x + other.width &&
    other.x < one.x + one.width &&
    one.y < other.y + other.height &&
    other.y < one.y + one.height
  );
}

function within(inner: Rect, outer: Rect): boolean {
  return (
    inner.x >= outer.x &&
    inner.y >= outer.y &&
    inner.x + inner.width <= outer.x + outer.width &&
    inner.y + inner.height <= outer.y + outer.height
  );
}

function holds({ x, y, width, height }: Rect, point: Point): boolean {
  return point.x >= x && point.x <= x + width && point.y >= y && point.y <= y + height;
}

function shrunk({ x, y, width, height }: Rect): Rect {
  return { x: x + 0.5, y: y + 0.5, width: width - 1, height: height - 1 };
}

function grown({ x, y, width, height }: Rect): Rect {
  return { x: x - 0.5, y: y - 0.5, width: width + 1, height: height + 1 };
}
