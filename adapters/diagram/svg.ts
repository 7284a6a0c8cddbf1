/**
 * A statechart as SVG, from the machine itself. It stands alone (no font, script or file is fetched) and follows the
 * reader's light or dark. Put into a page, a state is lit by the class `active` on its `data-state`, and the last
 * transition by `last` on the arrow with its `data-from`, `data-to` and `data-events`.
 */
import type { AnyStateMachine } from "xstate";
import { readChart } from "./chart.ts";
import {
  measures,
  type Circle,
  type Drawing,
  type DrawnArrow,
  type Note,
  type Point,
  type StateBox,
  type TextLine,
  type Tip,
} from "./drawing.ts";
import { describeChart } from "./labels.ts";
import { layOut } from "./layout.ts";

export function drawSvg(machine: AnyStateMachine): string {
  const chart = readChart(machine);
  return paintSvg(layOut(chart), describeChart(chart));
}

/** `description`: what a reader who does not see it is told. */
export function paintSvg(drawing: Drawing, description: string): string {
  const { name, width, height } = drawing;
  const [title, described] = [`${name}-title`, `${name}-description`];
  const lines = [
    tag("svg", {
      xmlns: "http://www.w3.org/2000/svg",
      class: "statechart",
      role: "img",
      "aria-labelledby": `${title} ${described}`,
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
    }),
    `${tag("title", { id: title })}Statechart of ${escape(name)}</title>`,
    `${tag("desc", { id: described })}${escape(description)}</desc>`,
    `<style>${style}</style>`,
    tag("rect", { class: "canvas", width, height, rx: measures.corner }, true),
    ...drawing.frames.flatMap((one) => paintState(one, "frame")),
    ...drawing.arrows.flatMap(paintArrow),
    ...drawing.dots.map((one) => paintCircle(one, "dot")),
    ...drawing.rings.flatMap(({ center, radius }) => [
      paintCircle({ center, radius: radius - 1 }, "ring"),
      paintCircle({ center, radius: radius - 5 }, "dot"),
    ]),
    ...drawing.boxes.flatMap((one) => paintState(one, "box")),
    ...drawing.notes.flatMap(paintNote),
    "</svg>",
  ];
  return `${lines.join("\n")}\n`;
}

const light =
  "--canvas:#fff;--box:#f6f8fa;--ink:#1f2328;--quiet:#59636e;--line:#818b98;--lit:#0969da;--glow:#ddf4ff";
const dark =
  "--canvas:#0d1117;--box:#161b22;--ink:#e6edf3;--quiet:#9198a1;--line:#6e7681;--lit:#4493f8;--glow:#0c2d6b";

/** Active is said by a thicker border too, never by colour alone. */
const style = `
.statechart{${light};font-family:system-ui,"Segoe UI",Roboto,Helvetica,Arial,sans-serif;font-size:${measures.textSize}px}
@media (prefers-color-scheme:dark){.statechart{${dark}}}
.statechart .canvas,.statechart .under{fill:var(--canvas)}
.statechart text{fill:var(--ink)}
.statechart .name{font-size:${measures.nameSize}px;font-weight:600}
.statechart .runs,.statechart .note text{fill:var(--quiet)}
.statechart .box rect{fill:var(--box);stroke:var(--line);stroke-width:1.5}
.statechart .frame rect{fill:none;stroke:var(--line);stroke-width:1.5}
.statechart .parallel rect{stroke-dasharray:6 4}
.statechart .note rect{fill:none;stroke:var(--line);stroke-dasharray:3 3}
.statechart .line,.statechart .ring{fill:none;stroke:var(--line);stroke-width:1.5}
.statechart .tip,.statechart .dot{fill:var(--line)}
.statechart .active>rect{fill:var(--glow);stroke:var(--lit);stroke-width:3}
.statechart .frame.active>rect{fill:none}
.statechart .last>.line{stroke:var(--lit);stroke-width:3}
.statechart .last>.tip{fill:var(--lit)}
`;

function paintState(box: StateBox, kind: "box" | "frame"): string[] {
  const { x, y, width, height, lines } = box;
  return [
    tag("g", { class: `${kind} ${box.kind}`, "data-state": box.state }),
    tag("rect", { x, y, width, height, rx: measures.corner }, true),
    ...lines.map((line, order) => paintText(line, order === 0 ? "name" : "runs")),
    "</g>",
  ];
}

function paintArrow({ from, to, events, start, curves, tip, label }: DrawnArrow): string[] {
  const line = [`M${at(start)}`, ...curves.map(({ by, to: end }) => `C${at(by[0])} ${at(by[1])} ${at(end)}`)];
  const ends = {
    "data-from": from,
    "data-to": to,
    "data-events": events.length === 0 ? null : events.join(" "),
  };
  const painted = [
    tag("g", { class: "arrow", ...ends }),
    tag("path", { class: "line", d: line.join("") }, true),
    tag("path", { class: "tip", d: paintTip(tip) }, true),
  ];
  if (label !== null) {
    const { x, y, width, height, lines } = label;
    painted.push(
      tag("rect", { class: "under", x, y, width, height }, true),
      ...lines.map((one) => paintText(one, null)),
    );
  }
  return [...painted, "</g>"];
}

function paintTip({ x, y, towards }: Tip): string {
  const [back, aside] = [measures.tipLength, measures.tipLength / 2];
  const feet: Record<Tip["towards"], readonly [Point, Point]> = {
    down: [
      { x: x - aside, y: y - back },
      { x: x + aside, y: y - back },
    ],
    up: [
      { x: x - aside, y: y + back },
      { x: x + aside, y: y + back },
    ],
    left: [
      { x: x + back, y: y - aside },
      { x: x + back, y: y + aside },
    ],
  };
  const [one, other] = feet[towards];
  return `M${at({ x, y })}L${at(one)}L${at(other)}Z`;
}

function paintNote({ state, x, y, width, height, lines }: Note): string[] {
  return [
    tag("g", { class: "note", "data-note": state }),
    tag("rect", { x, y, width, height }, true),
    ...lines.map((line) => paintText(line, null)),
    "</g>",
  ];
}

function paintCircle({ center, radius }: Circle, kind: "dot" | "ring"): string {
  return tag("circle", { class: kind, cx: center.x, cy: center.y, r: radius }, true);
}

function paintText({ text, x, y, anchor }: TextLine, kind: string | null): string {
  return `${tag("text", { class: kind, x, y, "text-anchor": anchor === "start" ? null : anchor })}${escape(text)}</text>`;
}

/** An attribute that is null is left out. */
function tag(
  name: string,
  attributes: Readonly<Record<string, string | number | null>>,
  closed = false,
): string {
  const said = Object.entries(attributes).flatMap(([key, value]) =>
    value === null ? [] : [` ${key}="${typeof value === "number" ? px(value) : escape(value)}"`],
  );
  return `<${name}${said.join("")}${closed ? "/" : ""}>`;
}

function at({ x, y }: Point): string {
  return `${px(x)} ${px(y)}`;
}

/** To a tenth: finer is not seen. */
function px(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** What XML cannot hold at all, not even escaped, is replaced. */
function escape(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, "\u{fffd}");
}
