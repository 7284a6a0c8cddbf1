/** Whatever the chart, its drawing can be read: nothing covers anything else. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createMachine } from "xstate";
import { readChart, type Chart, type ChartArrow, type ChartState } from "../../adapters/diagram/chart.ts";
import { measures } from "../../adapters/diagram/drawing.ts";
import { layOut } from "../../adapters/diagram/layout.ts";
import { statecharts } from "../../adapters/diagram/statecharts.ts";
import { textWidth } from "../../adapters/diagram/text-width.ts";
import { broken, coverings, crossings, loose, outside, overlaps } from "./geometry.ts";

const nested = createMachine({
  id: "nested",
  initial: "off",
  on: { "power.cut": ".off", "lamp.test": { actions: "blink" } },
  states: {
    off: { on: { switch: "on", jump: "on.bright" } },
    on: {
      initial: "dim",
      invoke: { src: "watch", onError: { target: "off" } },
      on: { switch: "off", poke: { actions: "hum" } },
      states: {
        dim: { after: { 500: "bright" }, on: { poke: { actions: "flicker" } } },
        bright: { on: { less: "dim", burn: "burnt" } },
        burnt: { type: "final" },
      },
      onDone: "broken",
    },
    broken: { type: "final" },
  },
});

const drawn = [...statecharts, ["nested", nested] as const].map(
  ([name, machine]) => [name, readChart(machine)] as const,
);

describe.each(drawn)("%s", (_, chart) => {
  const drawing = layOut(chart);

  test("no box, label, note, dot or ring overlaps another, and all are on the canvas", () => {
    expect(overlaps(drawing)).toEqual([]);
    expect(outside(drawing)).toEqual([]);
  });

  test("no line crosses a box or another line's label, or runs on another line", () => {
    expect(crossings(drawing)).toEqual([]);
    expect(coverings(drawing)).toEqual([]);
  });

  test("every arrow begins and ends at its states; frames hold their own states only", () => {
    expect(loose(drawing)).toEqual([]);
    expect(broken(drawing)).toEqual([]);
  });

  test("every state, transition and beginning of the machine is there", () => {
    const states = [...statesOf(chart.root)];
    const shown = [...drawing.boxes, ...drawing.frames].map(({ state }) => state);
    expect(shown.toSorted()).toEqual(states.map(({ path }) => path).toSorted());
    expect(drawing.dots).toHaveLength(
      [chart.root, ...states].filter(({ initial }) => initial !== null).length,
    );
    expect(drawing.rings).toHaveLength(states.filter(({ kind }) => kind === "final").length);
    for (const state of [chart.root, ...states]) {
      const note = drawing.notes
        .find((one) => one.state === state.path)
        ?.lines.map(({ text }) => plain(text))
        .join(" ");
      for (const { to, event, when } of state.arrows) {
        const [from, target] = [state.path, to ?? state.path];
        const arrow = drawing.arrows.find(
          (one) => one.from === from && one.to === target && one.events.includes(event),
        );
        if (state.states.length === 0) expect(arrow).toBeDefined();
        else expect(note).toContain(when);
      }
    }
  });

  test("every text fits into what it stands in", () => {
    for (const box of [...drawing.boxes, ...drawing.frames])
      for (const [order, { text }] of box.lines.entries())
        expect(
          textWidth(text, order === 0 ? measures.nameSize : measures.textSize, order === 0),
        ).toBeLessThan(box.width);
    for (const { label } of drawing.arrows)
      for (const { text } of label?.lines ?? [])
        expect(textWidth(text, measures.textSize)).toBeLessThanOrEqual(label?.width ?? 0);
  });

  test("the same chart is drawn the same again, also as it comes over a wire", () => {
    expect(layOut(JSON.parse(JSON.stringify(chart)) as Chart)).toEqual(drawing);
  });
});

test("several events from one state to another have one arrow, a line each", () => {
  const { arrows } = layOut(readChart(statecharts.get("ticket-client") ?? nested));
  const one = arrows.filter(({ from, to }) => from === "searching" && to === "locked");
  expect(one).toHaveLength(1);
  expect(one[0]?.events).toEqual(["search.ended", "client.forceNotBusy"]);
  expect(one[0]?.label?.lines.map(({ text }) => plain(text))).toEqual([
    "search.ended",
    "[is own work]",
    "client.forceNotBusy",
    "[is holder]",
  ]);
});

test("no chart of up to eight states has a box or label covered", () => {
  fc.assert(
    fc.property(charts(), (chart) => {
      const drawing = layOut(chart);
      expect([...overlaps(drawing), ...crossings(drawing), ...loose(drawing), ...outside(drawing)]).toEqual(
        [],
      );
    }),
    { numRuns: 100 },
  );
});

/** Flat ones: arrows at random, loops among them, texts of any length. */
function charts(): fc.Arbitrary<Chart> {
  const paths = ["a", "b", "c", "d", "e", "f", "g", "h"];
  const words = fc.constantFrom(
    "go",
    "client.forceNotBusy",
    "after a very long while",
    "WWWWWWWWWWWWWWWWWWWWWWWW",
    "漢字",
  );
  const arrow = (size: number): fc.Arbitrary<ChartArrow> =>
    fc.record({
      to: fc.option(fc.constantFrom(...paths.slice(0, size))),
      event: words,
      when: words,
      guard: fc.option(words),
      actions: fc.array(words, { maxLength: 2 }),
    });
  return fc.integer({ min: 1, max: paths.length }).chain((size) =>
    fc.array(fc.array(arrow(size), { maxLength: 4 }), { minLength: size, maxLength: size }).map((arrows) => {
      const states = arrows.map((own, order): ChartState => {
        const path = paths[order] ?? "";
        const kind = own.length === 0 ? "final" : "atomic";
        return { path, name: path, kind, initial: null, runs: [], arrows: own, states: [] };
      });
      const root = {
        path: "",
        name: "root",
        kind: "compound",
        initial: "a",
        runs: [],
        arrows: [],
        states,
      } as const;
      return { name: "root", root };
    }),
  );
}

/** Spaces that do not break are spaces. */
function plain(text: string): string {
  return text.replaceAll("\u00a0", " ").trim();
}

function* statesOf(state: ChartState): Generator<ChartState> {
  for (const child of state.states) {
    yield child;
    yield* statesOf(child);
  }
}
