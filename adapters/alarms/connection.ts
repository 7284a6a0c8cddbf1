/**
 * One sender's connection: reads its events, hands them to the sink, answers each.
 *   A1 `accepted` only after the sink says it is durable.  A6 a refused event is not overtaken.
 *   A7 the end of a connection says nothing about any alarm: nothing is done.
 *   S3 what waits (events, answers, sources, pings) is bounded.
 */
import type { RawData } from "ws";

import type { AlarmSettings } from "../../actors/alarm-message.ts";
import { parseAlarmEvent } from "../../actors/alarm-message.ts";
import type { Acceptance, AlarmSink } from "../../actors/ports.ts";
import { limits } from "../../machines/limits.ts";
import type { Notification } from "../../machines/vocabulary.ts";
import { type PeerNeeds, PeerSocket } from "../http/peer-socket.ts";
import { AckFrames } from "./frames.ts";
import { SequenceWatch } from "./sequence-watch.ts";

export interface ConnectionNeeds extends PeerNeeds {
  readonly sink: AlarmSink;
  readonly settings: AlarmSettings;
}

/** `order`: place of the event's first arrival among the connection's events. */
interface Refused {
  readonly id: string;
  readonly order: number;
}

export class AlarmConnection {
  readonly #needs: ConnectionNeeds;
  readonly #peer: PeerSocket;
  readonly #frames: AckFrames;
  readonly #sequences = new SequenceWatch();
  /** A6: per source the earliest event refused for now; later ones wait until it comes again. */
  readonly #refused = new Map<string, Refused>();
  /** Frames of one read, before they are taken: at most what a socket reads in one go. */
  readonly #waiting: { readonly data: RawData; readonly isBinary: boolean }[] = [];
  readonly #refusedFor = new Set<string>();
  #isTaking = false;
  #arrivals = 0;
  #inFlight = 0;
  #stopping = false;

  constructor(needs: ConnectionNeeds) {
    this.#needs = needs;
    this.#frames = new AckFrames(needs.connectionId);
    this.#peer = new PeerSocket(needs);
    needs.webSocket.on("message", (data, isBinary) => {
      this.#waiting.push({ data, isBinary });
      if (!this.#isTaking) this.#takeNext();
    });
    this.#send(this.#frames.hello());
  }

  tick(): void {
    this.#peer.tick();
  }

  /** Takes no more events, answers those in flight, then closes 1001. */
  stop(): void {
    this.#stopping = true;
    this.#closeWhenAnswered();
  }

  close(code: number, reason: string): void {
    this.#peer.close(code, reason);
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
    if (this.#peer.isClosing) return;
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
    else {
      // A6: it was waited for, and does not come any more.
      if (this.#refused.get(source)?.id === id) this.#refused.delete(source);
      this.#noteRefusal(reading.refusal.code);
      this.#send(this.#frames.rejected({ ...reading.refusal, retryAfterMs: null }));
    }
  }

  /** S4: nothing of the event. Each code once, so that no sender fills the log. */
  #noteRefusal(code: string): void {
    if (this.#refusedFor.has(code)) return;
    this.#refusedFor.add(code);
    this.#needs.log.warn("alarms.rejected", { connectionId: this.#needs.connectionId, code });
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
        return this.close(1013, "events of too many sources were refused for now: come again later");
    }
    this.#send(this.#frames.rejected({ source, id, code, field: "", detail, retryAfterMs }));
  }

  #closeWhenAnswered(): void {
    if (this.#stopping && this.#inFlight === 0) this.close(1001, "stopping");
  }

  /** Whether the sender does not read, or its events come faster than answers leave, cannot be told from here. */
  #send(frame: string): void {
    if (this.#peer.bufferedBytes > limits.acksQueuedBytesMax)
      return this.close(1013, "too many answers wait to be read: read them faster, or send more slowly");
    this.#peer.send(frame);
  }
}

const stopping = "the engine is stopping; expected the event again after a reconnect";
