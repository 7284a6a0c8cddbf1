/** A laid out statechart as plain data, in px from the upper left corner: all that a painter needs. */

export interface Drawing {
  /** The machine's id. */
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /** States without states; boxes never overlap one another, a label or a line. */
  readonly boxes: readonly StateBox[];
  /** States with states, the outer before the inner; they hold their children's boxes. */
  readonly frames: readonly StateBox[];
  /** Initial dots. */
  readonly dots: readonly Circle[];
  /** Final rings. */
  readonly rings: readonly Circle[];
  readonly arrows: readonly DrawnArrow[];
  /** What a state with states, or the machine itself, handles wherever nothing else is said. */
  readonly notes: readonly Note[];
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Rect extends Point {
  readonly width: number;
  readonly height: number;
}

export interface StateBox extends Rect {
  /** Path of the state. */
  readonly state: string;
  readonly kind: "atomic" | "compound" | "parallel" | "final" | "history";
  /** The first is the name. */
  readonly lines: readonly TextLine[];
}

export interface Circle {
  readonly center: Point;
  readonly radius: number;
}

export interface Note extends Rect {
  readonly state: string;
  readonly lines: readonly TextLine[];
}

/** `y`: the base line. */
export interface TextLine extends Point {
  readonly text: string;
  readonly anchor: "start" | "middle";
}

export interface DrawnArrow {
  /** Paths; null: from a dot, to a ring. */
  readonly from: string | null;
  readonly to: string | null;
  /** As the machine knows them. */
  readonly events: readonly string[];
  readonly start: Point;
  /** The last ends at `tip`'s foot. */
  readonly curves: readonly Curve[];
  readonly tip: Tip;
  readonly label: (Rect & { readonly lines: readonly TextLine[] }) | null;
}

/** A cubic Bézier curve from where the one before ended. */
export interface Curve {
  readonly by: readonly [Point, Point];
  readonly to: Point;
}

/** An arrowhead: where it points to, and which way. */
export interface Tip extends Point {
  readonly towards: "down" | "up" | "left";
}

/** px. Sizes of text are what `textWidth` is asked with: a painter must use them. */
export const measures = {
  nameSize: 14,
  textSize: 12,
  lineHeight: 16,
  tipLength: 8,
  corner: 9,
} as const;
