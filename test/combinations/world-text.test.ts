import { describe, expect, test } from "vitest";
import { createActor, setup } from "xstate";
import { TextWriter } from "./world-text.ts";

const now = 1_800_000_000_000;

function textOf(value: unknown): string {
  const writer = new TextWriter({
    unread: new Set(["because"]),
    named: (object) => ("name" in object ? String(object.name) : undefined),
    moment: (name, at) => (name === "raisedAt" ? undefined : at < now - 1_000 ? "long ago" : at - now),
  });
  return writer.write(value);
}

describe("the same", () => {
  test.each([
    ["ids by their first appearance", ["id-7", "id-3 of id-7"], ["id-1", "id-2 of id-1"]],
    ["positions by their order", [{ position: 4 }, { position: 9 }], [{ position: 1 }, { position: 2 }]],
    ["tickets by their order", ["OSB-12", "OSB-3"], ["OSB-8", "OSB-2"]],
    ["what nothing reads", { a: 1, because: "x" }, { a: 1, because: "y" }],
    ["functions and what is undefined", { a: () => 1, b: undefined }, {}],
    ["moments further back than anything looks", { at: now - 5_000 }, { at: now - 9_000 }],
    ["moments of no use", { raisedAt: now - 5 }, {}],
    ["what is told elsewhere", { name: "OSB", port: 1 }, { name: "OSB", port: 2 }],
    ["a map and its entries", new Map([["a", 1]]), [["a", 1]]],
  ])("%s", (_, one, other) => expect(textOf(one)).toBe(textOf(other)));
});

describe("not the same", () => {
  test.each([
    ["an id that comes again, and another one", ["id-7", "id-7"], ["id-7", "id-8"]],
    ["positions in another order", [{ position: 4 }, { position: 9 }], [{ position: 9 }, { position: 4 }]],
    ["no position, and the first", [{ claim: 0 }], [{ claim: 1 }]],
    ["tickets of two services", ["OSB-1", "OSB-2"], ["OSB-1", "NORTH-2"]],
    ["which of two services' tickets is newer", ["OSB-1", "NORTH-2"], ["OSB-2", "NORTH-1"]],
    [
      "which of two kinds of positions is later",
      [{ position: 4 }, { claim: 7 }],
      [{ position: 4 }, { claim: 3 }],
    ],
    ["what is counted, by its name", { claim: 3, age: 3 }, { claim: 3, age: 0 }],
    ["a number that is none of these", { tries: 1 }, { tries: 2 }],
    ["a moment just now", { at: now - 5 }, { at: now - 6 }],
    ["null and nothing", { a: null }, {}],
    ["a text and its number", "1", 1],
    ["the borders of lists", [["a"], "b"], [["a", "b"]]],
  ])("%s", (_, one, other) => expect(textOf(one)).not.toBe(textOf(other)));
});

test("an actor is its state, and that of those under it", () => {
  const child = setup({ types: { events: {} as { readonly type: "go" } } }).createMachine({
    initial: "here",
    states: { here: { on: { go: "there" } }, there: {} },
  });
  const parent = setup({ actors: { child } }).createMachine({ invoke: { src: "child", id: "child" } });
  const actor = createActor(parent).start();
  const before = textOf(actor);
  expect(textOf(createActor(parent).start())).toBe(before);
  actor.getSnapshot().children["child"]?.send({ type: "go" });
  expect(textOf(actor)).not.toBe(before);
});
