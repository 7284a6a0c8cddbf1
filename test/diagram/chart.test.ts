/** What is read of a machine: its structure, in words. */
import { expect, test } from "vitest";
import { createMachine, setup } from "xstate";
import { readChart, type ChartArrow } from "../../adapters/diagram/chart.ts";
import { labelOf, labelWithActions } from "../../adapters/diagram/labels.ts";
import { drawMermaid } from "../../adapters/diagram/mermaid.ts";
import { textWidth, wrapText } from "../../adapters/diagram/text-width.ts";

const machine = setup({
  delays: { shortRest: 5 },
  guards: { isReadyNow: () => true },
  actors: { lookUp: createMachine({}) },
  actions: { noteIt: () => {}, tellAll: () => {} },
}).createMachine({
  id: "sample",
  initial: "a",
  states: {
    a: {
      invoke: { src: "lookUp", onDone: "b", onError: { actions: ["noteIt", "tellAll"] } },
      after: { shortRest: "b", 250: "c" },
      on: {
        go: [{ guard: "isReadyNow", target: "b" }, { target: "c" }],
        odd: { guard: () => true, target: "c" },
        "xstate.error.actor.helper": "c",
        "xstate.error.actor.*": "c",
        "*": "c",
      },
    },
    b: { initial: "inner", states: { inner: { type: "final" } }, onDone: "c" },
    c: { always: [{ guard: "isReadyNow", target: "a" }, { target: "b.inner" }] },
  },
});

const [a, b, c] = readChart(machine).root.states;
const labels = (arrows: readonly ChartArrow[] = []): string[] =>
  arrows.map((arrow) => `${labelOf(arrow)} → ${arrow.to ?? "stays"}`);

test("events, guards, delays and invoked actors are read in words, fall-backs as else", () => {
  expect(labels(a?.arrows).toSorted()).toEqual(
    [
      "go [is ready now] → b",
      "go [else] → c",
      "odd [on a condition] → c",
      "helper failed → c",
      "any actor failed → c",
      "any other event → c",
      "look up done → b",
      "look up failed → stays",
      "after short rest → b",
      "after 250 ms → c",
    ].toSorted(),
  );
  expect(a?.runs).toEqual(["look up"]);
  expect(labels(c?.arrows)).toEqual(["[is ready now] → a", "[else] → b.inner"]);
});

test("states within states, their beginning and their end", () => {
  expect(b).toMatchObject({ path: "b", kind: "compound", initial: "b.inner" });
  expect(b?.states[0]).toMatchObject({ path: "b.inner", name: "inner", kind: "final" });
  expect(labels(b?.arrows)).toEqual(["b done → c"]);
});

test("what leaves the state as it is tells what it does", () => {
  const [stays] = a?.arrows.filter(({ to }) => to === null) ?? [];
  expect(stays && labelWithActions(stays)).toBe("look up failed / note it, tell all");
});

test("a chart is plain data, and both kinds of drawing come from it", () => {
  const chart = readChart(machine);
  expect(JSON.parse(JSON.stringify(chart))).toEqual(chart);
  expect(drawMermaid(machine)).toContain("sample_a --> sample_b : go [is ready now] / ");
});

test("no text is wider than measured: capitals, unknown characters and bold count more", () => {
  expect(textWidth("", 12)).toBe(0);
  expect(textWidth("iii", 12)).toBeLessThan(textWidth("mmm", 12));
  expect(textWidth("漢", 10)).toBe(10);
  expect(textWidth("idle", 14, true)).toBeGreaterThan(textWidth("idle", 14));
  expect(wrapText("one two three", 10, textWidth("one two", 10))).toEqual(["one two", "three"]);
  expect(wrapText("unbreakable", 10, 1)).toEqual(["unbreakable"]);
});
