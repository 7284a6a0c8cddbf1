/**
 * Situations that a run must have been in: a run that tried nothing proves nothing. One table; what is counted and is
 * not in it does not compile.
 */
export const situations = {
  // --- the process
  "crash at random": "kill -9 at a moment of the timeline",
  "crash before the sync": "a commit was written and not synced",
  "crash between sync and answer": "a commit was durable and nobody had been told",
  "crash between commit and effect": "the commit was answered and what follows had not begun",
  "crash in the middle of a send": "the request was on its way to the service",
  "crash during recovery": "the opening's own commit was cut off (R2)",
  "crash while opening after that": "the opening after a cut one was cut off too",
  "orderly restart": "stopped with a drain, started from a snapshot of the fold",
  "pause past the lock": "the process stood still for longer than a lock lasts",
  "clock set forward": "the wall clock, by up to two days (R5)",
  "clock set back": "the wall clock, by up to two days (R5)",
  // --- the disk
  "bytes lost": "a crash took commits that were not synced",
  "torn tail": "a crash cut a commit in the middle",
  "unanswered commit survived": "a crash kept a commit that nobody had been told of",
  "sync failed once": "EIO, and the disk works at the next start",
  "sync fails for long": "EIO, and at the next starts again",
  "start refused by the disk": "the engine could not open its ledger",
  // --- alarms
  repeat: "the same alarm came again (A4)",
  "repeat after a crash": "an alarm came again because its acknowledgement was lost",
  conflict: "the same id with other content",
  "early clear": "D0: the clear came before the raise",
  coalesced: "folded into another flow or cancelled out",
  "planned outage": "D2",
  "hold-down": "a key waited for its delay",
  storm: "D7: no room for a ticket",
  covered: "D5: a ticket upstream covers the alarm",
  reopened: "D6",
  "severity raised": "D3 or D9 with an update",
  "others active": "D10",
  "alarm reconsidered": "settled, and in line once more",
  "decided again": "A8: what an alarm had rested on has ended",
  "outcome replaced": "A2: by a late result, a verdict, a search",
  "covered no more": "A2: decided again and refused: that is its outcome from now on",
  // --- the service
  "in doubt": "nobody knew whether a request was applied",
  "sent again": "an attempt after the first",
  "attempts used up": "four attempts of one request",
  "found by its own id": "a look-up found what a request in doubt had made",
  "adopted by key": "a ticket that was there already was linked",
  "effect after the socket's end": "a request was applied when nobody listened any more",
  "effect after a restart": "what the last process had sent was applied in the life of the next one",
  "index behind": "a search missed a ticket that was there",
  nack: "refused for good",
  busy: "NACK BUSY",
  "not owner": "NACK NOT_OWNER",
  "already closed": "NACK ALREADY_CLOSED",
  refused: "the service could not take it now (503)",
  unreachable: "no byte left",
  "reset before it was read": "the connection was cut, and nothing was applied",
  "reset after it was read": "the connection was cut, and it was applied",
  "never answered, and not applied": "time-out",
  "never answered, and applied": "time-out",
  "applied late": "after the time-out",
  "slow answer": "just in time",
  "unreadable answer": "half an answer, HTML, or the request itself",
  "search failed": "D1",
  "search failed for good": "D1",
  "search never answered": "time-out",
  "search slow": "just in time",
  "topology down": "decided without the path, and the record says so",
  "topology never answers": "its time-out, and the same",
  "element not in the topology": "the same",
  "path in a circle": "of the data",
  outage: "the service was down for a while",
  "parked as outage": "a key waits for the service to come back",
  "permanent error": "the service could not be used as configured",
  "claim not kept": "T2: an ACK for a ticket that was never made",
  "no id in the ACK": "the ticket had to be looked up",
  "outcome unknown": "nobody can say, an operator is asked",
  "verdict applied": "an operator said that the service did it",
  "verdict not applied": "an operator said that it did not",
  "ticket closed by a stranger": "somebody worked at the service by hand",
  "ticket lost": "a linked ticket was found closed or gone",
  "duplicate found": "more than one open ticket of a key: the oldest is used, the rest is told",
  // --- async results
  "async result": "acknowledged, and the result came later",
  "async before the ACK": "the result overtook the acknowledgement",
  "async twice": "the same result again",
  "async error": "the result said ERROR",
  "async missing": "no result in time",
  "async late": "the result came after the outcome",
  "async contradictory": "OK and ERROR for one request",
  "async for nobody": "a result of a request that nobody made",
  // --- operators and flows
  "forced unlock": "an operator freed a client",
  "forced unlock while sending": "the request was on its way (L4)",
  "forced unlock of a planned request": "cancelled in the same commit (L4)",
  "forced not busy": "an operator ended a command",
  "force refused as stale": "the lock that the operator saw had ended (L6)",
  "force in idle": "nothing to force",
  "force in locked": "the client was held and not busy",
  "force in searching": "the client was searching",
  "force in forwarding": "the client's request was with the gateway",
  "force in closing": "the flow's end was being made durable",
  "lock expired": "a holder outlived its deadline (L5)",
  "locked by hand": "a flow written by hand held a client",
  "stale fence": "a command came from a holder whose lock had ended (L3)",
  "client crashed": "the search threw",
  "gateway crashed": "the send threw",
  "decision crashed": "the decision threw",
  "set aside": "R6: three crashes of one alarm's flow",
  quarantined: "a client crashed too often",
  "service selected": "another service for new flows",
  "table imported": "a new Service Info Table",
  "import refused": "nothing of it was taken",
  "fewer rows": "maxResponseRows was lowered while it ran",
  "row evicted": "G6: a settled row left",
  "more unsettled rows than allowed": "G6: no row could leave",
  "rows cleared": "by an operator",
  // --- readers
  "reader resumed": "after its last position",
  "reader resumed after a restart": "at another process",
  "slow reader cut": "it did not take what it was sent (F3)",
} as const;

export type Situation = keyof typeof situations;

export class Counters {
  readonly #counts = new Map<Situation, number>();

  count(what: Situation, times = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + times);
  }

  of(what: Situation): number {
    return this.#counts.get(what) ?? 0;
  }

  add(other: Counters): void {
    for (const [what, times] of other.#counts) this.count(what, times);
  }

  /** Those that occurred fewer times than that. */
  rarerThan(times: number): Situation[] {
    return all.filter((what) => this.of(what) < times);
  }

  /** How often the rarest of all occurred. */
  rarest(): number {
    return Math.min(...all.map((what) => this.of(what)));
  }

  /** As JSON has it, and back. */
  written(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  static read(written: Readonly<Record<string, number>>): Counters {
    const counters = new Counters();
    for (const what of all) counters.count(what, written[what] ?? 0);
    return counters;
  }

  /** A line each. */
  *lines(): Generator<string> {
    for (const what of all)
      yield `${String(this.of(what)).padStart(9)}  ${what.padEnd(38)} ${situations[what]}`;
  }
}

const all = Object.keys(situations) as Situation[];
