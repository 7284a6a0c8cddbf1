/** The contract of the TicketingService port: one text, run against every adapter. */
import { randomUUID } from "node:crypto";
import { afterEach, describe, expect, test } from "vitest";
import type { TicketingService } from "../../actors/ports.ts";
import type { Truth } from "../../adapters/service/ticket-rules.ts";
import type { Idempotency, SearchCriteria, ServiceInfo, Ticket } from "../../machines/vocabulary.ts";
import { createPayload, searchCall, sendCall } from "./calls.ts";
import type { ManualClock } from "./manual-clock.ts";

export interface Subject {
  readonly service: TicketingService;
  readonly row: ServiceInfo;
  readonly clock: ManualClock;
  truth(): Truth;
  assign(ticketId: string, owner: string): void;
  stop(): Promise<void>;
}

export function describeTicketingService(
  name: string,
  start: (idempotency: Idempotency, clock: ManualClock) => Promise<Subject>,
  clock: () => ManualClock,
): void {
  describe(`TicketingService: ${name}`, () => {
    const running: Subject[] = [];
    const begin = async (idempotency: Idempotency = "requestId") => {
      const subject = await start(idempotency, clock());
      running.push(subject);
      return subject;
    };
    afterEach(async () => {
      for (const subject of running.splice(0)) await subject.stop();
    });

    async function find(subject: Subject, criteria: SearchCriteria): Promise<readonly Ticket[]> {
      const answer = await subject.service.search(searchCall(subject.row, criteria));
      if (answer.kind !== "found") throw new Error(`${answer.code} ${answer.cause}`);
      return answer.tickets;
    }

    async function create(subject: Subject, more: Parameters<typeof createPayload>[0] = {}): Promise<string> {
      const answer = await subject.service.send(sendCall(subject.row, createPayload(more)));
      if (answer.kind !== "ack" || answer.ticketId === null) throw new Error(JSON.stringify(answer));
      return answer.ticketId;
    }

    test("T2: a created ticket is found by key, id, request, element, kind and status, with all it was given", async () => {
      const subject = await begin();
      const requestId = randomUUID();
      const payload = createPayload({ summary: 'a < b & "c" \r\n\u{1F525} ü', severity: "critical" });
      const answer = await subject.service.send(sendCall(subject.row, payload, { requestId }));
      expect(answer.kind).toBe("ack");
      const ticketId = answer.kind === "ack" ? answer.ticketId : null;
      if (ticketId === null) throw new Error("no ticket id");
      const expected: Ticket = {
        ticketId,
        kind: "MO",
        status: "acknowledged",
        severity: "critical",
        owner: "ticket-client",
        clientReference: "key-1",
        networkElements: ["ne-1", "ne-2"],
        summary: payload.summary,
        openedAt: subject.clock.now(),
        startAt: payload.startAt,
        lastUpdateAt: subject.clock.now(),
      };
      const matching: SearchCriteria[] = [
        { clientReference: "key-1" },
        { ticketId },
        { requestedBy: requestId },
        { networkElements: ["ne-2", "other"] },
        { kind: "MO" },
        { status: ["pending", "acknowledged"] },
        { clientReference: "key-1", ticketId, requestedBy: requestId, kind: "MO", status: ["acknowledged"] },
        {},
      ];
      for (const criteria of matching) expect(await find(subject, criteria)).toEqual([expected]);
      const other: SearchCriteria[] = [
        { clientReference: "key-2" },
        { clientReference: "key-1", ticketId: "T" },
        { ticketId: "T" },
        { requestedBy: randomUUID() },
        { networkElements: ["ne-3"] },
        { kind: "PLM" },
        { status: ["closed"] },
        { clientReference: "key-1", status: ["closed"] },
      ];
      for (const criteria of other) expect(await find(subject, criteria)).toEqual([]);
    });

    test("an update changes, a close closes, inProgress reopens; the truth counts each", async () => {
      const subject = await begin();
      const ticketId = await create(subject);
      const update = { command: "update", ticketId, alarmRefs: [] } as const;
      const close = {
        command: "close",
        ticketId,
        endAt: 1_000,
        closeCode: "cleared",
        alarmRefs: [],
      } as const;
      const send = (payload: Parameters<typeof sendCall>[1]) =>
        subject.service.send(sendCall(subject.row, payload));
      expect(await send({ ...update, severity: "minor" })).toMatchObject({ kind: "ack", ticketId });
      expect(await find(subject, { ticketId })).toMatchObject([
        { severity: "minor", status: "acknowledged" },
      ]);
      expect(await send(close)).toMatchObject({ kind: "ack" });
      const closedAt = subject.clock.now();
      expect(await find(subject, { ticketId })).toMatchObject([{ status: "closed", closedAt, endAt: 1_000 }]);
      expect(subject.truth()).toMatchObject({ tickets: 1, open: 0 });
      expect(await send({ ...update, status: "inProgress" })).toMatchObject({ kind: "ack" });
      const [reopened] = await find(subject, { ticketId });
      expect(reopened?.status).toBe("inProgress");
      expect(reopened?.closedAt).toBeUndefined();
      expect(subject.truth()).toEqual({
        requests: 4,
        creates: 1,
        updates: 2,
        closes: 1,
        tickets: 1,
        open: 1,
        duplicateOpen: 0,
      });
    });

    test("what cannot be done is NACK with its code, and changes nothing", async () => {
      const subject = await begin();
      const ticketId = await create(subject);
      const close = { command: "close", ticketId, endAt: 0, closeCode: "cleared", alarmRefs: [] } as const;
      const send = (payload: Parameters<typeof sendCall>[1]) =>
        subject.service.send(sendCall(subject.row, payload));
      expect(await send({ ...close, ticketId: "nowhere" })).toMatchObject({
        kind: "nack",
        code: "UNKNOWN_TICKET",
      });
      subject.assign(ticketId, "anna");
      expect(await send(close)).toMatchObject({ kind: "nack", code: "NOT_OWNER", ticketId });
      subject.assign(ticketId, "ticket-client");
      expect(await send(close)).toMatchObject({ kind: "ack" });
      expect(await send(close)).toMatchObject({ kind: "nack", code: "ALREADY_CLOSED", ticketId });
      expect(await send({ command: "update", ticketId, severity: "minor", alarmRefs: [] })).toMatchObject({
        kind: "nack",
        code: "ALREADY_CLOSED",
      });
      expect(await send(createPayload({ kind: "PLM" }))).toMatchObject({ kind: "nack", code: "INVALID" });
      expect(subject.truth()).toMatchObject({ requests: 7, creates: 1, updates: 0, closes: 1 });
    });

    test("counters are edited and acknowledged", async () => {
      const subject = await begin();
      const payload = {
        command: "editNinasCounters",
        kind: "MO",
        networkElement: "ne-1",
        counters: [
          { name: "open", delta: -1 },
          { name: "total", value: 7 },
        ],
      } as const;
      expect(await subject.service.send(sendCall(subject.row, payload))).toMatchObject({ kind: "ack" });
    });

    test("G4: with the promise `requestId` a repeat gets the first answer and makes nothing", async () => {
      const subject = await begin("requestId");
      const call = sendCall(subject.row);
      const first = await subject.service.send(call);
      const again = await subject.service.send({ ...call, attempt: 2 });
      expect(again).toMatchObject({ kind: "ack", ticketId: first.kind === "ack" ? first.ticketId : "?" });
      expect(subject.truth()).toMatchObject({ requests: 2, creates: 1, tickets: 1, duplicateOpen: 0 });
    });

    test("G3: `requestId` keeps no refusal that says later: a repeat after NOT_OWNER may succeed", async () => {
      const subject = await begin("requestId");
      const ticketId = await create(subject);
      subject.assign(ticketId, "anna");
      const close = { command: "close", ticketId, endAt: 0, closeCode: "cleared", alarmRefs: [] } as const;
      const call = sendCall(subject.row, close);
      expect(await subject.service.send(call)).toMatchObject({ code: "NOT_OWNER" });
      subject.assign(ticketId, "ticket-client");
      expect(await subject.service.send(call)).toMatchObject({ kind: "ack" });
    });

    test.each(["settles", "none"] as const)(
      "T1: with `%s` a repeat is executed again, and the truth shows the duplicate",
      async (promise) => {
        const subject = await begin(promise);
        const call = sendCall(subject.row);
        await subject.service.send(call);
        await subject.service.send(call);
        expect(subject.truth()).toMatchObject({
          requests: 2,
          creates: 2,
          tickets: 2,
          open: 2,
          duplicateOpen: 1,
        });
      },
    );

    test("a search gives at most maxResults and says that there is more: at the limit, not before", async () => {
      const subject = await begin();
      for (const _ of [1, 2, 3]) await create(subject);
      const search = (maxResults: number) =>
        subject.service.search(searchCall(subject.row, { clientReference: "key-1", maxResults }));
      expect(await search(3)).toMatchObject({ kind: "found", truncated: false, tickets: { length: 3 } });
      expect(await search(2)).toMatchObject({ kind: "found", truncated: true, tickets: { length: 2 } });
    });

    test("it never rejects: given up before it began", async () => {
      const subject = await begin();
      const signal = AbortSignal.abort();
      const sent = await subject.service.send(sendCall(subject.row, undefined, { signal }));
      expect(sent).toMatchObject({ kind: "inDoubt", code: "TIMEOUT", cause: "given up" });
      const searched = await subject.service.search(searchCall(subject.row, {}, { signal }));
      expect(searched).toMatchObject({ kind: "error", code: "TIMEOUT", permanent: false });
      expect(subject.truth().requests).toBe(0);
    });
  });
}
