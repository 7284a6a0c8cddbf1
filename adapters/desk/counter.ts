/**
 * What happens at the desk's counter: a request is executed or refused, and the promise of
 * `idempotency` is kept. Knows nothing of HTTP.
 *   T1 is only as good as the promise that is kept here.
 */
import type { Clock } from "../../actors/ports.ts";
import type { Idempotency, RequestPayload } from "../../machines/vocabulary.ts";
import type { Acknowledgement, WireRequest } from "../service/messages.ts";
import { changeTicket, isTemporary, openTicket } from "../service/ticket-rules.ts";
import type { TicketStore } from "./ticket-store.ts";

export type ChangeRequest = Exclude<WireRequest, { readonly command: "search" }>;

export interface Counter {
  /** Correlation key of the request, for the fault script. */
  keyOf(request: WireRequest): string | undefined;
  /** Takes effect now; `lagSeconds` until searches know of it; `hidesTicketId`: the async result tells it. */
  execute(request: ChangeRequest, how?: { lagSeconds?: number; hidesTicketId?: boolean }): Acknowledgement;
  /** It arrived and has no effect. `answer`: kept as the first answer of its id, unless it is for now only. */
  note(request: ChangeRequest, answer?: Acknowledgement): void;
  /** It arrived, and takes effect `seconds` later, where the promise allows that at all; `applied`: told when it has. */
  executeLater(
    request: ChangeRequest,
    seconds: number,
    how?: { hidesTicketId?: boolean; applied?: (answer: Acknowledgement) => void },
  ): void;
  /** An answer its id already has. */
  firstAnswer(request: ChangeRequest): Acknowledgement | undefined;
  close(): void;
}

export function createCounter(options: {
  readonly store: TicketStore;
  readonly idempotency: Idempotency;
  readonly settleSeconds: number;
  readonly clock: Pick<Clock, "now" | "setTimeout" | "clearTimeout">;
}): Counter {
  const { store, idempotency, settleSeconds, clock } = options;
  const timers = new Set<unknown>();

  function later(seconds: number, effect: () => void): void {
    const timer = clock.setTimeout(() => {
      timers.delete(timer);
      effect();
    }, seconds * 1_000);
    timers.add(timer);
  }

  function firstAnswer(request: ChangeRequest): Acknowledgement | undefined {
    if (idempotency !== "requestId") return undefined;
    const first = store.firstAnswer(request.requestId);
    if (first === undefined || first.command === request.command) return first?.answer;
    return nack(request, "INVALID", `the id was used for a ${first.command} before`);
  }

  function note(request: ChangeRequest, answer: Acknowledgement | null, arrived: boolean): void {
    const { requestId, command } = request;
    store.enter({ requestId, command, arrived, applied: false, ticketId: null, answer });
  }

  function run(
    request: ChangeRequest,
    arrived: boolean,
    how: { readonly lagSeconds?: number; readonly hidesTicketId?: boolean },
  ): Acknowledgement {
    const first = firstAnswer(request);
    if (first !== undefined) {
      note(request, null, arrived);
      return first;
    }
    const { requestId, command, payload } = request;
    if (payload.command === "editNinasCounters") {
      const answer = ack(request, null);
      store.enter({ requestId, command, arrived, applied: true, ticketId: null, answer });
      return answer;
    }
    const before = payload.command === "create" ? undefined : store.ticket(payload.ticketId);
    const caller = request.origin.dmaId;
    const ruling =
      payload.command === "create"
        ? openTicket(payload, store.nextTicketId(), caller, clock.now())
        : changeTicket(before, payload, caller, clock.now());
    if (ruling.kind === "refused") {
      const answer = nack(request, ruling.code, ruling.reason);
      note(request, kept(answer), arrived);
      return answer;
    }
    const { ticketId } = ruling.ticket;
    const answer = ack(request, command === "create" && how.hidesTicketId === true ? null : ticketId);
    store.enter({ requestId, command, arrived, applied: true, ticketId, answer }, ruling.ticket);
    if (how.lagSeconds !== undefined) {
      store.hide(ticketId, before ?? null, requestId);
      later(how.lagSeconds, () => store.show(ticketId));
    }
    return answer;
  }

  return {
    keyOf(request) {
      if (request.command === "search") return request.criteria.clientReference;
      return keyOfPayload(request.payload, store);
    },
    execute: (request, how = {}) => run(request, true, how),
    note: (request, answer) => note(request, answer === undefined ? null : kept(answer), true),
    executeLater(request, seconds, { applied, ...how } = {}) {
      note(request, null, true);
      // `settles` promises: within settleSeconds or never. `requestId` needs no bound: `run` looks the id up.
      if (idempotency === "settles" && seconds > settleSeconds) return;
      later(seconds, () => {
        const isRepeat = firstAnswer(request) !== undefined;
        const answer = run(request, false, how);
        if (!isRepeat && answer.result === "ACK") applied?.(answer);
      });
    },
    firstAnswer,
    close() {
      for (const timer of timers) clock.clearTimeout(timer);
      timers.clear();
    },
  };
}

/** What a repeat of the id is answered. */
function kept(answer: Acknowledgement): Acknowledgement | null {
  return answer.code !== null && isTemporary(answer.code) ? null : answer;
}

function keyOfPayload(payload: RequestPayload, store: TicketStore): string | undefined {
  if (payload.command === "create") return payload.clientReference;
  if (payload.command === "editNinasCounters") return payload.networkElement;
  return store.ticket(payload.ticketId)?.clientReference;
}

export function ack(request: ChangeRequest, ticketId: string | null): Acknowledgement {
  return { requestId: request.requestId, result: "ACK", code: null, reason: null, ticketId };
}

export function nack(request: ChangeRequest, code: string, reason: string): Acknowledgement {
  const { payload, requestId } = request;
  const ticketId = "ticketId" in payload ? payload.ticketId : null;
  return { requestId, result: "NACK", code, reason, ticketId };
}
