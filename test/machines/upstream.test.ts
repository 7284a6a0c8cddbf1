import { describe, expect, test } from "vitest";
import { limits } from "../../machines/limits.ts";
import {
  elementsUpstream,
  maintenanceNow,
  parentTicket,
  pathNote,
  ticketsAbove,
  type AboveInput,
} from "../../machines/upstream.ts";
import type { NetworkPath, Ticket } from "../../machines/vocabulary.ts";
import { KEY, noon, service, settleMs, ticket } from "./given.ts";

function path(...ids: string[]): NetworkPath {
  const hops = ids.map((elementId, hopNo) => ({
    hopNo,
    elementId,
    name: null,
    type: null,
    interface: null,
    networkService: null,
  }));
  return { elementId: ids[0] ?? "", hops, loadedAt: noon };
}

const elsewhere = (ticketId: string, change: Partial<Ticket> = {}): Ticket =>
  ticket(ticketId, { clientReference: "HUB", networkElements: ["HUB"], ...change });

function above(change: Partial<AboveInput> = {}): ReturnType<typeof ticketsAbove> {
  return ticketsAbove({
    key: KEY,
    elementId: "NE-1",
    path: path("NE-1", "NODE", "HUB"),
    found: [],
    complete: true,
    linked: [],
    closedSinceMs: () => null,
    sinceMs: (known) => noon - known.confirmedAt,
    service: service(),
    ...change,
  });
}

const linked = (confirmedAt: number, at = "OSB") => ({
  key: "HUB",
  elementId: "HUB",
  ticket: {
    ticketId: "T9",
    service: at,
    status: "acknowledged" as const,
    severity: null,
    openedAt: noon,
    confirmedAt,
    elements: ["HUB"],
  },
});

describe("the elements upstream of an alarmed one", () => {
  test.each([
    { hops: ["NE-1"], upstream: [] },
    { hops: ["NE-1", "NODE", "HUB"], upstream: ["NODE", "HUB"] },
    { hops: ["NE-1", "NODE", "NE-1", "NODE"], upstream: ["NODE"] },
  ])("of $hops: $upstream", ({ hops, upstream }) => {
    expect(elementsUpstream(path(...hops))).toEqual(upstream);
  });

  test("hops come in any order; without a path there are none", () => {
    const there = path("NE-1", "NODE", "HUB");
    expect(elementsUpstream({ ...there, hops: there.hops.toReversed() })).toEqual(["NODE", "HUB"]);
    expect(elementsUpstream(null)).toEqual([]);
  });
});

describe("D5: the parent", () => {
  test("the nearest upstream, the oldest of equals", () => {
    const found = [
      elsewhere("far"),
      elsewhere("young", { networkElements: ["NODE"], openedAt: noon + 1 }),
      elsewhere("old", { networkElements: ["x", "NODE"] }),
    ];
    expect(above({ found }).map((one) => one.ticketId)).toEqual(["old", "young", "far"]);
    expect(parentTicket(above({ found }))).toMatchObject({ ticketId: "old", elementId: "NODE", hopNo: 1 });
  });

  test("of the same age too the order does not depend on the search's; of unknown age: before all others", () => {
    const { openedAt: _unsaid, ...unsaid } = elsewhere("c");
    for (const found of [
      [elsewhere("a"), elsewhere("b"), unsaid],
      [unsaid, elsewhere("b"), elsewhere("a")],
    ])
      expect(above({ found }).map((one) => one.ticketId)).toEqual(["c", "a", "b"]);
  });

  test("all that is known of it, found or only linked", () => {
    const told = { ticketId: "T9", service: "OSB", kind: "MO", key: "HUB", elementId: "HUB", hopNo: 2 };
    const always = { openedAt: noon, startAt: null, endAt: null };
    expect(above({ found: [elsewhere("T9")] })).toEqual([{ ...told, ...always }]);
    expect(above({ linked: [linked(noon)] })).toEqual([{ ...told, ...always }]);
    const { openedAt: _unsaid, ...unsaid } = elsewhere("T9");
    expect(above({ found: [unsaid] })).toEqual([{ ...told, ...always, openedAt: null }]);
  });

  test.each([
    [["HUB", "NODE"], "NODE"],
    [["NODE", "HUB"], "NODE"],
    [["HUB", "HUB"], "HUB"],
  ])("one on %j lies at the nearest of them, %s", (networkElements, elementId) => {
    expect(above({ found: [elsewhere("T", { networkElements })] })[0]).toMatchObject({ elementId });
  });

  test("none on the element itself, though the path that is known goes through it from elsewhere", () => {
    const input = { path: path("X", "NE-1", "HUB") };
    const own = elsewhere("T", { networkElements: ["NE-1"] });
    expect(parentTicket(above({ ...input, found: [own] }))).toBeNull();
    expect(above({ ...input, linked: [{ ...linked(noon), elementId: "NE-1" }] })).toEqual([]);
    expect(above({ ...input, found: [elsewhere("T")] })[0]).toMatchObject({ elementId: "HUB", hopNo: 1 });
  });

  test.each([
    ["is closed", elsewhere("T", { status: "closed" })],
    ["lies on the alarmed element itself", elsewhere("T", { networkElements: ["NE-1"] })],
    ["is this key's own", elsewhere("T", { clientReference: KEY })],
    ["lies beside the path", elsewhere("T", { networkElements: ["OTHER"] })],
    ["is planned maintenance", elsewhere("T", { kind: "PLM" })],
  ])("none: a ticket that %s", (_what, one) => {
    expect(parentTicket(above({ found: [one] }))).toBeNull();
  });

  test.each([
    { ms: settleMs - 1, counts: false },
    { ms: settleMs, counts: true },
  ])("T2: shown open $ms ms after we closed it: counts $counts", ({ ms, counts }) => {
    const closedSinceMs = (key: string, id: string) => (key === "HUB" && id === "T9" ? ms : null);
    expect(above({ found: [elsewhere("T9")], closedSinceMs })).toHaveLength(counts ? 1 : 0);
  });

  test.each([
    { ms: settleMs - 1, counts: true },
    { ms: settleMs, counts: false },
  ])("T2: linked, missed by the search $ms ms after its confirmation: counts $counts", ({ ms, counts }) => {
    expect(above({ linked: [linked(noon - ms)] })).toHaveLength(counts ? 1 : 0);
  });

  test("T2: the search's silence counts only where it was asked for all, and of the service asked", () => {
    const before = noon - settleMs;
    expect(above({ linked: [linked(before)], complete: false })).toHaveLength(1);
    expect(above({ linked: [linked(before, "OTHER")] })).toHaveLength(1);
    expect(above({ linked: [{ ...linked(noon), key: KEY }] })).toHaveLength(0);
    expect(above({ linked: [linked(noon)], found: [elsewhere("T9")] })).toHaveLength(1);
  });
});

describe("D2: planned maintenance", () => {
  const plan = (change: Partial<Ticket>) => above({ found: [elsewhere("P", { kind: "PLM", ...change })] });

  test.each([
    ["begins now", { startAt: noon, endAt: noon + 1 }, true],
    ["begins in a millisecond", { startAt: noon + 1, endAt: noon + 2 }, false],
    ["ends in a millisecond", { startAt: noon - 1, endAt: noon + 1 }, true],
    ["ends now", { startAt: noon - 1, endAt: noon }, false],
    ["has no end", { startAt: noon }, true],
    ["has no start", { endAt: noon + 1 }, true],
    ["is cancelled", { startAt: noon, endAt: noon + 1, status: "cancelled" }, false],
    ["lies on the element itself", { networkElements: ["NE-1"], startAt: noon }, true],
    ["was made for this key, whatever its elements", { clientReference: KEY, networkElements: [] }, true],
    ["lies elsewhere", { networkElements: ["OTHER"] }, false],
  ] as [string, Partial<Ticket>, boolean][])("a window that %s", (_what, change, covers) => {
    expect(maintenanceNow(plan(change), noon) !== null).toBe(covers);
  });

  test("one that was made for this key lies on its element, wherever else it lies", () => {
    const [only] = plan({ clientReference: KEY, networkElements: ["HUB"] });
    expect(only).toMatchObject({ elementId: "NE-1", hopNo: 0 });
  });

  test("of several one without an end lasts longest, and of equals the nearest", () => {
    const open = elsewhere("open", { kind: "PLM" });
    const ends = elsewhere("ends", { kind: "PLM", endAt: noon + 10, networkElements: ["NODE"] });
    const near = { ...open, ticketId: "near", networkElements: ["NODE"] };
    for (const found of [
      [open, ends],
      [ends, open],
    ])
      expect(maintenanceNow(above({ found }), noon)?.ticketId).toBe("open");
    expect(maintenanceNow(above({ found: [open, near] }), noon)?.ticketId).toBe("near");
    const far = { ...ends, ticketId: "far", networkElements: ["HUB"], endAt: noon + 11 };
    expect(maintenanceNow(above({ found: [ends, far] }), noon)?.ticketId).toBe("far");
  });

  test("of several the one that lasts longest, so that nothing is decided again in between", () => {
    const found = [
      elsewhere("short", { kind: "PLM", endAt: noon + 10 }),
      elsewhere("long", { kind: "PLM", endAt: noon + 20, networkElements: ["NODE"] }),
      elsewhere("MO"),
    ];
    expect(maintenanceNow(above({ found }), noon)?.ticketId).toBe("long");
  });
});

test("what a decision record says about the path", () => {
  const reading = { elementId: "NE-1", path: path("NE-1", "HUB"), failure: null, at: noon };
  const ending = (end: NetworkPath["end"]) =>
    pathNote({ ...reading, path: { ...path("NE-1", "HUB"), ...(end === undefined ? {} : { end }) } });
  expect([pathNote(null), ending(undefined), ending("root")]).toEqual([null, null, null]);
  expect(pathNote({ ...reading, path: null })).toBeNull();
  expect(ending("loop")).toContain("circle");
  expect(ending("dangling")).toContain("not in the topology");
  expect(ending("limit")).toContain("nearest 2");
  expect(pathNote({ ...reading, path: null, failure: "it is down" })).toBe(
    "Decided without the path: it is down",
  );
  expect(limits.pathHopsMax).toBeGreaterThan(1);
});
