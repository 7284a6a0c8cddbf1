/** D7 and D5: what a flow may know beyond its key, at every boundary. */
import { describe, expect, test } from "vitest";
import { byTheWall } from "../../machines/decision.ts";
import { entry } from "../../machines/entry.ts";
import { limits } from "../../machines/limits.ts";
import { keyStream } from "../../machines/state.ts";
import type { Notification, RequestPayload } from "../../machines/vocabulary.ts";
import {
  maxOpenTicketsOf,
  roomForTickets,
  surroundings,
  ticketsOpenOrComing,
} from "../../machines/surroundings.ts";
import {
  closePayload,
  createPayload,
  ended,
  History,
  KEY,
  noon,
  requestSettled,
  service,
  updatePayload,
  withTicket,
} from "./given.ts";
import { lose } from "./steps.ts";

const createOfB = { ...createPayload, clientReference: "B" } as RequestPayload;
const at = (key: string) => ({ key, alarm: `alarm of ${key}`, alarmedObject: key });

/** Room for so many open tickets, and `KEY` has one. */
function oneOpen(maxOpenTickets: number): History {
  return withTicket(new History({ maxOpenTickets }));
}

/** A flow of the key, with a client of its own. */
function begin(history: History, key: string, clientId: string, kind: Notification["kind"] = "raise"): void {
  history.accept(`${key} ${kind}`, { ...at(key), kind });
  history.start(key, { clientId });
}

describe("D7: how many tickets are open or coming", () => {
  test("those that are open", () => {
    expect(ticketsOpenOrComing(new History({ maxOpenTickets: 1 }).state, null)).toBe(0);
    expect(ticketsOpenOrComing(oneOpen(2).state, null)).toBe(1);
  });

  test("what comes is looked at only where it can reach the bound", () => {
    for (const [maxOpenTickets, coming] of [
      [1, 2], // below: counted
      [3, 2], // the ticket, a client that has no work now, one that has: at the bound
      [4, 1], // all of them together stay below it
    ] as const) {
      const history = oneOpen(maxOpenTickets);
      begin(history, "B", "client-02");
      expect([maxOpenTickets, ticketsOpenOrComing(history.state, null)]).toEqual([maxOpenTickets, coming]);
    }
  });

  test("requests under way weigh as clients do", () => {
    const history = oneOpen(3);
    history.accept("b", at("B"));
    history.plan(createOfB, service(), "B");
    history.end("parked", "B");
    // The ticket, its client and the request make three.
    expect(ticketsOpenOrComing(history.state, null)).toBe(2);
  });

  test.each([
    ["raise", 2],
    ["change", 2],
    ["clear", 1],
  ] as const)("a flow whose head is a %s: %i", (kind, expected) => {
    const history = oneOpen(1);
    begin(history, "B", "client-02", kind);
    expect(ticketsOpenOrComing(history.state, null)).toBe(expected);
  });

  test("a flow that decides again may make one, whatever has come in meanwhile", () => {
    const history = new History({ maxOpenTickets: 1 });
    const [accepted] = [history.accept("b", at("B"))];
    const settled = ended("adopted", "D5");
    history.add(
      entry(keyStream("B"), noon, "alarm.settled", {
        ...settled,
        alarm: accepted.ref,
        key: "B",
        supersedes: null,
      }),
      entry(keyStream("B"), noon, "alarm.reconsidered", {
        alarm: accepted.ref,
        key: "B",
        notification: accepted.notification,
        replaces: { position: history.facts.length + 1, outcome: "adopted" },
        because: "",
      }),
    );
    history.accept("b clear", { ...at("B"), kind: "clear" });
    history.start("B", { group: history.key("B").waiting.slice(0, 1) });
    expect(ticketsOpenOrComing(history.state, null)).toBe(1);
  });

  test("a key without a flow makes none, nor one whose ticket is open", () => {
    const waiting = oneOpen(1);
    waiting.accept("b", at("B"));
    expect(ticketsOpenOrComing(waiting.state, null)).toBe(1);
    const open = oneOpen(1);
    open.accept("again", { alarm: "another" });
    open.start();
    expect(ticketsOpenOrComing(open.state, null)).toBe(1);
  });

  test("a create that is planned counts, with a flow or without, and once; a close does not", () => {
    const history = oneOpen(1);
    history.accept("b", at("B"));
    history.plan(createOfB, service(), "B");
    expect(ticketsOpenOrComing(history.state, null)).toBe(2);
    history.end("parked", "B");
    expect(ticketsOpenOrComing(history.state, null)).toBe(2);
    const closing = oneOpen(1);
    closing.accept("clear", { kind: "clear" });
    closing.plan(closePayload, service());
    expect(ticketsOpenOrComing(closing.state, null)).toBe(1);
  });

  test("a flow whose update is planned makes none, though its ticket has gone meanwhile", () => {
    const history = oneOpen(1);
    history.accept("worse", { kind: "change", severity: "critical" });
    history.plan(updatePayload, service());
    lose(history);
    expect(ticketsOpenOrComing(history.state, null)).toBe(0);
  });

  test("who asks does not count itself", () => {
    const history = oneOpen(1);
    begin(history, "B", "client-02");
    begin(history, "C", "client-03");
    expect(ticketsOpenOrComing(history.state, null)).toBe(3);
    expect(ticketsOpenOrComing(history.state, "B")).toBe(2);
    expect(surroundings(history.state, "B", byTheWall(noon)).openTicketsTotal()).toBe(2);
  });

  test("the bound is of the settings, or its default", () => {
    expect(maxOpenTicketsOf(new History().state)).toBe(limits.maxOpenTicketsDefault);
    expect(maxOpenTicketsOf(new History({ maxOpenTickets: 7 }).state)).toBe(7);
  });

  test("room is what is left, and never less than none", () => {
    expect(roomForTickets(oneOpen(5).state)).toBe(4);
    expect(roomForTickets(oneOpen(1).state)).toBe(0);
    const crowded = oneOpen(1);
    begin(crowded, "B", "client-02");
    expect(roomForTickets(crowded.state)).toBe(0);
  });
});

describe("D5: tickets that the ledger links", () => {
  test("are found by each element they are on, and by no other", () => {
    const history = withTicket();
    const around = surroundings(history.state, "B", byTheWall(noon));
    const found = around.linkedOn(["HUB", "NE-1", "NE-2"]);
    expect(found.map(({ key, elementId, ticket }) => [key, elementId, ticket.ticketId])).toEqual([
      [KEY, "NE-1", "T1"],
    ]);
    expect(around.linkedOn(["NE-2"])).toEqual([]);
  });

  test("only those on the element, where the key has others too", () => {
    const history = withTicket();
    history.accept("n2", { alarm: "a2" });
    history.plan({ ...createPayload, networkElements: ["NE-2"] } as RequestPayload, service());
    const { requestId } = history.send();
    history.add(
      requestSettled(noon, {
        requestId,
        command: "create",
        ticketId: "T2",
        ticket: { status: "acknowledged", severity: "major", openedAt: noon },
      }),
    );
    const around = surroundings(history.state, "B", byTheWall(noon));
    expect(around.linkedOn(["NE-2"]).map(({ ticket }) => ticket.ticketId)).toEqual(["T2"]);
    expect(around.linkedOn(["NE-1", "NE-2"]).map(({ ticket }) => ticket.ticketId)).toEqual(["T1", "T2"]);
  });

  test("that we closed lately are known by when", () => {
    const history = withTicket();
    history.accept("clear", { kind: "clear" });
    history.plan(closePayload, service());
    const { requestId } = history.send();
    history.now += 5_000;
    history.add(
      requestSettled(history.now, {
        requestId,
        ticket: { status: "closed", severity: null, openedAt: null },
      }),
    );
    const around = surroundings(history.state, "B", byTheWall(history.now + 2_000));
    expect(around.closedSinceMs(KEY, "T1")).toBe(2_000);
    expect(around.closedSinceMs(KEY, "T2")).toBeNull();
    expect(around.closedSinceMs("nobody's", "T1")).toBeNull();
  });
});
