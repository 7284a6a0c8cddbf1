/** Time → place on an axis, with stretches in which nothing happens folded to a fixed width. Pure. */

export interface Span {
  readonly from: number;
  readonly to: number;
}

export interface Fold extends Span {
  /** Where it is drawn, 0 to 1. */
  readonly at: number;
}

export interface TimeAxis {
  /** 0 to 1. */
  place(at: number): number;
  /** Idle stretches, in order. */
  readonly folds: readonly Fold[];
  readonly from: number;
  readonly to: number;
}

/** Part of the axis that one fold takes. */
const foldShare = 0.02;

/** `gapMs`: an idle stretch longer than this is folded. */
export function timeAxis(spans: readonly Span[], gapMs: number): TimeAxis {
  const busy = union(spans);
  const [first] = busy;
  const last = busy.at(-1);
  if (first === undefined || last === undefined) return { place: () => 0, folds: [], from: 0, to: 0 };
  const gaps: Span[] = [];
  for (const [index, { to }] of busy.entries()) {
    const next = busy[index + 1];
    if (next !== undefined && next.from - to > gapMs) gaps.push({ from: to, to: next.from });
  }
  const share = Math.min(foldShare, 0.5 / Math.max(1, gaps.length));
  const shown = last.to - first.from - gaps.reduce((sum, { from, to }) => sum + to - from, 0);
  const perMs = (1 - share * gaps.length) / Math.max(1, shown);
  const place = (at: number): number => {
    let x = (Math.min(Math.max(at, first.from), last.to) - first.from) * perMs;
    for (const { from, to } of gaps) {
      if (at <= from) break;
      const inside = Math.min(at, to) - from;
      x += (inside / (to - from)) * share - inside * perMs;
    }
    return Math.min(1, Math.max(0, x));
  };
  const folds = gaps.map((gap) => ({ ...gap, at: (place(gap.from) + place(gap.to)) / 2 }));
  return { place, folds, from: first.from, to: last.to };
}

/** Overlapping spans as one, in order. */
function union(spans: readonly Span[]): Span[] {
  const joined: { from: number; to: number }[] = [];
  for (const { from, to } of [...spans].sort((one, other) => one.from - other.from)) {
    const last = joined.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else joined.push({ from, to });
  }
  return joined;
}
