/**
 * What the intake says: one CloudEvents 1.0 object a frame. Built by joining text: an acknowledgement is
 * written for every alarm, and only its values need escaping.
 */
import type { Position } from "../../machines/vocabulary.ts";
import { limits } from "../../machines/limits.ts";

type RejectionCode =
  | "INVALID"
  | "MISSING"
  | "CONFLICT"
  | "TOO_DEEP"
  | "TOO_LARGE"
  | "OVERLOADED"
  | "STOPPING";

export interface Rejection {
  readonly source: string | null;
  readonly id: string | null;
  readonly code: RejectionCode;
  readonly field: string;
  readonly detail: string;
  /** When to send it again; null = never, unchanged. */
  readonly retryAfterMs: number | null;
}

/** Frames of one connection; their ids are `<connectionId>-<n>`, n from 1. */
export class AckFrames {
  readonly #connectionId: string;
  readonly #head: string;
  #count = 0;

  constructor(connectionId: string) {
    this.#connectionId = connectionId;
    this.#head = `{"specversion":"1.0","source":"/v1/alarms","id":${JSON.stringify(connectionId).slice(0, -1)}-`;
  }

  hello(): string {
    const { inFlightPerConnectionMax: maxInFlight, pingIntervalMs } = limits;
    return this.#frame(
      "hello",
      JSON.stringify({ connectionId: this.#connectionId, maxInFlight, pingIntervalMs }),
    );
  }

  accepted(source: string, id: string, duplicate: boolean, position: Position): string {
    return this.#frame(
      "accepted",
      `{"source":${JSON.stringify(source)},"id":${JSON.stringify(id)},"duplicate":${duplicate},"position":${position}}`,
    );
  }

  rejected(rejection: Rejection): string {
    const { source, id, code, field, detail, retryAfterMs } = rejection;
    const retryable = retryAfterMs !== null;
    return this.#frame(
      "rejected",
      JSON.stringify({ source, id, code, field, detail, retryable, retryAfterMs }),
    );
  }

  /** Both as `sequence` is written: 20 digits. */
  gap(source: string, expected: string, got: string): string {
    return this.#frame("gap", JSON.stringify({ source, expected, got }));
  }

  #frame(type: string, data: string): string {
    this.#count++;
    return `${this.#head}${this.#count}","type":"ticketclient.ack.${type}","data":${data}}`;
  }
}
