/** What a service with async results says about a request, when, and how often: G5's early, late, twice, never, contradictory. */
import type { AsyncResult } from "../../actors/ports.ts";
import type { Random } from "./random.ts";
import type { SendCall } from "./simulated-service.ts";
import type { Situation } from "./situations.ts";
import type { Effect } from "./ticket-truth.ts";

export interface Delivery {
  readonly afterMs: number;
  /** A function is asked when the time has come; null: nothing to tell. */
  readonly result: AsyncResult | (() => AsyncResult | null);
  readonly counted: Situation | null;
}

interface Plan {
  readonly answer: Effect;
  readonly deliveries: readonly Delivery[];
  /** What is delivered contradicts itself. */
  readonly lies: boolean;
}

const faults = {
  early: 3,
  twice: 3,
  never: 3,
  late: 3,
  error: 3,
  contradictory: 3,
  lateEffect: 3,
  nobody: 3,
} as const;

/** `known`: what the request did when it came before. `apply` and `bar` decide its fate, once. */
export function planResults(
  { request }: SendCall,
  random: Random,
  /** `isLate`: it came so late that its effect must follow at once, for the promise's sake. */
  { isFaulty, isLate }: { readonly isFaulty: boolean; readonly isLate: boolean },
  known: Effect | undefined,
  apply: () => Effect,
  bar: (code: string) => Effect,
): Plan {
  const { requestId, service, payload } = request;
  // Optional in the WSDL: what is about a ticket need not name it.
  const isNamed = payload.command === "create" || random.chance(0.5);
  const told = (effect: Effect): AsyncResult =>
    effect.kind === "ack"
      ? {
          requestId,
          result: "OK",
          ticketId: isNamed ? effect.ticketId : null,
          code: null,
          cause: null,
          text: "OK",
        }
      : { requestId, result: "ERROR", ticketId: null, code: effect.code, cause: effect.cause, text: "ERROR" };
  const ack: Effect = { kind: "ack", ticketId: null };
  const inTimeMs = 50 + random.int(0, service.asyncSeconds * 900);
  const lateMs = service.asyncSeconds * 1_000 + random.int(1_000, 120_000);
  const plan = (answer: Effect, lies: boolean, ...deliveries: readonly Delivery[]): Plan => ({
    answer,
    lies,
    deliveries,
  });
  const fault = isFaulty ? random.weighted(faults) : null;

  if (fault === "lateEffect" && known === undefined && !isLate) {
    const effectMs = Math.round(random.next() * 650 * service.settleSeconds);
    return plan(ack, false, {
      afterMs: effectMs,
      result: () => told(apply()),
      counted: "effect after the socket's end",
    });
  }
  if (fault === "error" && known === undefined) {
    const barred = bar("ASYNC_REFUSED");
    return plan(ack, false, { afterMs: inTimeMs, result: told(barred), counted: "async error" });
  }
  const effect = known ?? apply();
  if (effect.kind === "nack" && known === undefined) return plan(effect, false);
  const one = { afterMs: inTimeMs, result: told(effect), counted: null };
  const withId: Effect = effect.kind === "ack" && random.chance(0.5) ? effect : ack;
  switch (fault) {
    case "early":
      return plan(withId, false, { ...one, afterMs: 0, counted: "async before the ACK" });
    case "twice":
      return plan(withId, false, one, {
        ...one,
        afterMs: inTimeMs + random.int(0, 5_000),
        counted: "async twice",
      });
    case "never":
      return plan(withId, false);
    case "late":
      return plan(withId, false, { ...one, afterMs: lateMs });
    case "contradictory": {
      const other = told(
        effect.kind === "ack" ? { kind: "nack", code: "CONFUSED", cause: "confused", ticketId: null } : ack,
      );
      return plan(withId, true, one, {
        afterMs: random.int(0, 2 * inTimeMs),
        result: other,
        counted: "async contradictory",
      });
    }
    case "nobody":
      return plan(withId, false, one, {
        ...one,
        result: { ...told(effect), requestId: `nobody-${requestId}` },
        counted: "async for nobody",
      });
    default:
      return plan(withId, false, one);
  }
}
