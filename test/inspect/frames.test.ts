/** S3 S4 F4: what a frame holds of values that are long, secret, endless or poisonous. */
import { describe, expect, test } from "vitest";
import { eventFrame, type InspectedActor, snapshotFrame } from "../../actors/inspection-frames.ts";
import { limits } from "../../machines/limits.ts";

const actor: InspectedActor = { id: "client-01", getSnapshot: () => undefined };

/** What a reader makes of an event. */
function shown(event: unknown): unknown {
  const frame = JSON.parse(eventFrame(actor, event, { at: 0, source: null })) as { event: unknown };
  return frame.event;
}

function explode(): never {
  throw new Error("touched");
}

describe("F4: what it shows is never run", () => {
  test("getters are not read", () => {
    let reads = 0;
    const event = {
      type: "x",
      get poison() {
        reads += 1;
        return explode();
      },
      deep: {
        get poison() {
          reads += 1;
          return explode();
        },
      },
      list: Object.defineProperty([0], 0, { get: () => (reads += 1), enumerable: true }),
    };
    expect(shown(event)).toEqual({
      type: "x",
      poison: "[getter]",
      deep: { poison: "[getter]" },
      list: ["[getter]"],
    });
    expect(reads).toBe(0);
  });

  test.each<[string, unknown]>([
    ["a proxy whose keys throw", new Proxy({}, { ownKeys: explode })],
    ["a proxy whose members throw", new Proxy({ a: 1 }, { getOwnPropertyDescriptor: explode })],
    ["a proxy whose prototype throws", new Proxy({}, { getPrototypeOf: explode })],
    ["a revoked proxy", revoked()],
    ["a date that is none", new Date(Number.NaN)],
    [
      "a class with a poisonous member",
      new (class Poison {
        readonly a = 1;
        get b() {
          return explode();
        }
      })(),
    ],
    ["an error with a poisonous message", Object.defineProperty(new Error("x"), "message", { get: explode })],
    ["toJSON that throws", { toJSON: explode }],
  ])("%s costs its own place only", (_title, value) => {
    expect(shown({ type: "x", value, after: 1 })).toMatchObject({ type: "x", after: 1 });
    expect(shown(value)).toBeDefined();
    JSON.parse(snapshotFrame(actor, { status: "active", value: "idle", context: { value } }, { value }, 0));
    JSON.parse(snapshotFrame(actor, { status: "done", output: value, error: value }, value, 0));
    JSON.parse(snapshotFrame(actor, value, value, 0));
  });

  test("toJSON is a function like any other", () => {
    expect(shown({ toJSON: () => "mine" })).toEqual({ toJSON: "[function]" });
  });
});

describe("plain JSON", () => {
  test("whatever it was", () => {
    const event = {
      type: "x",
      reply: () => undefined,
      big: 12n,
      symbol: Symbol("s"),
      nan: Number.NaN,
      nothing: null,
      left: undefined,
      at: new Date(0),
      map: new Map<unknown, unknown>([
        ["a", 1],
        [2, "b"],
      ]),
      set: new Set([1, "b"]),
      error: new TypeError("bad"),
      other: new (class Lanes {
        readonly size = 1;
      })(),
    };
    expect(shown(event)).toEqual({
      type: "x",
      reply: "[function]",
      big: "12",
      symbol: "[symbol]",
      nan: "NaN",
      nothing: null,
      at: "1970-01-01T00:00:00.000Z",
      map: { a: 1, 2: "b" },
      set: [1, "b"],
      error: { name: "TypeError", message: "bad" },
      other: "[Lanes]",
    });
  });

  test("S7: a member named __proto__ is a member, and changes nothing", () => {
    const frame = eventFrame(actor, JSON.parse('{"type":"x","a":{"__proto__":{"evil":1}}}'), {
      at: 0,
      source: null,
    });
    expect(frame).toContain('"a":{"__proto__":{"evil":1}}');
    expect(Reflect.get({}, "evil")).toBeUndefined();
  });

  test("S4: members that are named like secrets, and users in URLs", () => {
    const event = {
      type: "x",
      password: "hunter2",
      passwordFile: "/etc/osb",
      nested: { Authorization: "Bearer abc", apiKey: "k", none: null, token: null },
      map: new Map([["accessToken", "abc"]]),
      url: "https://noc:hunter2@service.example/x",
    };
    expect(shown(event)).toEqual({
      type: "x",
      password: "[redacted]",
      passwordFile: "[redacted]",
      nested: { Authorization: "[redacted]", apiKey: "[redacted]", none: null, token: null },
      map: { accessToken: "[redacted]" },
      url: "https://[redacted]@service.example/x",
    });
  });
});

describe("S3: bounded", () => {
  const { inspectStringCharsMax, inspectValuesMax, inspectMembersMax, inspectDepthMax } = limits;
  test("a string at its limit is whole, one more is cut", () => {
    expect(shown({ a: "x".repeat(inspectStringCharsMax) })).toEqual({ a: "x".repeat(inspectStringCharsMax) });
    expect(shown({ a: "x".repeat(inspectStringCharsMax + 1) })).toEqual({
      a: `${"x".repeat(inspectStringCharsMax)}…`,
    });
  });

  test("members at their limit are all there, one more is counted", () => {
    const of = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`m${i}`, i]));
    expect(Object.keys(shown(of(inspectMembersMax)) as object)).toHaveLength(inspectMembersMax);
    expect(shown(of(inspectMembersMax + 2))).toMatchObject({ "…": "2 more" });
  });

  test("a long member takes nothing from the next", () => {
    const list = Array.from({ length: 1_000_000 }, () => "word");
    const seen = shown({ list, after: "whole" }) as { list: unknown[]; after: string };
    expect(seen.after).toBe("whole");
    expect(seen.list).toHaveLength(inspectValuesMax);
    expect(seen.list.at(-1)).toBe(`[${1_000_000 - (inspectValuesMax - 1)} more]`);
  });

  test("an endless depth ends", () => {
    const event: { type: string; self?: unknown } = { type: "x" };
    event.self = event;
    expect(JSON.stringify(shown(event)).match(/self/g)).toHaveLength(inspectDepthMax);
  });

  test("the worst frame is under 200 kB", () => {
    const long = "x".repeat(10_000);
    const wide = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`${i}${long}`, long]));
    const context = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`${i}${long}`, wide]));
    const text = snapshotFrame(actor, { status: "active", value: "idle", context }, context, 0);
    expect(text.length).toBeLessThan(200_000);
  });
});

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}
