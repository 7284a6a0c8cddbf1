/** One flow as a sequence: who told whom what, from alarm to ticket. From its facts alone. Pure. */
import type { FeedFact } from "./feed.ts";

export const lanes = ["alarm", "supervisor", "client", "gateway", "service"] as const;
export type Lane = (typeof lanes)[number];

export interface Message {
  readonly at: number;
  readonly position: number;
  readonly from: Lane;
  /** The same lane: a thought of its own. */
  readonly to: Lane;
  readonly text: string;
  readonly detail: string;
  readonly isBad: boolean;
}

/** In order of the facts. A search is one fact, and two messages. */
export function sequenceOf(facts: readonly FeedFact[]): Message[] {
  return facts.flatMap(messagesOf);
}

type Said = Pick<Message, "from" | "to" | "text"> & Partial<Message>;

function messagesOf(fact: FeedFact): Message[] {
  const base = { at: Date.parse(fact.time), position: fact.data.position, detail: "", isBad: false };
  return saidBy(fact).map((said) => ({ ...base, ...said }));
}

function saidBy(fact: FeedFact): Said[] {
  switch (fact.type) {
    case "ticketclient.alarm.accepted": {
      const { kind, severity, id, source } = fact.data.notification;
      return [{ from: "alarm", to: "supervisor", text: `${kind}, ${severity}`, detail: `${source} ${id}` }];
    }
    case "ticketclient.client.locked":
      return [
        {
          from: "supervisor",
          to: "client",
          text: `lock, fence ${fact.data.fence}`,
          detail: fact.data.clientId,
        },
      ];
    case "ticketclient.flow.started":
      return [
        {
          from: "supervisor",
          to: "client",
          text: `flow for ${fact.data.key}`,
          detail: alarmsText(fact.data.alarms.length),
        },
      ];
    case "ticketclient.response.row":
      return rowSaid(fact);
    case "ticketclient.flow.decided": {
      const { rule, decision, because } = fact.data;
      return [{ from: "client", to: "client", text: `${rule}: ${decision}`, detail: because }];
    }
    case "ticketclient.key.parked": {
      const { reason, because } = fact.data.parking;
      return [{ from: "client", to: "supervisor", text: `parked: ${reason}`, detail: because }];
    }
    case "ticketclient.alarm.settled": {
      const { outcome, because, ticketId } = fact.data;
      const isBad = outcome === "failed" || outcome === "rejected" || outcome === "unknown";
      return [
        {
          from: "supervisor",
          to: "alarm",
          text: ticketId === null ? outcome : `${outcome}: ${ticketId}`,
          detail: because,
          isBad,
        },
      ];
    }
    case "ticketclient.flow.ended":
      return [
        {
          from: "client",
          to: "supervisor",
          text: `flow ${fact.data.result}`,
          isBad: fact.data.result === "crashed",
        },
      ];
    case "ticketclient.client.unlocked":
      return [{ from: "client", to: "supervisor", text: "unlocked" }];
    case "ticketclient.client.lockExpired":
      return [{ from: "supervisor", to: "client", text: "lock expired", isBad: true }];
    case "ticketclient.client.lockForced":
    case "ticketclient.client.notBusyForced": {
      const what = fact.type === "ticketclient.client.lockForced" ? "unlock" : "not busy";
      return [
        {
          from: "supervisor",
          to: "client",
          text: `${what} forced by ${fact.data.by}`,
          detail: fact.data.reason,
          isBad: true,
        },
      ];
    }
    default:
      return requestSaid(fact);
  }
}

function requestSaid(fact: FeedFact): Said[] {
  switch (fact.type) {
    case "ticketclient.request.planned":
      return [
        {
          from: "client",
          to: "gateway",
          text: fact.data.payload.command,
          detail: `request ${fact.data.requestId}`,
        },
      ];
    case "ticketclient.request.sending":
      return [{ from: "gateway", to: "service", text: `attempt ${fact.data.attempt}` }];
    case "ticketclient.request.answered": {
      const { answer, code, cause, ticketId } = fact.data;
      return [
        {
          from: "service",
          to: "gateway",
          text: joined(answer, ticketId ?? code),
          detail: cause ?? "",
          isBad: answer !== "ack",
        },
      ];
    }
    case "ticketclient.request.async": {
      const { result, ticketId, cause } = fact.data;
      return [
        {
          from: "service",
          to: "gateway",
          text: joined(`result ${result}`, ticketId),
          detail: cause ?? "",
          isBad: result !== "OK",
        },
      ];
    }
    case "ticketclient.request.settled": {
      const { result, because } = fact.data;
      return [
        {
          from: "gateway",
          to: "client",
          text: `request ${result}`,
          detail: because,
          isBad: result !== "ok" && result !== "cancelled",
        },
      ];
    }
    default:
      return [];
  }
}

/** Of a request the gateway's facts tell; of a search only its row does. */
function rowSaid({ data }: Extract<FeedFact, { type: "ticketclient.response.row" }>): Said[] {
  if (data.change || data.row.command !== "search") return [];
  const { sentAt, answeredAt, status, code, cause, ticketIds, attempt } = data.row;
  const found = ticketIds.length === 0 ? "no ticket" : ticketIds.join(", ");
  const isGood = status === "ok" || status === "ack";
  const asked: Said = {
    at: sentAt,
    from: "client",
    to: "service",
    text: attempt > 1 ? `search, attempt ${attempt}` : "search",
  };
  if (answeredAt === null) return [asked];
  return [
    asked,
    {
      at: answeredAt,
      from: "service",
      to: "client",
      text: isGood ? found : joined(status, code),
      detail: cause ?? "",
      isBad: !isGood,
    },
  ];
}

function joined(text: string, more: string | null): string {
  return more === null ? text : `${text}: ${more}`;
}

function alarmsText(count: number): string {
  return count === 1 ? "one alarm" : `${count} alarms together`;
}
