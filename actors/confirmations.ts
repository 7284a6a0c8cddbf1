/**
 * How long ago it was learned that a ticket is open or closed.
 *   R5 on monotonic time: a clock that is set tells nothing of how far a search's index may lag.
 *   T1 what an earlier process knew counts from the restart: nobody can say what the clock did in between.
 *   D6 how long a ticket has been closed does not begin anew there: across a restart the clock on the wall tells.
 */
import type { Fact } from "../machines/facts.ts";
import type { ClosedTicket, LinkedTicket } from "../machines/state.ts";
import type { Instant } from "../machines/vocabulary.ts";
import type { Journal } from "./journal.ts";
import type { Clock } from "./ports.ts";

export class Confirmations {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #begunMs: number;
  readonly #begunAt: Instant;
  /** By the fold's own object, which it replaces with each confirmation. */
  readonly #learnedMs = new WeakMap<LinkedTicket | ClosedTicket, number>();

  constructor(journal: Journal, clock: Pick<Clock, "monotonicMs" | "now">) {
    this.#clock = clock;
    this.#begunMs = clock.monotonicMs();
    this.#begunAt = clock.now();
    journal.listen((facts) => this.#learn(journal, facts));
  }

  readonly sinceMs = (known: LinkedTicket | ClosedTicket): number =>
    this.#clock.monotonicMs() - (this.#learnedMs.get(known) ?? this.#begunMs);

  readonly closedForMs = (closed: ClosedTicket): number => {
    const since = this.sinceMs(closed);
    return this.#learnedMs.has(closed) ? since : since + Math.max(0, this.#begunAt - closed.closedAt);
  };

  #learn({ state }: Journal, facts: readonly Fact[]): void {
    for (const { type, body } of facts) {
      if (type !== "request.settled" && type !== "ticket.linked" && type !== "ticket.lost") continue;
      if (body.ticketId === null || (type === "request.settled" && body.ticket === null)) continue;
      const key = state.keys.get(body.key);
      const known = key?.open.get(body.ticketId) ?? key?.closed.get(body.ticketId);
      // A fact that says nothing new of the ticket leaves the fold's object, and its time, as they are.
      if (known !== undefined && !this.#learnedMs.has(known))
        this.#learnedMs.set(known, this.#clock.monotonicMs());
    }
  }
}
