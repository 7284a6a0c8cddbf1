/** What a flow asks about the elements upstream, and which tickets there count, at every bound. */
import { describe, expect, test } from "vitest";
import { noFindings, type FlowFindings, type FlowInput } from "../../machines/flow-input.ts";
import { limits } from "../../machines/limits.ts";
import { settleAlarms } from "../../machines/settlement.ts";
import type { PathReading } from "../../machines/upstream.ts";
import { aboveOf, byElements, looksUpstream, ticketsOfBoth } from "../../machines/upstream-search.ts";
import type { Notification, Ticket } from "../../machines/vocabulary.ts";
import { ended, History, noon, settleMs, ticket, withTicket } from "./given.ts";
import { closed } from "./steps.ts";

const hop = { name: null, type: null, interface: null, networkService: null };

function reading(...ids: readonly string[]): PathReading {
  const hops = ids.map((elementId, hopNo) => ({ ...hop, elementId, hopNo }));
  const path = { elementId: ids[0] ?? "", hops, loadedAt: noon };
  return { elementId: path.elementId, path, failure: null, at: noon };
}

const unread: PathReading = { elementId: "CAB-7", path: null, failure: "it is down", at: noon };

/** A flow for CAB-7 beside NE-1, which has ticket T1 open on itself. */
function flow(history = withTicket(), ...changes: readonly Partial<Notification>[]): FlowInput {
  for (const [index, change] of (changes.length === 0 ? [{}] : changes).entries())
    history.accept(`cab-${index}`, { key: "CAB-7", alarm: `b${index}`, alarmedObject: "CAB-7", ...change });
  return history.start("CAB-7", { clientId: "client-02", hasTopology: true });
}

function found(elements: readonly Ticket[] | null, path: PathReading | null): FlowFindings {
  return { ...noFindings, elements, path };
}

describe("D2 D5: what the service is asked for", () => {
  test("open tickets on the element and on all upstream of it, nearest first, as many as a search may bring", () => {
    expect(byElements("CAB-7", reading("CAB-7", "NE-1", "HUB"))).toEqual({
      networkElements: ["CAB-7", "NE-1", "HUB"],
      status: ["acknowledged", "inProgress", "pending"],
      maxResults: limits.searchResultsMax,
    });
  });

  test.each([null, unread])("where no path is known, the element alone", (nothing) => {
    expect(byElements("CAB-7", nothing).networkElements).toEqual(["CAB-7"]);
  });

  test.each([
    { hops: limits.pathHopsMax, asked: limits.pathHopsMax },
    { hops: limits.pathHopsMax + 1, asked: limits.pathHopsMax },
  ])("of a path of $hops elements the nearest $asked", ({ hops, asked }) => {
    const ids = Array.from({ length: hops }, (_, index) => `E${index}`);
    expect(byElements("E0", reading(...ids)).networkElements).toEqual(ids.slice(0, asked));
  });
});

describe("D2 D5: whose path is looked up", () => {
  test.each([
    ["a raise", {}, "CAB-7"],
    ["a change", { kind: "change" }, "CAB-7"],
    ["a clear: nothing upstream matters to it", { kind: "clear" }, null],
    ["what is planned by what it says itself", { plannedOutage: true }, null],
  ] as [string, Partial<Notification>, string | null][])("%s", (_what, change, element) => {
    expect(looksUpstream(flow(undefined, change))).toBe(element);
    expect(looksUpstream({ ...flow(undefined, change), hasTopology: false })).toBeNull();
  });

  test("of several alarms that of the one that leads", () => {
    const changes = [{}, { alarmedObject: "CAB-7/port-2", severity: "critical" }] as const;
    expect(looksUpstream(flow(undefined, ...changes))).toBe("CAB-7/port-2");
  });

  test.each([
    { afterClear: 300, looks: null },
    { afterClear: 301, looks: "CAB-7" },
  ])("D0: a raise $afterClear s after its own early clear: $looks", ({ afterClear, looks }) => {
    const history = new History();
    const { ref } = history.accept("early", { key: "CAB-7", alarm: "b0", kind: "clear", clearedAt: noon });
    history.add(...settleAlarms(history.key("CAB-7"), [ref], noon, ended("stopped", "D12")));
    expect(looksUpstream(flow(history, { raisedAt: noon + afterClear * 1000 }))).toBe(looks);
  });
});

describe("D5 T2: which tickets lie over the element", () => {
  const path = reading("CAB-7", "NE-1", "HUB");
  const hub = ticket("T9", { clientReference: "HUB", networkElements: ["HUB"] });
  const ids = (input: FlowInput, findings: FlowFindings) =>
    aboveOf(input, "CAB-7", findings).map(
      ({ ticketId, key, hopNo }) => `${ticketId} ${String(key)} ${hopNo}`,
    );

  test("those that the search shows, and those that our own facts know: nearest first", () => {
    expect(ids(flow(), found([hub], path))).toEqual(["T1 NE-1 1", "T9 HUB 2"]);
  });

  test.each([
    ["not upstream of it", reading("CAB-7", "HUB")],
    ["on an unknown path", unread],
    ["on a path nobody asked for", null],
  ] as const)("none of ours %s", (_what, elsewhere) => {
    expect(ids(flow(), found([], elsewhere))).toEqual([]);
  });

  test("none of the key's own", () => {
    const history = withTicket();
    history.accept("again", { alarm: "a2" });
    const input = history.start();
    expect(aboveOf(input, "CAB-7", found([], path))).toEqual([]);
  });

  test.each([
    { ms: settleMs - 1, results: 0, counts: true },
    { ms: settleMs, results: 0, counts: false },
    { ms: settleMs, results: limits.searchResultsMax - 1, counts: false },
    { ms: settleMs, results: limits.searchResultsMax, counts: true },
  ])(
    "one of ours that $results results do not show, $ms ms after its confirmation: counts $counts",
    ({ ms, results, counts }) => {
      const history = withTicket();
      history.now += ms;
      const beside = (_: unknown, index: number) => ticket(`B${index}`, { networkElements: ["ELSEWHERE"] });
      const elements = Array.from({ length: results }, beside);
      expect(ids(flow(history), found(elements, path))).toEqual(counts ? ["T1 NE-1 1"] : []);
    },
  );

  test.each([
    { ms: settleMs - 1, counts: false },
    { ms: settleMs, counts: true },
  ])("one of ours that is shown open $ms ms after we closed it: counts $counts", ({ ms, counts }) => {
    const history = closed(0);
    history.now += ms;
    const shown = found([ticket("T1")], path);
    expect(ids(flow(history), shown)).toEqual(counts ? ["T1 NE-1 1"] : []);
  });

  test("of a search that was not made nothing is concluded but what our own facts say", () => {
    const history = withTicket();
    history.now += settleMs - 1;
    expect(ids(flow(history), found(null, path))).toEqual(["T1 NE-1 1"]);
  });
});

describe("what a decision record names", () => {
  const [own, both, upstream] = ["T1", "T2", "T3"].map((id) => ticket(id)) as [Ticket, Ticket, Ticket];

  test("a ticket that both searches found once, those of the key first", () => {
    const again = ticket("T2", { severity: "critical" });
    expect(ticketsOfBoth([own, both], [again, upstream])).toEqual([own, both, upstream]);
  });

  test("where nobody asked upstream, those of the key", () => {
    expect(ticketsOfBoth([own, both], null)).toEqual([own, both]);
  });
});
