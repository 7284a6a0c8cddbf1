import * as fc from "fast-check";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { Lanes } from "../../machines/lanes.ts";
import { limits } from "../../machines/limits.ts";

interface Entered {
  readonly name: string;
  readonly lane: number;
  readonly age: number;
}

function filled(entered: readonly Entered[]): Lanes<string> {
  const line = new Lanes<string>();
  for (const { name, lane, age } of entered) line.enter(name, lane, age, name);
  return line;
}

describe("G1: a line with lanes", () => {
  test("G1: the lowest lane first, the oldest first within it; every fourth turn the oldest of all", () => {
    const line = filled([
      { name: "close-1", lane: 2, age: 1 },
      { name: "close-2", lane: 2, age: 2 },
      { name: "update-5", lane: 1, age: 5 },
      { name: "create-9", lane: 0, age: 9 },
      { name: "create-6", lane: 0, age: 6 },
      { name: "create-7", lane: 0, age: 7 },
    ]);
    const taken = Array.from({ length: 7 }, () => line.next());
    expect(taken).toEqual(["create-6", "create-7", "create-9", "close-1", "update-5", "close-2", undefined]);
  });

  test("of equal age the one that came first goes first", () => {
    const line = filled(["a", "b", "c"].map((name) => ({ name, lane: 0, age: 1 })));
    expect([line.next(), line.next(), line.next()]).toEqual(["a", "b", "c"]);
  });

  test("S3: a long line that comes in any order is put in order once, not moved along for each that comes", () => {
    const moves = vi.spyOn(Array.prototype, "splice");
    onTestFinished(() => moves.mockRestore());
    const many = 20_000;
    const line = filled(
      Array.from({ length: many }, (_, index) => ({
        name: `n${index}`,
        lane: 0,
        age: (index * 7_919) % many,
      })),
    );
    expect(line.sizes()).toEqual([many]);
    const ages = Array.from({ length: many }, () => (Number(line.next()?.slice(1)) * 7_919) % many);
    expect(ages).toEqual(Array.from({ length: many }, (_, index) => index));
    expect(moves.mock.calls.length).toBeLessThan(100);
  });

  test("of many that come older than the last, after one was taken, the oldest goes first", () => {
    const line = filled([101, 102, 103].map((age) => ({ name: `n${age}`, lane: 0, age })));
    expect(line.next()).toBe("n101");
    for (let age = 40; age > 0; age -= 1) line.enter(`n${age}`, 0, age, `n${age}`);
    const ages = [...Array.from({ length: 40 }, (_, index) => index + 1), 102, 103];
    expect(ages.map(() => line.next())).toEqual(ages.map((age) => `n${age}`));
  });

  test("S3: what was taken is let go of, now and then and not for each that is taken", () => {
    const many = 1_000;
    const line = filled(Array.from({ length: many }, (_, age) => ({ name: `n${age}`, lane: 0, age })));
    const copies = vi.spyOn(Array.prototype, "slice");
    onTestFinished(() => copies.mockRestore());
    for (let turn = 0; turn < many; turn += 1) line.next();
    const made = copies.mock.calls.length;
    copies.mockRestore();
    expect(made).toBeGreaterThan(5);
    expect(made).toBeLessThan(20);
  });

  test("a name that enters again has one place, the new one", () => {
    const line = filled([
      { name: "a", lane: 0, age: 1 },
      { name: "b", lane: 0, age: 2 },
      { name: "a", lane: 2, age: 3 },
    ]);
    expect(line.size).toBe(2);
    expect(line.sizes()).toEqual([1, 0, 1]);
    expect([line.next(), line.next(), line.next()]).toEqual(["b", "a", undefined]);
  });

  test("entering again with nothing new keeps the place; with another item it has that one", () => {
    const line = filled(["a", "b"].map((name) => ({ name, lane: 0, age: 1 })));
    line.enter("a", 0, 1, "a");
    expect([line.next(), line.next()]).toEqual(["a", "b"]);
    line.enter("a", 0, 1, "old");
    line.enter("a", 0, 1, "new");
    expect([line.next(), line.next()]).toEqual(["new", undefined]);
  });

  test("G1: at the oldest's turn, of those equally old the lower lane goes first", () => {
    const line = filled([
      { name: "create-7", lane: 0, age: 7 },
      { name: "close-7", lane: 2, age: 7 },
    ]);
    for (let turn = 1; turn < limits.oldestEveryTurns; turn += 1) {
      line.enter("newer", 0, 1, "newer");
      expect(line.next()).toBe("newer");
    }
    expect(line.next()).toBe("create-7");
  });

  test("who leaves is gone, and leaving twice does nothing", () => {
    const line = filled([{ name: "a", lane: 1, age: 1 }]);
    expect(line.leave("a")).toBe("a");
    expect(line.leave("a")).toBeUndefined();
    expect([line.has("a"), line.size, line.next()]).toEqual([false, 0, undefined]);
  });

  const moves = fc.array(
    fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({
          move: fc.constant("enter" as const),
          name: fc.nat(12),
          lane: fc.nat(3),
          age: fc.nat(5),
          again: fc.boolean(),
        }),
      },
      { weight: 1, arbitrary: fc.record({ move: fc.constant("leave" as const), name: fc.nat(12) }) },
      { weight: 2, arbitrary: fc.record({ move: fc.constant("next" as const) }) },
    ),
    // Fast-check's own choice of size would leave it at some ten moves.
    { maxLength: 80, size: "max" },
  );

  test("none is lost and none taken twice, whoever enters, moves, leaves or is taken", () => {
    fc.assert(
      fc.property(moves, (sequence) => {
        const line = new Lanes<number>();
        const present = new Map<number, { readonly lane: number; readonly age: number }>();
        let turns = 0;
        for (const step of sequence) {
          if (step.move === "enter") {
            const place = (step.again ? present.get(step.name) : undefined) ?? step;
            line.enter(String(step.name), place.lane, place.age, step.name);
            present.set(step.name, place);
          } else if (step.move === "leave") {
            expect(line.leave(String(step.name))).toBe(present.has(step.name) ? step.name : undefined);
            present.delete(step.name);
          } else {
            turns += 1;
            const taken = line.next();
            const places = [...present.values()];
            const lane = Math.min(...places.map((one) => one.lane));
            const fair = turns % limits.oldestEveryTurns === 0;
            const age = Math.min(...places.filter((one) => fair || one.lane === lane).map((one) => one.age));
            if (taken === undefined) expect(present.size).toBe(0);
            else expect(present.get(taken)).toMatchObject(fair ? { age } : { lane, age });
            if (taken !== undefined) present.delete(taken);
          }
          expect(new Set(line)).toEqual(new Set(present.keys()));
          expect([...line]).toHaveLength(present.size);
          expect(line.sizes().reduce((sum, size) => sum + size, 0)).toBe(line.size);
        }
      }),
    );
  });

  test("none starves: behind any stream of newer creates the oldest close is taken within four turns of being the oldest", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 3 }), (closes, perTurn) => {
        const line = new Lanes<string>();
        for (let age = 1; age <= closes; age += 1) line.enter(`close-${age}`, 2, age, `close-${age}`);
        const taken: string[] = [];
        for (let turn = 1; turn <= closes * limits.oldestEveryTurns; turn += 1) {
          for (let create = 0; create < perTurn; create += 1)
            line.enter(`create-${turn}-${create}`, 0, 100 + turn, `create-${turn}-${create}`);
          const next = line.next();
          if (next?.startsWith("close") === true) taken.push(next);
        }
        expect(taken).toEqual(Array.from({ length: closes }, (_, index) => `close-${index + 1}`));
      }),
    );
  });

  test("D7: a preferred lane goes first, in its order; the oldest keeps its turn; empty, it changes nothing", () => {
    const line = new Lanes<string>();
    for (let age = 1; age <= 4; age += 1) line.enter(`create-${age}`, 0, age, `create-${age}`);
    for (let age = 5; age <= 8; age += 1) line.enter(`close-${age}`, 2, age, `close-${age}`);
    const taken = Array.from({ length: 6 }, () => line.next(2));
    expect(taken).toEqual(["close-5", "close-6", "close-7", "create-1", "close-8", "create-2"]);
  });

  test("D7: a preferred lane in which nobody ever stood changes nothing", () => {
    const line = filled([{ name: "create-1", lane: 0, age: 1 }]);
    expect([line.next(2), line.next(2)]).toEqual(["create-1", undefined]);
  });
});
