/** The sender's side of the protocol: what the intake says, read back. */
import { isObject } from "../../actors/alarm-json.ts";

export interface RejectedMessage {
  readonly kind: "rejected";
  readonly source: string | null;
  readonly id: string | null;
  readonly code: string;
  readonly field: string;
  readonly detail: string;
  /** Null: never, unchanged. */
  readonly retryAfterMs: number | null;
}

export type AckMessage =
  | { readonly kind: "hello"; readonly maxInFlight: number }
  | {
      readonly kind: "accepted";
      readonly source: string;
      readonly id: string;
      readonly duplicate: boolean;
      readonly position: number;
    }
  | RejectedMessage
  | { readonly kind: "gap"; readonly expected: string; readonly got: string };

/** Null where it is not one of the intake's messages; a sender ignores those. */
export function readAckMessage(text: string): AckMessage | null {
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isObject(frame) || !isObject(frame["data"])) return null;
  const data = frame["data"];
  switch (frame["type"]) {
    case "ticketclient.ack.hello":
      return { kind: "hello", maxInFlight: numberOr(data["maxInFlight"], 1) };
    case "ticketclient.ack.accepted":
      return {
        kind: "accepted",
        source: textOf(data["source"]),
        id: textOf(data["id"]),
        duplicate: data["duplicate"] === true,
        position: numberOr(data["position"], 0),
      };
    case "ticketclient.ack.rejected":
      return {
        kind: "rejected",
        source: textOf(data["source"]),
        id: textOf(data["id"]),
        code: textOf(data["code"]),
        field: textOf(data["field"]),
        detail: textOf(data["detail"]),
        retryAfterMs: data["retryable"] === true ? numberOr(data["retryAfterMs"], 1_000) : null,
      };
    case "ticketclient.ack.gap":
      return { kind: "gap", expected: textOf(data["expected"]), got: textOf(data["got"]) };
    default:
      return null;
  }
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === "number" ? value : otherwise;
}
