/** What becomes of requests of unknown fate, and of those who waited behind them, when a search tells. */
import { describe, expect, test } from "vitest";
import { nextStep } from "../../machines/flow-plan.ts";
import { settleAlarms } from "../../machines/settlement.ts";
import type { Ticket } from "../../machines/vocabulary.ts";
import {
  body,
  closePayload,
  createPayload,
  ended,
  History,
  ticket,
  types,
  updatePayload,
  withTicket,
} from "./given.ts";
import {
  carryOut,
  decidedAgain,
  done,
  findGone,
  lose,
  searched,
  send,
  settleUnknown,
  unknownOf,
} from "./steps.ts";

describe("G4: what is unknown does not stay so for ever", () => {
  test("an update: the next search shows its ticket as it asked", () => {
    const history = unknownOf(updatePayload);
    history.now += 60_000;
    history.accept("n3", { alarm: "a2" });
    const step = nextStep(
      history.start(),
      searched(ticket("T1", { severity: "critical" })),
      null,
      history.now,
    );
    carryOut(history, step);
    expect(history.outcomes()).toMatchObject({ next: "updated" });
    expect([history.state.unknown.size, history.key().unknown.length]).toEqual([0, 0]);
    expect(history.key().open.get("T1")?.severity).toBe("critical");
  });

  test("an update that the search does not show yet stays unknown", () => {
    const history = unknownOf(updatePayload);
    history.accept("n3", { alarm: "a2" });
    carryOut(history, nextStep(history.start(), searched(ticket("T1")), null, history.now));
    expect([history.state.unknown.size, history.outcomes()["next"]]).toEqual([1, "unknown"]);
  });

  test("A8: a reopening, found done by the flow of the clear: it closes what was opened again", () => {
    const history = withTicket(new History({ reopenSeconds: 600 }));
    history.accept("clear", { kind: "clear" });
    send(history, closePayload);
    done(history);
    history.accept("again");
    send(history, { command: "update", ticketId: "T1", status: "inProgress", alarmRefs: [] });
    settleUnknown(history);
    history.accept("clear again", { kind: "clear" });
    const shown = searched(ticket("T1", { status: "inProgress" }));
    carryOut(history, nextStep(history.start(), shown, null, history.now));
    expect(history.outcomes()).toMatchObject({ again: "updated" });
    expect(history.request().payload).toMatchObject({ command: "close", ticketId: "T1" });
  });

  test("a close: the next search finds its ticket closed, and it was no stranger who did it", () => {
    const history = unknownOf(closePayload);
    history.accept("n3", { alarm: "a2" });
    const step = findGone(history);
    carryOut(history, step);
    expect(step.step === "search" ? [] : types(step.entries)).not.toContain("ticket.lost");
    expect(history.outcomes()).toMatchObject({ next: "closed" });
    expect(history.state.unknown.size).toBe(0);
  });

  test.each([
    { what: "update", payload: updatePayload },
    { what: "close", payload: closePayload },
  ])("a $what: its ticket is closed by a later request, and nobody needs to know any more", ({ payload }) => {
    const history = unknownOf(payload);
    history.accept("clear", { kind: "clear", alarm: "a1" });
    send(history, closePayload);
    done(history);
    expect([history.state.unknown.size, history.key().unknown.length]).toEqual([0, 0]);
    const [known] = [...history.state.settledRequests.values()];
    expect(known?.result, "a result that comes late still finds it").toBe("unknown");
  });

  test("its ticket is lost: the same", () => {
    const history = unknownOf(updatePayload);
    lose(history);
    expect(history.state.unknown.size).toBe(0);
  });

  describe("a create that is found by its id", () => {
    function lostCreate(): History {
      const history = new History();
      history.accept("n1");
      send(history, createPayload);
      settleUnknown(history);
      return history;
    }
    function find(history: History, found: Ticket): ReturnType<typeof nextStep> {
      const input = history.start();
      const [requestId] = [...history.state.unknown.keys()];
      const unknown = new Map([[requestId ?? "", [found]]]);
      return nextStep(input, { ...searched(found), unknown }, null, history.now);
    }
    function behind(history: History, id: string, alarm: string): void {
      history.accept(id, { alarm });
      const [requestId] = [...history.state.unknown.keys()];
      const unknown = new Map([[requestId ?? "", []]]);
      carryOut(history, nextStep(history.start(), { ...searched(), unknown }, null, history.now));
      history.end("settled");
      expect(history.outcomes()[id]).toBe("unknown");
    }

    test("those who had waited behind it are decided again", () => {
      const history = lostCreate();
      behind(history, "n2", "a2");
      history.accept("n3", { alarm: "a3" });
      carryOut(history, find(history, ticket("T1")));
      history.end("settled");
      expect(history.outcomes()).toMatchObject({ n1: "created", n3: "adopted" });
      expect(decidedAgain(history)).toEqual(["n2"]);
      carryOut(history, nextStep(history.start(), searched(ticket("T1")), null, history.now));
      expect(history.outcomes()).toMatchObject({ n2: "adopted" });
    });

    test("those whose alarm had ended meanwhile need no decision", () => {
      const history = lostCreate();
      behind(history, "n2", "a2");
      history.accept("n4", { alarm: "a2", kind: "clear" });
      history.add(
        ...settleAlarms(
          history.key(),
          history.key().waiting.map(({ ref }) => ref),
          history.now,
          ended("stopped", "D12"),
        ),
      );
      history.accept("n3", { alarm: "a3" });
      carryOut(history, find(history, ticket("T1")));
      history.end("settled");
      expect(history.outcomes()).toMatchObject({ n1: "created", n2: "stopped" });
      const said = history.facts.flatMap(({ type, body: told }) =>
        type === "alarm.settled" && told.alarm.id === "n2" ? [told.because] : [],
      );
      expect(said.at(-1)).toBe("Ticket T1 was found by the request's id. The alarm had ended by then.");
    });

    test("those whose alarm's clear finds the create need no ticket once it is settled (D0)", () => {
      const history = lostCreate();
      behind(history, "n2", "a2");
      history.accept("n4", { alarm: "a1", kind: "clear" });
      history.accept("n5", { alarm: "a2", kind: "clear" });
      carryOut(history, find(history, ticket("T1")));
      expect(history.request().payload).toMatchObject({ command: "close", ticketId: "T1" });
      history.send();
      done(history);
      // A newer alarm of the key, which does need a ticket, is not decided with it.
      history.accept("n6", { alarm: "a3" });
      expect(decidedAgain(history)).toEqual(["n2"]);
      carryOut(history, nextStep(history.start(), searched(), null, history.now));
      history.end("settled");
      expect(history.outcomes()).toMatchObject({ n2: "stopped", n5: "coalesced" });
      expect(decidedAgain(history)).toEqual(["n6"]);
    });

    test("closed by somebody since: it is unknown no longer, and another may be made", () => {
      const history = lostCreate();
      history.accept("n3", { alarm: "a3" });
      const step = find(history, ticket("T1", { status: "closed" }));
      expect(step).toMatchObject({ step: "forward", request: { payload: { command: "create" } } });
      carryOut(history, step);
      expect(history.key().open.size, "the closed one is not taken for open").toBe(0);
      expect(step.step === "forward" ? body(step.entries, "request.settled").result : null).toBe("ok");
    });

    test("A8: closed by somebody since: its own alarms, active still, are decided again with its outcome", () => {
      const history = lostCreate();
      history.accept("n3", { alarm: "a3", kind: "clear" });
      carryOut(history, find(history, ticket("T1", { status: "closed" })));
      history.end("settled");
      expect(history.outcomes()).toMatchObject({ n1: "created" });
      expect(decidedAgain(history)).toEqual(["n1"]);
      expect(history.key().cover?.alarms[0]?.replaces?.outcome).toBe("created");
    });
  });
});
