/** R1: the text of one moment, taken in pieces while the fold goes on. */
import { describe, expect, test } from "vitest";
import { stateFromText, stateText } from "../../machines/fold-snapshot.ts";
import { shape, StateCapture } from "../../machines/state-capture.ts";
import { emptyResponseTable } from "../../machines/response-table.ts";
import { entry } from "../../machines/entry.ts";
import { limits } from "../../machines/limits.ts";
import { emptyState } from "../../machines/state.ts";
import { History, responseRow } from "./given.ts";

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

  describe("response tables", () => {
    const clients = ["client-01", "client-02", "client-03"];

    function insert(history: History, clientId: string, requestId: string): void {
      const row = responseRow(requestId, { clientId, status: "ack" });
      history.add(entry("audit", history.now, "response.row", { change: false, row }));
    }

    function withTables(): History {
      const history = some();
      for (const clientId of clients) for (const row of ["r1", "r2"]) insert(history, clientId, row);
      return history;
    }

    /** The first is larger than what is taken at once. */
    function withLargeTable(): History {
      const history = withTables();
      const settled = Array.from({ length: limits.snapshotPartChars / 2 }, () => 1);
      history.state.tables.set("client-01", { ...emptyResponseTable(), settled });
      return history;
    }

    test("have pieces of their own, longer than was asked for by one table at most", () => {
      const history = withTables();
      const { taken, text } = capture(history);
      const pieces: string[] = [];
      for (let part = taken.next(0); part !== null; part = taken.next(0)) pieces.push(part);
      expect(pieces.join("")).toBe(text);
      expect(pieces).toHaveLength(clients.length + names.length);
      expect(stateText(stateFromText(text))).toBe(text);
    });

    test("S3: no more than a piece of them is made before the first is asked for", () => {
      for (const history of [withTables(), withLargeTable()]) {
        const { taken, text } = capture(history);
        const last = history.state.tables.get("client-03");
        if (last !== undefined) last.inserted = 99; // as the fold never would
        const isLarge = text.length > limits.snapshotPartChars;
        expect(rest(taken).includes('"inserted":99')).toBe(isLarge);
      }
    });

    test.each([...clients, "new"])("a row for %s in between changes no text", (clientId) => {
      for (let pieces = 0; pieces <= clients.length + 1; pieces += 1) {
        const history = withLargeTable();
        const { taken, text } = capture(history);
        let begun = "";
        for (let piece = 0; piece < pieces; piece += 1) begun += taken.next(0) ?? "";
        insert(history, clientId, "late");
        insert(history, clientId, "later");
        expect(begun + rest(taken) === text, `after ${pieces} pieces`).toBe(true);
      }
    });

    test("as texts that were written whole, they are read as before", () => {
      const { state } = withTables();
      const { index: _index, capture: _capture, keys, ...head } = state;
      const whole = JSON.stringify({ shape, ...head, keys: [...keys.values()] }, (_name, value: unknown) =>
        value instanceof Map ? [...value] : value,
      );
      expect(stateText(stateFromText(whole))).toBe(stateText(state));
    });

    test.each(["responses.cleared", "settings.changed"] as const)(
      "R1: those that lose rows all at once, by %s, are shown as they were",
      (type) => {
        const history = withLargeTable();
        const { taken, text } = capture(history);
        const begun = taken.next(0) ?? "";
        history.add(
          type === "responses.cleared"
            ? entry("audit", history.now, type, { clientId: null, by: "ann" })
            : entry("settings", history.now, type, { ...history.state.settings, maxResponseRows: 1 }),
        );
        expect(begun + rest(taken) === text).toBe(true);
      },
    );
  });

  test("of a state without keys there is one piece, and no more", () => {
    const state = emptyState();
    const taken = new StateCapture(state);
    expect(taken.next(Infinity)).toBe(stateText(state));
    expect(taken.next(Infinity)).toBeNull();
  });
});
