/** Cases that need two things to go wrong at once, each of which once led to a wrong outcome. */
import { createActor } from "xstate";
import { describe, expect, test } from "vitest";
import { nextGroup, readiness } from "../../machines/admission.ts";
import { openTickets } from "../../machines/decision.ts";
import { noFindings } from "../../machines/flow-input.ts";
import { nextStep } from "../../machines/flow-plan.ts";
import { recover } from "../../machines/recovery.ts";
import { judgeAsync } from "../../machines/async-result.ts";
import { stepInDoubt } from "../../machines/doubt.ts";
import { park, settle, settleAlarms } from "../../machines/settlement.ts";
import { supervisorMachine } from "../../machines/supervisor.machine.ts";
import type { RequestPayload, ServiceInfo } from "../../machines/vocabulary.ts";
import { clientEvent, rigIn } from "./client-rig.ts";
import {
  closePayload,
  createPayload,
  ended,
  History,
  KEY,
  noon,
  service,
  settings,
  ticket,
  types,
  updatePayload,
  withTicket,
} from "./given.ts";
import { answered, done, entriesOf, send, stopped } from "./steps.ts";

function sent(change: Partial<ServiceInfo> = {}, payload: RequestPayload = createPayload): History {
  const history = new History();
  history.accept("n1");
  history.plan(payload, service(change));
  history.send();
  return history;
}
function asyncResult(
  history: History,
  requestId: string,
  result: "OK" | "ERROR",
  ticketId: string | null = "T1",
): string[] {
  const before = history.state.settledRequests.get(requestId) ?? null;
  const entries = judgeAsync(
    history.key(),
    before,
    { requestId, result, ticketId, code: null, cause: null, text: "" },
    history.now,
    history.state.tables,
  );
  history.add(...entries);
  return types(entries);
}
const looked = { byRequest: [], byTicket: [], byKey: [] };
describe("request.ts", () => {
  test("T1: `settles`: no async result after asyncSeconds (30): not sent again before settleSeconds (60) have passed", () => {
    const history = sent({ asyncSeconds: 30, settleSeconds: 60 });
    answered(history, "ack");
    history.now += 30_000;
    history.start();
    expect(stepInDoubt(history.key(), history.request(), looked, history.now).step).not.toBe("resend");
  });
  test("G4: `none`: no async result and never found ends as unknown", () => {
    const history = sent({ asyncSeconds: 30, idempotency: "none" });
    answered(history, "ack");
    for (let look = 0; look < 4 && history.key().request !== null; look += 1) {
      history.now += 60_000;
      const step = nextStep(history.start(), { ...noFindings, doubt: looked }, null, history.now);
      history.add(...entriesOf(step));
      history.end("parked");
    }
    expect(history.outcomes()).toEqual({ n1: "unknown" });
  });
  test("G4 T1: BUSY as the last permitted answer while an earlier attempt is in doubt is no rejection", () => {
    const history = sent({ idempotency: "requestId" });
    for (let attempt = 1; attempt <= 4; attempt += 1) {
      answered(history, attempt < 4 ? "inDoubt" : "nack", attempt < 4 ? "TIMEOUT" : "BUSY");
      if (attempt < 4) {
        history.start();
        history.send();
      }
    }
    expect(history.outcomes()).toEqual({});
  });
  test("A8: an async ERROR to a close does not unlink the ticket, which is still open", () => {
    const history = withTicket();
    history.accept("clear", { kind: "clear" });
    const { requestId } = history.plan(closePayload, service({ asyncSeconds: 30 }));
    history.send();
    answered(history, "ack");
    expect(asyncResult(history, requestId, "ERROR", null)).not.toContain("ticket.lost");
  });
  test("G5: OK came before the answer `refused`: not sent again", () => {
    const history = sent({ asyncSeconds: 30 });
    asyncResult(history, history.request().requestId, "OK");
    answered(history, "refused", "UNAVAILABLE");
    expect(history.outcomes()).toEqual({ n1: "created" });
  });
  test("G5: OK came before a NACK: a contradiction is in doubt, not rejected", () => {
    const history = sent({ asyncSeconds: 30 });
    asyncResult(history, history.request().requestId, "OK");
    answered(history, "nack", "NACK");
    expect(history.outcomes()["n1"]).not.toBe("rejected");
  });
  test("G5: a late OK twice corrects once; a ticket closed since stays closed", () => {
    const history = new History();
    history.accept("n1");
    history.accept("n2", { alarm: "a2" });
    history.plan(createPayload, service({ asyncSeconds: 30 }));
    const { requestId } = history.send();
    answered(history, "ack");
    history.add(
      ...settle(history.key(), history.request(), noon, { result: "failed", ticketId: null, because: "" }),
    );
    asyncResult(history, requestId, "OK");
    expect(asyncResult(history, requestId, "OK")).toEqual(["request.async", "response.row"]);
  });
  test("A8: a reopen answered UNKNOWN_TICKET is decided again as a create, not as the same reopen", () => {
    const history = withTicket(new History({ reopenSeconds: 600 }));
    history.accept("clear", { kind: "clear" });
    send(history, closePayload, service());
    done(history);
    history.accept("again");
    history.plan({ ...updatePayload, status: "inProgress" } as RequestPayload, service());
    history.send();
    answered(history, "nack", "UNKNOWN_TICKET");
    const input = history.start(KEY, { settings: { ...settings, reopenSeconds: 600 } });
    expect(nextStep(input, { ...noFindings, doubt: { ...looked } }, null, noon)).toMatchObject({
      request: { payload: { command: "create" } },
    });
  });
});

describe("admission.ts", () => {
  test("A2 L4: a flow that looks after a missing async result and is ended (restart, crash) does not leave its key asleep for ever", () => {
    const history = sent({ asyncSeconds: 30 });
    answered(history, "ack");
    history.now += 30_000;
    history.start();
    history.open();
    history.add(...recover(history.state, false, history.now));
    expect(readiness(history.key(), true)).not.toBeNull();
  });
  test("A5 A8: a raise that a flow has begun for, ahead of another and its clear: the clear is not cancelled away, or its ticket never closes", () => {
    const history = new History();
    history.accept("n1");
    history.start();
    history.end("expired");
    history.accept("n2");
    history.accept("n3", { kind: "clear" });
    expect(nextGroup(history.key(), true).cancelled).toEqual([]);
  });
  test("D7 D13: a change of an alarm never raised counts as its raise: its clear cancels it, a later raise with it", () => {
    const history = new History();
    history.accept("n1", { kind: "change" });
    history.accept("n2");
    history.accept("n3", { kind: "clear" });
    expect(nextGroup(history.key(), true).cancelled.map(({ ref }) => ref.id)).toEqual(["n1", "n2", "n3"]);
  });
  test("D7: planned work behind what a storm holds up needs no ticket and is decided; parked after all it waits like the rest", () => {
    const history = new History();
    const parkInStorm = (): void => {
      history.start();
      history.add(park(history.key(), history.now, "storm", null, "no room"));
      history.end("parked");
    };
    history.accept("n1");
    history.accept("n2", { alarm: "a2", plannedOutage: true });
    parkInStorm();
    expect(readiness(history.key(), false), "the raise is held up").toBeNull();
    history.accept("n3", { kind: "clear" });
    history.add(
      ...settleAlarms(
        history.key(),
        nextGroup(history.key(), true, true).cancelled.map(({ ref }) => ref),
        history.now,
        ended("coalesced"),
      ),
    );
    expect(history.key().waiting.map(({ ref }) => ref.id)).toEqual(["n2"]);
    expect(readiness(history.key(), false), "the planned one goes on").not.toBeNull();
    parkInStorm();
    expect(readiness(history.key(), false), "and not again and again").toBeNull();
  });
  test("D7: a change parked in a storm is cancelled by its clear, also where notifications are decided one by one", () => {
    const history = new History();
    history.accept("n1", { kind: "change" });
    history.start();
    history.add(park(history.key(), history.now, "storm", null, "no room"));
    history.end("parked");
    history.accept("n2", { kind: "clear" });
    expect(readiness(history.key(), false)).not.toBeNull();
    expect(nextGroup(history.key(), false, true).cancelled.map(({ ref }) => ref.id)).toEqual(["n1", "n2"]);
  });
});

describe("state.ts and recovery.ts", () => {
  test.each(["aborted", "failed"] as const)(
    "D0: a raise whose clear came first is not active when its flow ends as %s",
    (outcome) => {
      const history = new History();
      history.accept("clear", { kind: "clear", clearedAt: noon });
      stopped(history, "D12");
      history.accept("raise");
      history.add(
        ...settleAlarms(
          history.key(),
          history.key().waiting.map(({ ref }) => ref),
          noon,
          ended(outcome),
        ),
      );
      expect(history.key().active.size).toBe(0);
    },
  );
  test.each(["planned", "retry"] as const)(
    "R4 R2 T1: a restored backup puts a request that was %s in doubt, once",
    (status) => {
      const history = new History();
      history.accept("n1");
      history.plan(createPayload, service());
      if (status === "retry") {
        history.send();
        answered(history, "refused", "UNAVAILABLE");
      }
      history.open();
      history.add(...recover(history.state, true, noon));
      expect.soft(history.request().status).toBe("inDoubt");
      expect.soft(recover(history.state, true, noon)).toEqual([]);
      expect
        .soft(
          stepInDoubt(
            history.key(),
            history.request(),
            { byRequest: null, byTicket: null, byKey: null },
            noon,
          ).step,
        )
        .toBe("search");
    },
  );
});

describe("flow-plan.ts and decision.ts", () => {
  test("domain.md `a close goes where the ticket lives`: not to the service selected since", () => {
    const history = withTicket();
    history.accept("clear", { kind: "clear" });
    const step = nextStep(
      history.start(KEY, { service: service({ name: "other" }) }),
      { ...noFindings, doubt: looked },
      null,
      noon,
    );
    expect(step).toMatchObject({
      step: "forward",
      request: { service: { name: "OSB" }, payload: { command: "close", ticketId: "T1" } },
    });
  });
  test.each([
    { kind: "raise", expected: "adopted" },
    { kind: "clear", expected: "T1" },
  ] as const)(
    "A8: an unknown create just found by its id counts as open for the $kind at hand",
    ({ kind, expected }) => {
      const history = sent({ idempotency: "none" });
      history.add(
        ...settle(history.key(), history.request(), noon, { result: "unknown", ticketId: null, because: "" }),
      );
      const { requestId } = history.key().unknown[0] ?? { requestId: "" };
      history.end("settled");
      history.accept("n2", { kind });
      const found = { ...noFindings, unknown: new Map([[requestId, [ticket("T1")]]]), doubt: { ...looked } };
      const step = nextStep(history.start(), found, null, noon);
      expect(
        JSON.stringify(
          step.step === "forward"
            ? step.request.payload
            : entriesOf(step).filter(
                ({ fact }) => fact.type === "alarm.settled" && fact.body.supersedes === null,
              ),
        ),
      ).toContain(expected);
    },
  );
  test("T2: after its settling time the search wins: a linked ticket that the search shows closed is not open", () => {
    const history = withTicket();
    const later = noon + 60_000;
    expect(
      openTickets(
        history.key(),
        { tickets: [ticket("T1", { status: "closed" })], verified: new Map() },
        service(),
        later,
      ),
    ).toEqual([]);
  });
  test("B14: a doubtful create is not answered by a ticket that counts as open nowhere else (resolved)", () => {
    const history = sent();
    answered(history, "inDoubt", "TIMEOUT");
    expect(
      stepInDoubt(
        history.key(),
        history.request(),
        { ...looked, byKey: [ticket("T1", { status: "resolved" })] },
        noon,
      ).step,
    ).toBe("resend");
  });
});

describe("machines", () => {
  test("G1: a gateway asked for while its crash is being recorded stays the only one", () => {
    const actor = createActor(supervisorMachine, { input: { clients: 1, monotonicMs: () => 0 } }).start();
    actor.send({ type: "supervisor.start" });
    actor.send({ type: "gateway.open", service: "OSB" });
    actor
      .getSnapshot()
      .children["gateway:OSB"]?.send({ type: "xstate.error.actor.x", error: new Error("thrown") } as never);
    actor.send({ type: "gateway.open", service: "OSB" });
    const opened = actor.getSnapshot().children["gateway:OSB"];
    actor.send({ type: "child.recover", child: "gateway:OSB" });
    const now = actor.getSnapshot().children["gateway:OSB"];
    expect(opened !== undefined && now !== opened && opened.getSnapshot().status === "active").toBe(false);
  });
  test("B16: force unlock while closing answers the close of a flow by hand", () => {
    const rig = rigIn("locked");
    rig.actor.send(clientEvent("client.close", rig.answers));
    rig.actor.send(clientEvent("client.forceUnlock", []));
    expect(rig.answers).toHaveLength(1);
  });
});
