/**
 * A Ticket Client held by a flow written by hand: lock, search, forward, close.
 *   L3 refused once the lock has moved on.  A3 its requests go back to this lock.
 * Source: architecture.md, "Supervisor API".
 */
import { entry } from "../machines/entry.ts";
import { fail, ok, type Result } from "../machines/failure.ts";
import { checkCounters } from "../machines/ninas-counters.ts";
import { byHand, isOutageCreate, keyStream, type KeyState } from "../machines/state.ts";
import type { Forwarded, ForwardReply, SearchReply } from "../machines/client-commands.ts";
import type { TicketClientRef } from "../machines/ticket-client.machine.ts";
import type {
  Lock,
  Outcome,
  RequestPayload,
  SearchCriteria,
  ServiceInfo,
  Ticket,
  TicketRequest,
} from "../machines/vocabulary.ts";
import type { PathReading } from "../machines/upstream.ts";
import type { Journal } from "./journal.ts";
import type { LockDeadlines } from "./lock-deadlines.ts";
import type { Clock, Ids } from "./ports.ts";

interface HeldClientPorts {
  readonly clientId: string;
  readonly lock: Lock;
  readonly client: () => TicketClientRef | undefined;
  readonly service: () => ServiceInfo | null;
  /** Why nothing may be forwarded now; null: it may. */
  readonly heldBecause: () => string | null;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly deadlines: Pick<LockDeadlines, "endIfOver">;
}

const intents = {
  create: "created",
  update: "updated",
  close: "closed",
  editNinasCounters: "updated",
} as const satisfies Record<RequestPayload["command"], Outcome>;

export interface FoundByHand {
  readonly tickets: readonly Ticket[];
  readonly truncated: boolean;
  /** Where it was asked for. */
  readonly path?: PathReading | null;
}

export class HeldClient {
  readonly #ports: HeldClientPorts;

  /** Use `supervisor.lock()`. */
  constructor(ports: HeldClientPorts) {
    this.#ports = ports;
  }

  get clientId(): string {
    return this.#ports.clientId;
  }
  get lockGuid(): string {
    return this.#ports.lock.lockGuid;
  }

  /**
   * One search at the selected service; a row of the response table. `path`: an element whose path is looked up
   * beside it; null comes back without a topology, or where none was ever loaded.
   */
  async search(
    criteria: SearchCriteria,
    { path: look }: { readonly path?: string } = {},
  ): Promise<Result<FoundByHand>> {
    mustBeWritable(criteria.clientReference); // the key of its row
    const service = this.#ports.service();
    if (service === null) return fail("BAD_CONFIGURATION", "No ticketing service is selected.");
    const { lockGuid, fence } = this.#ports.lock;
    const answer = await this.#ask<SearchReply>((client, reply) =>
      client.send({
        type: "client.search",
        lockGuid,
        fence,
        criteria,
        service,
        key: criteria.clientReference ?? "",
        attempt: 1,
        ...(look === undefined ? {} : { look }),
        reply,
      }),
    );
    if (answer === null) return this.#gone();
    if (answer.ok) {
      const { tickets, truncated, path = null } = answer;
      return ok({ tickets, truncated, ...(look === undefined ? {} : { path }) });
    }
    return fail(answer.failure.code as "TIMEOUT", answer.failure.cause);
  }

  /**
   * Sends a request through the gateway, for the correlation key it belongs to: about a ticket that the key knows, to
   * where that lives, all else to the selected service. Resolves when the service has answered; `parked` means that the
   * key goes on waiting for the result without this client. Refused KEY_BUSY while the key has another request or flow,
   * DUPLICATE for an outage's create while a ticket of the key is open or its create waits for a verdict (T1),
   * BAD_CONFIGURATION where the row of that service is gone, TABLES_DIFFER while the gateway's service table differs from
   * the clients', INVALID for counters that say nothing.
   */
  async forward(
    key: string,
    payload: RequestPayload,
  ): Promise<Result<Forwarded & { readonly requestId: string }>> {
    mustBeKey(key);
    mustBeWritable(payload);
    const { journal, clock, ids, lock, clientId } = this.#ports;
    const selected = this.#ports.service();
    if (selected === null) return fail("BAD_CONFIGURATION", "No ticketing service is selected.");
    const heldBecause = this.#ports.heldBecause();
    if (heldBecause !== null) return fail("TABLES_DIFFER", heldBecause);
    const checked = payload.command === "editNinasCounters" ? checkCounters(payload) : ok(null);
    if (!checked.ok) return checked;
    const known = journal.state.keys.get(key);
    if (known !== undefined && (known.request !== null || known.flow !== null)) {
      return fail(
        "KEY_BUSY",
        `${key} has ${known.request === null ? `a flow under way (${known.flow?.lockGuid})` : `request ${known.request.requestId} unsettled`}; wait until it is settled.`,
      );
    }
    const home = homeOf(known, payload) ?? selected.name;
    const service =
      home === selected.name ? selected : journal.state.services.find(({ name }) => name === home);
    if (service === undefined) return fail("BAD_CONFIGURATION", rowIsGone(key, payload, home));
    const isOutage = payload.command === "create" && payload.kind === "MO";
    const twin = isOutage && known !== undefined ? twinOf(known) : null;
    if (twin !== null) return fail("DUPLICATE", twin);
    const { lockGuid, fence } = lock;
    const request: TicketRequest = { requestId: ids.uuid(), key, clientId, lockGuid, service, payload };
    const at = clock.now();
    const entries = [
      entry(keyStream(key), at, "request.planned", {
        ...request,
        intent: intents[payload.command],
        alarms: [],
        rule: byHand,
        plannedAt: at,
      }),
    ];
    const answer = await this.#ask<ForwardReply>((client, reply) =>
      client.send({ type: "client.forward", lockGuid, fence, request, entries, reply }),
    );
    if (answer === null) return this.#gone();
    if (!answer.ok) return answer;
    await journal.append([]); // what is told is durable
    const { result, outcome, ticketId, because } = answer;
    return ok({ requestId: request.requestId, result, outcome, ticketId, because });
  }

  /** Gives the client back. Resolves when that is durable. */
  async close(): Promise<Result<null>> {
    const { lockGuid, fence } = this.#ports.lock;
    const answer = await this.#ask<Result<null>>((client, reply) =>
      client.send({ type: "client.close", lockGuid, fence, entries: [], result: "settled", reply }),
    );
    return answer ?? this.#gone();
  }

  #ask<T>(send: (client: TicketClientRef, reply: (answer: T) => void) => void): Promise<T | null> {
    const { clientId, lock, deadlines } = this.#ports;
    deadlines.endIfOver(clientId, lock.lockGuid); // L3
    const client = this.#ports.client();
    if (client === undefined) return Promise.resolve(null);
    return new Promise((resolve) => {
      // R6: a client that crashes while it is asked answers nobody.
      const gone = (): void => resolve(null);
      const watched = client.subscribe({ error: gone, complete: gone });
      send(client, (answer) => {
        watched.unsubscribe();
        resolve(answer);
      });
    });
  }

  #gone(): {
    readonly ok: false;
    readonly failure: { readonly code: "NOT_LOCKED"; readonly detail: string };
  } {
    return {
      ok: false,
      failure: {
        code: "NOT_LOCKED",
        detail: `${this.#ports.clientId} is being restarted; its lock has ended.`,
      },
    };
  }
}

/** Where the ticket lives that it is about, as far as the key knows it; null: it does not, or it is about none. */
function homeOf(known: KeyState | undefined, payload: RequestPayload): string | null {
  if (known === undefined || !("ticketId" in payload)) return null;
  const { ticketId } = payload;
  return (known.open.get(ticketId) ?? known.closed.get(ticketId))?.service ?? null;
}

function rowIsGone(key: string, payload: RequestPayload, home: string): string {
  const ticket = "ticketId" in payload ? `Ticket ${payload.ticketId}` : "A ticket";
  return `${ticket} of ${key} is at ${home}, whose row is not in the Service Info Table any more; import the row again, or ${payload.command} the ticket at its own desk.`;
}

/** T1: why an outage's create would be the key's second, and what to do first: a sentence; null: it would not. */
function twinOf({ key, open, unknown }: KeyState): string | null {
  const [ticketId] = open.keys();
  if (ticketId !== undefined)
    return `Ticket ${ticketId} of ${key} is open already (T1); update it, or close it first.`;
  const lost = unknown.find(isOutageCreate);
  return lost === undefined
    ? null
    : `Nobody can say whether create ${lost.requestId} made a ticket of ${key} (T1); give a verdict on it first.`;
}

/** Throws a TypeError: what a row or a fact could not hold is the asker's mistake, not the client's (R6). */
function mustBeWritable(asked: unknown): void {
  JSON.stringify(asked);
}

/** As `mustBeWritable`. R1: a ledger of Unicode text would give another key back. */
function mustBeKey(key: string): void {
  if (typeof key !== "string" || !key.isWellFormed())
    throw new TypeError("A key is text of whole characters.");
}
