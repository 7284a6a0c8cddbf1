/** Why there is (no) ticket, in a sentence: what an operator says on the telephone. Pure. */
import type { Outcome } from "./alarms.ts";

export interface Settled {
  readonly id: string;
  readonly outcome: Outcome | null;
  readonly ticketId: string | null;
  /** Of the decision; null: none was needed. */
  readonly rule: string | null;
}

export interface VerdictText {
  /** The answer. */
  readonly title: string;
  /** Somebody should look at it. */
  readonly isBad: boolean;
}

export function verdictOf({ id, outcome, ticketId, rule }: Settled): VerdictText {
  const ticket = ticketId === null ? "a ticket" : `ticket ${ticketId}`;
  const isBad = outcome === "rejected" || outcome === "failed" || outcome === "unknown";
  const say = (title: string): VerdictText => ({ title, isBad });
  switch (outcome) {
    case null:
      return say(`Not settled yet: alarm ${id} is under way.`);
    case "created":
      return say(`Ticket: alarm ${id} made ${ticket}.`);
    case "updated":
      return say(`Ticket: alarm ${id} changed ${ticket}.`);
    case "reopened":
      return say(`Ticket: alarm ${id} opened ${ticket} again.`);
    case "closed":
      return say(`Ticket: alarm ${id} closed ${ticket}.`);
    case "adopted":
      return say(
        rule === "D5"
          ? `No ticket of its own: alarm ${id} is covered by ${ticket}.`
          : `No new ticket: alarm ${id} belongs to ${ticket}, which is open.`,
      );
    case "stopped":
      return say(
        ticketId === null
          ? `No ticket: nothing is to be done for alarm ${id}.`
          : `No ticket of its own: alarm ${id} leaves ${ticket} as it is.`,
      );
    case "coalesced":
      return say(`No ticket: alarm ${id} was folded into another.`);
    case "aborted":
      return say(`No ticket: an operator ended the flow of alarm ${id}.`);
    case "rejected":
      return say(`No ticket: the service refused what alarm ${id} asked for.`);
    case "failed":
      return say(`No ticket: alarm ${id} failed.`);
    case "unknown":
      return say(`Nobody can say whether alarm ${id} has a ticket.`);
  }
}
