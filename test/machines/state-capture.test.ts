/** R1: the text of one moment, taken in pieces while the fold goes on. */
import { describe, expect, test } from "vitest";
import { stateFromText, stateText } from "../../machines/fold-snapshot.ts";
import { shape, StateCapture } from "../../machines/state-capture.ts";
import { emptyState } from "../../machines/state.ts";
import { History } from "./given.ts";

const names = ["A", "B", "C", "D"];

function some(): History {
  const history = new History();
  for (const key of names) history.accept(`${key} raise`, { key, alarm: key });
  return history;
}

/** A capture of the moment, held by the fold as the engine does, and its text. */
function capture(history: History): { readonly taken: StateCapture; readonly text: string } {
  const text = stateText(history.state);
  const taken = new StateCapture(history.state);
  history.state.capture = taken;
  return { taken, text };
}

function rest(taken: StateCapture): string {
  let text = "";
  for (let part = taken.next(0); part !== null; part = taken.next(0)) text += part;
  return text;
}

describe("R1: a snapshot in pieces", () => {
  test("each piece is longer than was asked for by one key at most, and together they are the whole", () => {
    const history = some();
    const { taken, text } = capture(history);
    const pieces: string[] = [];
    for (let part = taken.next(0); part !== null; part = taken.next(0)) pieces.push(part);
    expect(pieces.join("")).toBe(text);
    expect(pieces).toHaveLength(names.length);
    const ofTwo = new StateCapture(history.state);
    const one = JSON.stringify(history.key("A")).length;
    const begun = ofTwo.next(one);
    expect(begun).toContain('"key":"B"');
    expect(begun).not.toContain('"key":"C"');
    expect(begun + rest(ofTwo)).toBe(text);
  });

  test("a key that reaches exactly what was asked for is followed by one more", () => {
    const history = some();
    const whole = new StateCapture(history.state);
    whole.next(0);
    const second = whole.next(0) ?? "";
    const taken = new StateCapture(history.state);
    taken.next(0);
    expect(taken.next(second.length - 1)).toContain('"key":"C"'); // without its comma: as long as was asked for
  });

  test("whatever changes, comes or goes in between, before its turn, after it or twice", () => {
    for (const changed of [...names, "new"]) {
      const history = some();
      const { taken, text } = capture(history);
      const begun = `${taken.next(0) ?? ""}${taken.next(0) ?? ""}`;
      history.accept(`${changed} again`, { key: changed, alarm: "another" });
      history.accept(`${changed} and again`, { key: changed, alarm: "a third" });
      expect(begun + rest(taken), changed).toBe(text);
    }
  });

  test("before its first piece too", () => {
    const history = some();
    const { taken, text } = capture(history);
    for (const key of names) history.accept(`${key} again`, { key, alarm: "another" });
    expect(rest(taken)).toBe(text);
  });

  test("a key's text is let go of with its piece", () => {
    const history = some();
    const { taken } = capture(history);
    const key = history.key("A");
    taken.before(key);
    taken.next(0);
    // It would be taken again if its piece were still to come.
    key.crashes = 99;
    taken.before(key);
    expect(rest(taken)).not.toContain('"crashes":99');
  });

  test("a text of another shape is not read: the ledger is folded from its start", () => {
    const text = stateText(some().state);
    expect(stateText(stateFromText(text))).toBe(text);
    const older = text.replace(`"shape":${shape}`, `"shape":${shape - 1}`);
    expect(older).not.toBe(text);
    expect(stateText(stateFromText(older))).toBe(stateText(emptyState()));
  });

  test("of a state without keys there is one piece, and no more", () => {
    const state = emptyState();
    const taken = new StateCapture(state);
    expect(taken.next(Infinity)).toBe(stateText(state));
    expect(taken.next(Infinity)).toBeNull();
  });
});
