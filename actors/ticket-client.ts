/**
 * The Ticket Client's machine wired to the ledger, the ticketing service and the gateway.
 *   L3 its end commits only if its claim still stands.  G6 every search is a row.
 */
import type { ActorRef, AnyMachineSnapshot } from "xstate";
import { entry, type Entry } from "../machines/entry.ts";
import { fail, ok } from "../machines/failure.ts";
import { endFlow, type Ending } from "../machines/flow-end.ts";
import { clientStream, keyStream } from "../machines/state.ts";
import {
  cancelled,
  type ForwardReply,
  type SearchCommand,
  type SearchReply,
} from "../machines/client-commands.ts";
import type { ForwardInput, ReleaseInput, TicketClientEvent } from "../machines/client-events.ts";
import { ticketClientMachine, type TicketClientContext } from "../machines/ticket-client.machine.ts";
import type { Result } from "../machines/failure.ts";
import type { ClientStateName, Position, ResponseRow } from "../machines/vocabulary.ts";
import type { GatewayRef } from "../machines/gateway.machine.ts";
import type { Journal } from "./journal.ts";
import type { LockDeadlines } from "./lock-deadlines.ts";
import type { RefusedCommands } from "./refused-commands.ts";
import { readPath } from "./path-look-up.ts";
import type { RunningSearches } from "./running-searches.ts";
import type { Clock, Ids, SearchAnswer, TicketingService, Topology } from "./ports.ts";

export interface TicketClientPorts {
  readonly journal: Journal;
  readonly service: TicketingService;
  /** null: there is none, and no path is looked up. */
  readonly topology?: Topology | null;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly deadlines: LockDeadlines;
  readonly searches: RunningSearches;
  readonly refused: RefusedCommands;
  /** The gateway towards a service, started when first needed. */
  readonly gateway: (service: string) => GatewayRef;
  readonly onIdle: (clientId: string) => void;
  readonly onState: (clientId: string, state: ClientStateName, context: TicketClientContext) => void;
}

export function ticketClientLogic(ports: TicketClientPorts): typeof ticketClientMachine {
  const { deadlines, searches } = ports;
  return ticketClientMachine.provide({
    actions: {
      startSearch: ({ self }, { command: work, clientId }) => {
        const signal = searches.begin(clientId);
        search(ports, work, clientId, signal).then(
          (reply) => {
            searches.end(clientId, signal);
            tell(self, { type: "search.ended", work, reply });
          },
          (error: unknown) => tell(self, { type: "work.failed", work, error }),
        );
      },
      abandonSearch: ({ context }) => searches.abandon(context.clientId),
      startForward: ({ self }, input) => {
        const { command: work } = input;
        const seen = seenNow(ports.journal, work.request.key);
        // After the client's own step: a gateway may have to be opened for it.
        void Promise.resolve()
          .then(() => forward(ports, input, seen))
          .then(
            (reply) => tell(self, { type: "forward.ended", work, reply }),
            (error: unknown) => tell(self, { type: "work.failed", work, error }),
          );
      },
      startRelease: ({ self }, input) => {
        const { release: work } = input;
        release(ports, input).then(
          (result) => tell(self, { type: "release.ended", work, result }),
          (error: unknown) => tell(self, { type: "work.failed", work, error }),
        );
      },
      armDeadline: ({ context, self }, { fence, dueMs }) =>
        deadlines.arm(context.clientId, context.lock?.lockGuid ?? "", dueMs, () =>
          self.send({ type: "lock.expired", fence }),
        ),
      disarmDeadline: ({ context }) => deadlines.disarm(context.clientId),
      announceRefused: () => ports.refused.note(),
      announceIdle: ({ context }) => ports.onIdle(context.clientId),
      announceState: ({ context }, { state }) => ports.onState(context.clientId, state, context),
    },
  });
}

/** What was begun may outlive its client: one that crashed, or an engine that has stopped. */
function tell(
  client: Pick<ActorRef<AnyMachineSnapshot, TicketClientEvent>, "getSnapshot" | "send">,
  event: TicketClientEvent,
): void {
  if (client.getSnapshot().status === "active") client.send(event);
}

async function search(
  ports: TicketClientPorts,
  command: SearchCommand,
  clientId: string,
  signal: AbortSignal,
): Promise<SearchReply> {
  const { clock, journal } = ports;
  const requestId = ports.ids.uuid();
  const sentAt = clock.now();
  const began = clock.monotonicMs();
  const { lockGuid, criteria, service } = command;
  const { look } = command;
  const looking =
    look === undefined || !ports.topology ? null : readPath(ports.topology, clock, look, signal);
  const answer = await ports.service.search({ service, signal, requestId, clientId, lockGuid, criteria });
  const at = clock.now();
  const row = searchRow(command, clientId, requestId, answer, {
    sentAt,
    at,
    durationMs: Math.round(clock.monotonicMs() - began),
  });
  // A stream of its own: a search changes nothing of its key, and what is decided there must not wait for its row.
  journal.note([entry("gateway/searches", at, "response.row", { change: false, row })]);
  const path = await looking; // side by side with the search
  ports.deadlines.endIfOver(clientId, lockGuid); // L3: then the client is closing, and this reply reaches nobody
  if (answer.kind === "found") {
    const { tickets, truncated } = answer;
    return { ok: true, tickets, truncated, ...(path === null ? {} : { path }), at: clock.now() };
  }
  return { ok: false, failure: { code: answer.code, cause: answer.cause, permanent: answer.permanent }, at };
}

function searchRow(
  command: SearchCommand,
  clientId: string,
  requestId: string,
  answer: SearchAnswer,
  times: { sentAt: number; at: number; durationMs: number },
): ResponseRow {
  const found = answer.kind === "found";
  return {
    requestId,
    attempt: command.attempt,
    clientId,
    lockGuid: command.lockGuid,
    service: command.service.name,
    command: "search",
    key: command.key,
    sentAt: times.sentAt,
    answeredAt: times.at,
    durationMs: times.durationMs,
    status: found ? "ok" : answer.code === "TIMEOUT" ? "timeout" : "error",
    code: found ? null : answer.code,
    cause: found ? null : answer.cause,
    asyncStatus: null,
    ticketIds: found ? answer.tickets.map((ticket) => ticket.ticketId) : [],
    request: answer.texts.request,
    answer: answer.texts.answer,
  };
}

/** What its flow has decided upon. */
interface Seen {
  readonly revision: Position;
  readonly open: ReadonlySet<string>;
}

function seenNow({ state }: Journal, name: string): Seen {
  const key = state.keys.get(name);
  return { revision: key?.revision ?? state.position, open: new Set(key?.open.keys()) };
}

async function forward(
  ports: TicketClientPorts,
  { command, clientId, claim }: ForwardInput,
  { revision, open: openBefore }: Seen,
): Promise<ForwardReply> {
  const { journal } = ports;
  const { request, entries } = command;
  const key = journal.state.keys.get(request.key);
  const before = key?.request?.requestId === request.requestId ? key.request : null;
  const held = { stream: clientStream(clientId), revision: claim };
  const at = ports.clock.now();
  const byHand = key?.flow?.lockGuid !== request.lockGuid;
  let isPlanned = true;
  const mayChangeMeanwhile =
    before !== null ||
    byHand ||
    key.unknown.length > 0 ||
    request.service.asyncSeconds > 0 ||
    journal.state.settledRequests.size > 0;
  if (!mayChangeMeanwhile) {
    // Only this flow writes to the key now, so the plan and the sending are conditional on the same claim: if one
    // falls, so does the other, and nobody needs to wait for the plan.
    isPlanned = false;
    journal.append(entries, [held]).then(
      () => {
        isPlanned = true;
      },
      () => undefined, // R3: the journal has told it
    );
  } else {
    // An async result, a correction or another flow of the key may come in between: they are seen, or this waits.
    const planned = await journal.append(entries, [held, { stream: keyStream(request.key), revision }]);
    if (planned.kind === "conflict" && byHand) {
      return {
        ok: false,
        failure: {
          code: "KEY_BUSY",
          detail: `${request.key} was taken by a flow in the same moment; try again when it has ended.`,
        },
        at,
      };
    }
    if (planned.kind === "conflict") return cancelled("The key changed before the request was planned.", at);
  }
  const age = (before?.alarms[0] ?? key?.flow?.alarms[0])?.position ?? claim;
  return new Promise<ForwardReply>((reply) => {
    const attempt = (before?.attempts ?? 0) + 1;
    const item = { request, age, attempt, claim, isPlanned: () => isPlanned, openBefore, reply };
    ports.gateway(request.service.name).send({ type: "gateway.enqueue", item });
  }).then((reply) => {
    ports.deadlines.endIfOver(clientId, request.lockGuid); // L3: as after a search
    return reply;
  });
}

async function release(ports: TicketClientPorts, input: ReleaseInput): Promise<Result<null>> {
  const { journal, clock } = ports;
  if (input.release.how !== "closed")
    return endForcibly(ports, input.clientId, input.release, input.lock.lockGuid);
  const at = clock.now();
  const { clientId, lock, claim } = input;
  const key = journal.state.clients.get(clientId)?.key ?? null;
  const entries: Entry[] = [...input.release.entries];
  if (key !== null)
    entries.push(
      entry(keyStream(key), at, "flow.ended", { key, lockGuid: lock.lockGuid, result: input.release.result }),
    );
  entries.push(
    entry(clientStream(clientId), at, "client.unlocked", {
      clientId,
      lockGuid: lock.lockGuid,
      fence: lock.fence,
    }),
  );
  const held = { stream: clientStream(clientId), revision: claim };
  // A2: what the flow concluded stands only if nothing settled its alarms in between (a late async result).
  const judged =
    key === null || input.release.entries.length === 0
      ? []
      : [
          {
            stream: keyStream(key),
            revision: journal.state.keys.get(key)?.revision ?? journal.state.position,
          },
        ];
  const done = await journal.append(entries, [held, ...judged]);
  if (done.kind === "committed") return ok(null);
  if (!done.streams.includes(held.stream))
    return release(ports, { ...input, release: { how: "closed", entries: [], result: "parked" } });
  // A force not busy was committed while the command ended by itself: the lock stands, under a newer claim.
  const standing = journal.state.clients.get(clientId);
  if (standing?.lock?.fence === lock.fence) return release(ports, { ...input, claim: standing.revision });
  ports.refused.note();
  return fail(
    "STALE_FENCE",
    `${clientId}: the lock ${lock.lockGuid} ended before the flow did; nothing was recorded for it.`,
  );
}

/**
 * Ends the flow that holds the client, by facts; judged again while the ledger moves on underneath.
 * `lockGuid`: only this lock (L6); null: whichever there is.
 */
export async function endForcibly(
  ports: Pick<TicketClientPorts, "journal" | "clock">,
  clientId: string,
  ending: Ending,
  lockGuid: string | null,
): Promise<Result<null>> {
  for (;;) {
    const held = ports.journal.state.clients.get(clientId)?.lock ?? null;
    if (lockGuid !== null && held !== null && held.lockGuid !== lockGuid)
      return fail("STALE_GUID", `${clientId} is held by ${held.lockGuid} by now.`);
    const plan = endFlow(ports.journal.state, clientId, ending, ports.clock.now());
    if (plan === null) return fail("NOT_LOCKED", `${clientId} is not locked.`);
    const done = await ports.journal.append(plan.entries, plan.expect);
    if (done.kind === "committed") return ok(null);
  }
}
