/** A8: a parent's ticket at the service that was selected before is read there before it covers. */
import { describe, expect, test } from "vitest";
import { noFindings, type FlowFindings, type FlowInput } from "../../machines/flow-input.ts";
import { ticketName } from "../../machines/ticket-index.ts";
import { aboveOf, parentToRead } from "../../machines/upstream-search.ts";
import { KEY, noon, service, ticket, withTicket } from "./given.ts";
import { north } from "./steps.ts";

const below = "NE-BELOW";
const name = ticketName(service().name, "T1");
const settleMs = service().settleSeconds * 1000;

/** T1 of the element above lives at OSB, confirmed `agoMs` ago; NORTH is selected. */
function flowBelow(agoMs: number, change: Partial<FlowInput> = {}): FlowInput {
  const history = withTicket();
  history.now += agoMs;
  history.accept("n2", { alarm: "a2", key: below, alarmedObject: below });
  return history.start(below, { service: north, hasTopology: true, ...change });
}

function found(change: Partial<FlowFindings> = {}): FlowFindings {
  const hop = { elementId: KEY, hopNo: 1, name: "", type: "", interface: "", networkService: "" };
  const path = { elementId: below, hops: [hop], end: "root", loadedAt: noon } as const;
  return {
    ...noFindings,
    elements: [],
    path: { elementId: below, path, failure: null, at: noon },
    ...change,
  };
}

const toRead = (input: FlowInput, known = found()) => parentToRead(input, below, known);

describe("a parent's ticket", () => {
  test("at another service is to be read there, once that service has had its time to show it", () => {
    expect(toRead(flowBelow(settleMs))).toEqual({ ticketId: "T1", service: service() });
    expect(toRead(flowBelow(settleMs - 1)), "it may not be shown yet").toBeNull();
  });

  test("at the selected service is what the flow's own search shows", () => {
    expect(toRead(flowBelow(settleMs, { service: service() }))).toBeNull();
    const shown = ticket("T1", { networkElements: [KEY], clientReference: KEY });
    expect(toRead(flowBelow(settleMs, { service: service() }), found({ elements: [shown] }))).toBeNull();
  });

  test("that the search of the selected service shows is no other's of the same id", () => {
    const shown = ticket("T7", { networkElements: [KEY], clientReference: KEY });
    expect(toRead(flowBelow(settleMs), found({ elements: [shown] }))?.ticketId).not.toBe("T7");
  });

  test("is not read twice, nor at a service whose row is gone", () => {
    for (const isOpen of [true, false])
      expect(toRead(flowBelow(settleMs), found({ parents: new Map([[name, isOpen]]) }))).toBeNull();
    expect(toRead(flowBelow(settleMs, { serviceNamed: () => null }))).toBeNull();
  });

  test("lies above as long as it was not read as closed", () => {
    const above = (parents: FlowFindings["parents"]) =>
      aboveOf(flowBelow(settleMs), below, found({ parents })).map(({ ticketId }) => ticketId);
    expect(above(new Map())).toEqual(["T1"]);
    expect(above(new Map([[name, true]]))).toEqual(["T1"]);
    expect(above(new Map([[name, false]]))).toEqual([]);
    expect(above(new Map([[ticketName("NORTH", "T1"), false]])), "another's of that id").toEqual(["T1"]);
  });

  test("at the selected service lies above unless its search shows all there is, and not this one", () => {
    const above = (cut: FlowFindings["cut"]) =>
      aboveOf(flowBelow(settleMs, { service: service() }), below, found({ cut })).length;
    expect(above(new Set())).toBe(0);
    expect(above(new Set(["key"]))).toBe(0);
    expect(above(new Set(["elements"]))).toBe(1);
  });

  test("beside another of its element is told apart from it: how long each is known is its own", () => {
    const input = flowBelow(settleMs);
    const [one] = input.around.linkedOn([KEY]);
    if (one === undefined) throw new Error("Nothing is linked.");
    const other = { ...one, ticket: { ...one.ticket, ticketId: "T0", service: "WEST" } };
    const readOf = (order: readonly (typeof one)[], sinceMs: FlowInput["around"]["sinceMs"]) =>
      toRead({
        ...input,
        around: { ...input.around, sinceMs, linkedOn: (ids) => (ids.includes(KEY) ? [...order] : []) },
        serviceNamed: (named) => service({ name: named }),
      });
    for (const order of [
      [other, one],
      [one, other],
    ]) {
      const read = readOf(order, () => settleMs);
      const isRead = (known: { readonly service: string }) => known.service === read?.service.name;
      expect(readOf(order, (known) => (isRead(known) ? settleMs : 0))).toEqual(read);
      expect(readOf(order, (known) => (isRead(known) ? 0 : settleMs))).toBeNull();
    }
  });
});
