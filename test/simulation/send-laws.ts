/**
 * What must hold at every send, seen from the services.
 *   G1 one in flight per service.  G2 durable before its first byte.  G3 the same payload.  G4 T1 a resend only where
 *   the promise allows it, and no second unconfirmed create where there is none.
 */
import { limits } from "../../machines/limits.ts";
import type { State } from "../../machines/state.ts";
import type { LedgerLaws } from "./ledger-laws.ts";
import type { SimulatedClock } from "./simulated-clock.ts";
import type { SendCall } from "./simulated-service.ts";

interface Sent {
  readonly payload: string;
  /** When the socket of the last attempt ended; null: it is open. */
  endedMs: number | null;
  /** How often the clock had been set by then. */
  jumps: number;
  /** And that of the last one in doubt */
  doubtedMs: number;
  /** The sender does not know what became of an attempt. */
  inDoubt: boolean;
}

export class SendLaws {
  readonly broken: string[] = [];
  readonly #clock: SimulatedClock;
  readonly #laws: LedgerLaws;
  readonly #state: () => State | null;
  readonly #inFlight = new Map<string, number>();
  readonly #sent = new Map<string, Sent>();

  constructor(clock: SimulatedClock, laws: LedgerLaws, state: () => State | null) {
    this.#clock = clock;
    this.#laws = laws;
    this.#state = state;
  }

  /** How long ago the last socket of the request ended. */
  restedMs(requestId: string): number {
    const endedMs = this.#sent.get(requestId)?.endedMs;
    return endedMs === undefined || endedMs === null ? Infinity : this.#clock.monotonicMs() - endedMs;
  }

  /** What is remembered of the request, for comparing two worlds. */
  memory(requestId: string): unknown {
    const known = this.#sent.get(requestId);
    if (known === undefined) return null;
    const restedMs = this.#clock.monotonicMs() - known.doubtedMs;
    return [known.inDoubt, known.endedMs === null, known.inDoubt ? restedMs : 0];
  }

  sending({ request, attempt, service }: SendCall): void {
    const { requestId, payload } = request;
    const now = (this.#inFlight.get(service.name) ?? 0) + 1;
    this.#inFlight.set(service.name, now);
    if (now > 1) this.broken.push(`G1: ${now} requests in flight at ${service.name}`);
    if (!this.#laws.isSending(requestId, attempt))
      this.broken.push(`G2: attempt ${attempt} of ${requestId} leaves before it is durable`);
    this.#checkCreate(request);
    const text = JSON.stringify(payload);
    const before = this.#sent.get(requestId);
    if (before !== undefined) this.#checkResend(request, before, text);
    this.#sent.set(requestId, {
      payload: text,
      endedMs: null,
      jumps: this.#clock.jumps,
      doubtedMs: before?.doubtedMs ?? 0,
      inDoubt: before?.inDoubt ?? false,
    });
  }

  ended({ request, service }: SendCall, certain: boolean): void {
    this.#inFlight.set(service.name, (this.#inFlight.get(service.name) ?? 1) - 1);
    const sent = this.#sent.get(request.requestId);
    if (sent === undefined) return;
    sent.endedMs = this.#clock.monotonicMs();
    sent.jumps = this.#clock.jumps;
    if (certain) return;
    sent.inDoubt = true;
    sent.doubtedMs = sent.endedMs;
  }

  #checkResend({ requestId, service }: SendCall["request"], before: Sent, payload: string): void {
    if (before.payload !== payload) this.broken.push(`G3: the payload of ${requestId} has changed`);
    const sinceMs = this.restedMs(requestId);
    // R5: across a restart the rest is counted by the clock on the wall.
    if (sinceMs < limits.retryDelayMs && this.#clock.jumps === before.jumps)
      this.broken.push(`G3: ${requestId} is sent again ${sinceMs} ms after its last attempt`);
    if (!before.inDoubt) return;
    if (service.idempotency === "none")
      this.broken.push(`G4: ${requestId} is in doubt, the service promises nothing, and it is sent again`);
    const restedMs = this.#clock.monotonicMs() - before.doubtedMs;
    if (service.idempotency === "settles" && restedMs < service.settleSeconds * 1_000)
      this.broken.push(`G4: ${requestId} is sent again ${restedMs} ms after its socket's end`);
  }

  /** T1 with `none`. */
  #checkCreate({ requestId, key, payload, service }: SendCall["request"]): void {
    if (payload.command !== "create" || service.idempotency !== "none") return;
    const unknown = this.#state()?.keys.get(key)?.unknown ?? [];
    const other = unknown.find((one) => one.command === "create" && one.requestId !== requestId);
    if (other !== undefined)
      this.broken.push(
        `T1: ${requestId} makes a ticket for ${key} while nobody knows what became of ${other.requestId}`,
      );
  }
}
