/**
 * One sender's connection: reads its events, hands them to the sink, answers each.
 *   A1 `accepted` only after the sink says it is durable.  A6 a refused event is not overtaken.
 *   A7 the end of a connection says nothing about any alarm: nothing is done.
 *   S3 what waits (events, answers, sources, pings) is bounded.
 */
import type { Duplex } from "node:stream";
import type { RawData, WebSocket } from "ws";

import type { AlarmSettings } from "../../actors/alarm-message.ts";
import { parseAlarmEvent } from "../../actors/alarm-message.ts";
import type { Acceptance, AlarmSink, Clock, Log } from "../../actors/ports.ts";
import { limits } from "../../machines/limits.ts";
import type { Notification } from "../../machines/vocabulary.ts";
import { AckFrames } from "./frames.ts";
import { SequenceWatch } from "./sequence-watch.ts";

export interface ConnectionNeeds {
  readonly webSocket: WebSocket;
  /** The stream under the WebSocket, to write the answers of one turn in one go. */
  readonly stream: Duplex;
  readonly connectionId: string;
  readonly sink: AlarmSink;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: AlarmSettings;
  /** Asked again at every ping; false closes 4401. */
  isAuthorized(): boolean;
  onClosed(): void;
}

/** `order`: place of the event's first arrival among the connection's events. */
interface Refused {
  readonly id: string;
  readonly order: number;
}

export class AlarmConnection {
  readonly #needs: ConnectionNeeds;
  readonly #frames: AckFrames;
  readonly #sequences = new SequenceWatch();
  /** A6: per source the earliest event refused for now; later ones wait until it comes again. */
  readonly #refused = new Map<string, Refused>();
  /** Frames of one read, before they are taken: at most what a socket reads in one go. */
  readonly #waiting: { readonly data: RawData; readonly isBinary: boolean }[] = [];
  #isTaking = false;
  #arrivals = 0;
  #inFlight = 0;
  #unansweredPings = 0;
  #heardPings = 0;
  #corked = false;
  #stopping = false;
  #closing = false;
  #graceTimer: unknown;

  constructor(needs: ConnectionNeeds) {
    this.#needs = needs;
    this.#frames = new AckFrames(needs.connectionId);
    const { webSocket } = needs;
    webSocket.on("message", (data, isBinary) => {
      this.#waiting.push({ data, isBinary });
      if (!this.#isTaking) this.#takeNext();
    });
    webSocket.on("ping", (data: Buffer) => {
      if (this.#countPing()) webSocket.pong(data);
    });
    webSocket.on("pong", () => {
      this.#unansweredPings = 0;
      this.#countPing();
    });
    // Bad frames, oversize and too many fragments: ws itself closes 1002, 1007, 1008, 1009.
    webSocket.on("error", (error) => {
      this.#closing = true;
      needs.log.warn("alarms.frameRefused", { connectionId: needs.connectionId, reason: error.message });
      this.#armGrace();
    });
    webSocket.on("close", (code) => {
      this.#closing = true;
      needs.clock.clearTimeout(this.#graceTimer);
      needs.log.info("alarms.disconnected", { connectionId: needs.connectionId, code });
      needs.onClosed();
    });
    this.#send(this.#frames.hello());
  }

  /** Called every `pingIntervalMs`. */
  tick(): void {
    if (this.#closing) return;
    if (!this.#needs.isAuthorized()) return this.close(4401, "the token is no longer valid");
    this.#heardPings = 0;
    if (this.#unansweredPings >= 2) {
      this.#needs.webSocket.terminate();
      return;
    }
    this.#unansweredPings++;
    this.#needs.webSocket.ping();
  }

  /** Takes no more events, answers those in flight, then closes 1001. */
  stop(): void {
    this.#stopping = true;
    this.#closeWhenAnswered();
  }

  /** Closes; a peer that does not answer in `closeGraceMs` is cut off. */
  close(code: number, reason: string): void {
    if (this.#closing) return;
    this.#closing = true;
    // A close frame carries at most 123 bytes; ours are ASCII but for what a path may contain.
    this.#needs.webSocket.close(
      code,
      Buffer.from(reason)
        .subarray(0, 123)
        .toString()
        .replace(/\ufffd+$/, ""),
    );
    this.#armGrace();
  }

  #armGrace(): void {
    this.#needs.clock.clearTimeout(this.#graceTimer);
    this.#graceTimer = this.#needs.clock.setTimeout(
      () => this.#needs.webSocket.terminate(),
      limits.closeGraceMs,
    );
  }

  #countPing(): boolean {
    if (this.#closing) return false;
    if (++this.#heardPings <= limits.pingsPerIntervalMax) return true;
    this.close(1008, `more than ${limits.pingsPerIntervalMax} pings in ${limits.pingIntervalMs} ms`);
    return false;
  }

  /**
   * A6: one read brings many events, and all would be with the sink before the first is known to be refused.
   * So between two events every promise that can settle does (a tick after the microtasks, still in this
   * turn of the event loop, so that the ledger commits them together). Covers a sink that refuses without
   * waiting for the disk.
   */
  #takeNext(): void {
    const frame = this.#waiting.shift();
    this.#isTaking = frame !== undefined;
    if (frame === undefined) return;
    this.#message(frame.data, frame.isBinary);
    queueMicrotask(() => process.nextTick(() => this.#takeNext()));
  }

  #message(data: RawData, isBinary: boolean): void {
    if (this.#closing) return;
    if (isBinary || !Buffer.isBuffer(data)) return this.close(1003, "expected text frames");
    const reading = parseAlarmEvent(data.toString("utf8"), this.#needs.settings);
    const { source, id } = reading.ok ? reading.notification : reading.refusal;
    if (source === null || id === null) {
      const { code, field, detail } = reading.ok ? { code: "", field: "", detail: "" } : reading.refusal;
      return this.close(4400, `${code} ${field}: ${detail}`);
    }
    if (reading.sequence !== null) {
      const expected = this.#sequences.expectedInstead(source, reading.sequence);
      if (expected !== null) this.#send(this.#frames.gap(source, expected, reading.sequence));
    }
    if (reading.ok) this.#admit(reading.notification, reading.digest);
    else this.#send(this.#frames.rejected({ ...reading.refusal, retryAfterMs: null }));
  }

  #admit(notification: Notification, digest: string): void {
    const { source, id } = notification;
    const refused = this.#refused.get(source);
    // A6
    if (refused !== undefined && refused.id !== id)
      return this.#refuse(
        notification,
        "OVERLOADED",
        `expected event ${refused.id} of this source first: it was refused for now and is not overtaken`,
        limits.overloadedRetryAfterMs,
      );
    const order = refused?.order ?? ++this.#arrivals;
    if (this.#stopping)
      return this.#refuse(notification, "STOPPING", stopping, limits.overloadedRetryAfterMs, order);
    if (this.#inFlight >= limits.inFlightPerConnectionMax)
      return this.#refuse(
        notification,
        "OVERLOADED",
        `expected at most ${limits.inFlightPerConnectionMax} unanswered events on a connection`,
        limits.overloadedRetryAfterMs,
        order,
      );
    if (refused !== undefined) this.#refused.delete(source);
    this.#inFlight++;
    this.#needs.sink.accept(notification, digest).then(
      (acceptance) => {
        this.#inFlight--;
        this.#answer(notification, acceptance, order);
        return this.#closeWhenAnswered();
      },
      // R3: no answer at all; whoever sent it still has it.
      (error: unknown) => {
        this.#inFlight--;
        this.#needs.log.error("alarms.ledgerFailed", {
          connectionId: this.#needs.connectionId,
          reason: error instanceof Error ? error.message : String(error),
        });
        this.close(1001, "stopping: the ledger failed, nothing more is acknowledged");
      },
    );
  }

  #answer(notification: Notification, acceptance: Acceptance, order: number): void {
    const { source, id } = notification;
    switch (acceptance.kind) {
      case "accepted":
        // A1
        return this.#send(this.#frames.accepted(source, id, acceptance.duplicate, acceptance.position));
      case "conflict":
        return this.#send(
          this.#frames.rejected({
            source,
            id,
            code: "CONFLICT",
            field: "/id",
            detail: `expected a new id: this one was accepted with other content at position ${acceptance.position}`,
            retryAfterMs: null,
          }),
        );
      case "overloaded":
        return this.#refuse(
          notification,
          "OVERLOADED",
          "too many alarms wait to be settled; expected the event again later",
          acceptance.retryAfterMs,
          order,
        );
      case "stopping":
        return this.#refuse(notification, "STOPPING", stopping, limits.overloadedRetryAfterMs, order);
    }
  }

  /** Refuses for now. `order` given: the event itself was refused and is waited for (A6). */
  #refuse(
    { source, id }: Notification,
    code: "OVERLOADED" | "STOPPING",
    detail: string,
    retryAfterMs: number,
    order?: number,
  ): void {
    if (order !== undefined) {
      const earlier = this.#refused.get(source);
      if (earlier === undefined || order < earlier.order) this.#refused.set(source, { id, order });
      if (this.#refused.size > limits.sourcesPerConnectionMax)
        return this.close(1013, "overloaded: events of too many sources are refused");
    }
    this.#send(this.#frames.rejected({ source, id, code, field: "", detail, retryAfterMs }));
  }

  #closeWhenAnswered(): void {
    if (this.#stopping && this.#inFlight === 0) this.close(1001, "stopping");
  }

  #send(frame: string): void {
    if (this.#closing) return;
    const { webSocket, stream } = this.#needs;
    if (webSocket.bufferedAmount > limits.acksQueuedBytesMax)
      return this.close(1013, "overloaded: answers are not being read");
    // One commit answers many events: their frames leave in one write, at the end of this turn.
    if (!this.#corked) {
      this.#corked = true;
      stream.cork();
      setImmediate(() => {
        this.#corked = false;
        stream.uncork();
      });
    }
    webSocket.send(frame);
  }
}

const stopping = "the engine is stopping; expected the event again after a reconnect";
