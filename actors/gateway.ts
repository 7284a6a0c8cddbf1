/**
 * The gateway's machine wired to the ledger and the ticketing service.
 *   G2 "sending attempt n" is durable before the first byte leaves.  L3 and only while the flow's claim stands.
 */
import { fromPromise } from "xstate";
import { entry, type Expectation } from "../machines/entry.ts";
import {
  gatewayMachine,
  type ClaimResult,
  type QueuedRequest,
  type SendResult,
} from "../machines/gateway.machine.ts";
import { leftInDoubt } from "../machines/recovery.ts";
import { cancelRequest } from "../machines/settlement.ts";
import { judgeAnswer, type Answer, type RequestSettings } from "../machines/request.ts";
import { clientStream, keyStream, type KeyState, type RequestState } from "../machines/state.ts";
import type { ResponseRow } from "../machines/vocabulary.ts";
import type { Journal } from "./journal.ts";
import type { LockDeadlines } from "./lock-deadlines.ts";
import type { RefusedCommands } from "./refused-commands.ts";
import type { Clock, RequestAnswer, TicketingService } from "./ports.ts";

export interface GatewayPorts {
  readonly journal: Journal;
  readonly service: TicketingService;
  readonly clock: Clock;
  readonly settings: RequestSettings;
  readonly deadlines: Pick<LockDeadlines, "endIfOver">;
  readonly refused: RefusedCommands;
  /** Told when a request goes out and when its answer is in; null: nothing in flight. */
  readonly onFlight?: (service: string, item: QueuedRequest | null) => void;
}

export function gatewayLogic(ports: GatewayPorts): typeof gatewayMachine {
  return gatewayMachine.provide({
    actors: {
      claim: fromPromise<ClaimResult, { readonly items: readonly QueuedRequest[] }>(
        async ({ input, signal }) => {
          const last = input.items.at(-1);
          const stand = await Promise.all(input.items.map((item) => claim(ports, item, item === last)));
          const claimed = input.items.filter((_, index) => stand[index]);
          if (signal.aborted) {
            // A gateway that crashed meanwhile: nobody sends what it has claimed.
            await Promise.all(claimed.map((item) => endClaimed(ports, item)));
            return [];
          }
          for (const isStanding of stand) if (!isStanding) ports.refused.note(); // L3
          return claimed;
        },
      ),
      send: fromPromise<SendResult, { readonly items: readonly QueuedRequest[] }>(
        async ({ input, signal }) => {
          let exchangeMs: SendResult = 0;
          // oxlint-disable-next-line no-await-in-loop -- G1: one at a time
          for (const item of input.items) exchangeMs = await send(ports, item, signal);
          return exchangeMs;
        },
      ),
    },
  });
}

/** Whether it is durable as sending; if not, it may not be sent. `urgent`: written now, with those before it. */
async function claim(ports: GatewayPorts, item: QueuedRequest, urgent: boolean): Promise<boolean> {
  const { journal, clock, deadlines } = ports;
  const { request, attempt } = item;
  const { requestId, key, clientId, lockGuid } = request;
  if (deadlines.endIfOver(clientId, lockGuid)) {
    await endPlanned(ports, item, "Its flow's lock ended before it was sent.");
    return false;
  }
  const at = clock.now();
  const expect: Expectation[] = [{ stream: clientStream(clientId), revision: item.claim }]; // L3
  const known = journal.state.keys.get(key);
  const planned = known?.request?.requestId === requestId;
  if (item.isPlanned() && !planned) return false; // L4: ended meanwhile, by a force or for a gateway that crashed
  if (planned) expect.push({ stream: keyStream(key), revision: known.revision });
  if (planned && isConfirmed(known.request)) return false;
  const opened = openedMeanwhile(known, item);
  if (opened !== null) {
    await endPlanned(ports, item, `Ticket ${opened} of ${key} was found open before it was sent.`);
    return false;
  }
  const row: ResponseRow = {
    requestId,
    attempt,
    clientId,
    lockGuid,
    service: request.service.name,
    command: request.payload.command,
    key,
    sentAt: at,
    answeredAt: null,
    durationMs: null,
    status: "sending",
    code: null,
    cause: null,
    asyncStatus: null,
    ticketIds: [],
    request: "",
    answer: "",
  };
  const result = await journal.append(
    [
      entry(keyStream(key), at, "request.sending", { requestId, key, clientId, lockGuid, attempt }),
      entry(keyStream(key), at, "response.row", { change: false, row }),
    ],
    expect,
    // The whole line waits for it. Not ahead of a plan that is still on its way to the disk.
    { urgent, ahead: planned },
  );
  if (result.kind === "committed") return true;
  await endPlanned(ports, item, "Its flow lost the client before it was sent.");
  return false;
}

/** T1: an earlier attempt was applied, says an async result: its ticket is looked up, and nothing goes again. */
function isConfirmed(request: RequestState | null): boolean {
  return request !== null && request.attempts > 0 && request.asyncResult?.result === "OK";
}

/** T1: a ticket that a create would stand beside, and that nobody knew of when it was planned; null: there is none. */
function openedMeanwhile(key: KeyState | undefined, { request, openBefore }: QueuedRequest): string | null {
  if (key === undefined || request.payload.command !== "create") return null;
  if (key.request !== null && key.request.status !== "planned") return null;
  for (const ticketId of key.open.keys()) if (!openBefore.has(ticketId)) return ticketId;
  return null;
}

/** L3 L4: planned, and not to be sent; nobody else would end it where its plan and the end of its lock crossed. */
async function endPlanned(
  { journal, clock }: GatewayPorts,
  { request: { key: name, requestId } }: QueuedRequest,
  because: string,
): Promise<void> {
  await journal.append([]); // behind its plan, and the end of the lock, which ends what it knew to be planned
  for (;;) {
    const key = journal.state.keys.get(name);
    const request = key?.request ?? null;
    if (key === undefined || request?.requestId !== requestId || request.status !== "planned") return;
    const ended = cancelRequest(key, request, clock.now(), because, false);
    const done = await journal.append(ended, [{ stream: keyStream(name), revision: key.revision }]);
    if (done.kind === "committed") return;
  }
}

/** G2: durable as sending, and its gateway has ended: in doubt, as what was in flight. */
async function endClaimed(
  { journal, clock }: GatewayPorts,
  { attempt, request: { key: name, requestId } }: QueuedRequest,
): Promise<void> {
  for (;;) {
    const key = journal.state.keys.get(name);
    const request = key?.request ?? null;
    if (key === undefined || request?.requestId !== requestId) return;
    if (request.status !== "sending" || request.attempts !== attempt) return;
    const because = "The gateway ended before it was sent.";
    const entries = leftInDoubt(key, request, clock.now(), { code: "RESET", cause: because, because });
    const done = await journal.append(entries, [{ stream: keyStream(name), revision: key.revision }]);
    if (done.kind === "committed") return;
  }
}

async function send(ports: GatewayPorts, item: QueuedRequest, signal: AbortSignal): Promise<SendResult> {
  signal.throwIfAborted(); // nothing leaves after the gateway's end
  const { journal, clock } = ports;
  const { request, attempt } = item;
  const began = clock.monotonicMs();
  ports.onFlight?.(request.service.name, item);
  const told = await ports.service
    .send({ service: request.service, signal, request, attempt })
    .catch((error: unknown): RequestAnswer => ({
      kind: "inDoubt",
      code: "FAULT",
      cause: String(error),
      texts: { request: "", answer: "" },
    }));
  ports.onFlight?.(request.service.name, null);
  const at = clock.now();
  const exchangeMs = clock.monotonicMs() - began;
  const key = journal.state.keys.get(request.key);
  const known = key?.request ?? null;
  if (key === undefined || known === null || known.requestId !== request.requestId) {
    throw new Error(`The answer to ${request.requestId} found no request of ${request.key} being sent.`);
  }
  // G2: of a gateway that crashed; what it was sending is in doubt by now, or on its way again.
  if (known.status !== "sending" || known.attempts !== attempt) return exchangeMs;
  const answer = asAnswer(told, at, Math.round(exchangeMs));
  const verdict = judgeAnswer(key, known, answer, ports.settings);
  journal.note(verdict.entries, [], { ahead: true }); // as the next claim, and before it (G1)
  const { result, outcome, because } = verdict;
  item.reply({ ok: true, result, outcome, ticketId: answer.ticketId, because, at });
  return exchangeMs;
}

function asAnswer(told: RequestAnswer, answeredAt: number, durationMs: number): Answer {
  return {
    kind: told.kind,
    code: told.kind === "ack" ? null : told.code,
    cause: told.kind === "ack" ? null : told.cause,
    ticketId: "ticketId" in told ? told.ticketId : null,
    retryAfterMs: told.kind === "refused" ? told.retryAfterMs : null,
    answeredAt,
    durationMs,
    request: told.texts.request,
    text: told.texts.answer,
  };
}
