/**
 * Sends recorded alarms to an intake as a good sender does: keeps each event until it is answered, sends
 * it again with the same id after a reconnect, and after a refusal for now goes on from the refused event,
 * in order (A4, A6).
 * Protocol: README.md beside this file.
 */
import type { Duplex } from "node:stream";
import { WebSocket } from "ws";

import type { Clock, Ids } from "../../actors/ports.ts";
import { limits } from "../../machines/limits.ts";
import { cloudEventsSubprotocol } from "../http/upgrade.ts";
import type { AckMessage, RejectedMessage } from "./ack-message.ts";
import { readAckMessage } from "./ack-message.ts";
import { LatencyHistogram } from "./latency.ts";
import type { RecordedEvent } from "./recorded.ts";

export interface ReplayOptions {
  /** In the order to send. */
  readonly events: readonly RecordedEvent[];
  /** `ws://host:port/v1/alarms` */
  readonly url: string;
  /** N = N times as fast as recorded, counted from the first event; `max` = as fast as answers come. */
  readonly speed: number | "max";
  /** Unanswered events at most; the intake's own bound counts where it is lower. Default 256. */
  readonly inFlight?: number;
  readonly token?: string;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Ends the replay early; what was sent stays sent. */
  readonly signal?: AbortSignal;
  /** Called after answers, at most four times a second. */
  readonly onProgress?: (progress: { readonly answered: number; readonly total: number }) => void;
}

export interface ReplaySummary {
  /** Frames sent; an event sent again counts again. */
  readonly sent: number;
  /** Events acknowledged, duplicates included. */
  readonly accepted: number;
  /** … of them those the intake knew already, by an earlier replay or before a reconnect. */
  readonly duplicates: number;
  /** Refused for good, at most one an event. */
  readonly rejected: readonly RejectedMessage[];
  /** Gaps the intake reported. */
  readonly gaps: number;
  readonly reconnects: number;
  readonly seconds: number;
  /** Acknowledged events a second. */
  readonly ratePerSecond: number;
  /** From the last send of an event to its acknowledgement; within 2 %. */
  readonly ackMs: { readonly p50: number; readonly p99: number };
  /** Null when every event was answered; else why the replay gave up. */
  readonly gaveUp: string | null;
}

/** Close codes and statuses after which trying again would get the same. */
const finalCloses = new Set([1003, 1008, 1009, 4400, 4401]);
const finalStatuses = new Set([400, 401, 403, 404, 405]);
const progressMs = 250;

/** Resolves when every event is answered, or it gave up; never rejects. */
export function replay(options: ReplayOptions): Promise<ReplaySummary> {
  return new Promise((resolve) => new Replay(options, resolve).start());
}

class Replay {
  readonly #options: ReplayOptions;
  readonly #resolve: (summary: ReplaySummary) => void;
  readonly #latency = new LatencyHistogram();
  readonly #startedAt: number;
  /** Index of the next event that was never sent. */
  #next = 0;
  /** Indexes to send again before any new one, highest first. */
  #again: number[] = [];
  readonly #inFlight = new Map<string, { readonly index: number; readonly sentAt: number }>();
  #window: number;
  #webSocket: WebSocket | null = null;
  /** Under the WebSocket: what is sent in one turn is written in one go. */
  #stream: Duplex | null = null;
  #isReady = false;
  /** After a refusal for now: nothing is sent before this time, nor before everything in flight is answered. */
  #pausedUntil: number | null = null;
  #failedConnects = 0;
  #wakeTimer: unknown;
  #silenceTimer: unknown;
  #pumpQueued = false;
  #progressAt = 0;
  #ended = false;
  readonly #rejected: RejectedMessage[] = [];
  readonly #counts = { sent: 0, accepted: 0, duplicates: 0, gaps: 0, reconnects: 0 };
  readonly #abort = () => this.#end("stopped by the caller");

  constructor(options: ReplayOptions, resolve: (summary: ReplaySummary) => void) {
    this.#options = options;
    this.#resolve = resolve;
    this.#window = options.inFlight ?? limits.replayInFlightDefault;
    this.#startedAt = options.clock.monotonicMs();
  }

  start(): void {
    if (this.#options.signal?.aborted === true) return this.#abort();
    this.#options.signal?.addEventListener("abort", this.#abort);
    this.#connect();
  }

  #connect(): void {
    const { url, token } = this.#options;
    const webSocket = new WebSocket(url, cloudEventsSubprotocol, {
      perMessageDeflate: false,
      maxPayload: limits.acksQueuedBytesMax,
      ...(token === undefined ? undefined : { headers: { authorization: `Bearer ${token}` } }),
    });
    this.#webSocket = webSocket;
    this.#expectSign(webSocket, limits.replayHelloMsMax);
    webSocket.on("upgrade", (response) => (this.#stream = response.socket));
    webSocket.on("unexpected-response", (_request, response) => {
      const status = response.statusCode ?? 0;
      webSocket.terminate();
      if (finalStatuses.has(status)) this.#end(`the intake refused the connection with HTTP ${status}`);
    });
    webSocket.on("message", (data) => {
      if (Buffer.isBuffer(data)) this.#answer(webSocket, readAckMessage(data.toString("utf8")));
    });
    webSocket.on("ping", () => this.#isReady && this.#expectSign(webSocket, limits.pingIntervalMs * 2.5));
    // `close` follows every error.
    webSocket.on("error", () => undefined);
    webSocket.on("close", (code, reason) => this.#closed(code, reason.toString()));
  }

  /** A connection that stays silent for so long is given up: it may be half open. */
  #expectSign(webSocket: WebSocket, withinMs: number): void {
    const { clock } = this.#options;
    clock.clearTimeout(this.#silenceTimer);
    this.#silenceTimer = clock.setTimeout(() => webSocket.terminate(), withinMs);
  }

  #closed(code: number, reason: string): void {
    const { clock, ids } = this.#options;
    clock.clearTimeout(this.#silenceTimer);
    clock.clearTimeout(this.#wakeTimer);
    this.#webSocket = null;
    this.#isReady = false;
    if (this.#ended) return;
    if (finalCloses.has(code)) return this.#end(`the intake closed the connection: ${code} ${reason}`);
    if (++this.#failedConnects > limits.replayConnectsMax)
      return this.#end(`no connection to ${this.#options.url} after ${limits.replayConnectsMax} tries`);
    // A4: unanswered events may be kept or lost; they go again, with their ids, in order.
    for (const { index } of this.#inFlight.values()) this.#again.push(index);
    this.#inFlight.clear();
    this.#again.sort((a, b) => b - a);
    this.#pausedUntil = null;
    this.#counts.reconnects++;
    const backOff = limits.replayBackOffMs * 2 ** Math.min(this.#failedConnects - 1, 20);
    const wait = Math.min(backOff, limits.replayBackOffMsMax) * (0.5 + ids.random() / 2);
    this.#wakeTimer = clock.setTimeout(() => this.#connect(), wait);
  }

  #answer(webSocket: WebSocket, message: AckMessage | null): void {
    if (message === null || webSocket !== this.#webSocket || this.#ended) return;
    this.#expectSign(webSocket, limits.pingIntervalMs * 2.5);
    if (message.kind === "hello") {
      this.#isReady = true;
      this.#window = Math.max(1, Math.min(this.#window, message.maxInFlight));
    } else if (message.kind === "gap") this.#counts.gaps++;
    else this.#settle(message);
    this.#queuePump();
  }

  #settle(message: Extract<AckMessage, { kind: "accepted" | "rejected" }>): void {
    const name = nameOf(message);
    const flying = this.#inFlight.get(name);
    if (flying === undefined) return;
    this.#inFlight.delete(name);
    this.#failedConnects = 0;
    const now = this.#options.clock.monotonicMs();
    if (message.kind === "accepted") {
      this.#latency.add(now - flying.sentAt);
      this.#counts.accepted++;
      if (message.duplicate) this.#counts.duplicates++;
    } else if (message.retryAfterMs === null) this.#rejected.push(message);
    else {
      // A6
      this.#again.push(flying.index);
      this.#again.sort((a, b) => b - a);
      this.#pausedUntil = Math.max(this.#pausedUntil ?? 0, now + message.retryAfterMs);
    }
    if (now - this.#progressAt >= progressMs) {
      this.#progressAt = now;
      const answered = this.#counts.accepted + this.#rejected.length;
      this.#options.onProgress?.({ answered, total: this.#options.events.length });
    }
  }

  /** Once for all answers of this turn, so that what they make room for leaves together. */
  #queuePump(): void {
    if (this.#pumpQueued) return;
    this.#pumpQueued = true;
    setImmediate(() => {
      this.#pumpQueued = false;
      this.#pump();
    });
  }

  #pump(): void {
    const { events, clock } = this.#options;
    if (this.#ended || !this.#isReady) return;
    if (this.#next === events.length && this.#again.length === 0 && this.#inFlight.size === 0)
      return this.#end(null);
    if (this.#pausedUntil !== null) {
      if (this.#inFlight.size > 0) return;
      const wait = this.#pausedUntil - clock.monotonicMs();
      if (wait > 0) return this.#wake(wait);
      this.#pausedUntil = null;
    }
    this.#stream?.cork();
    this.#fillWindow();
    this.#stream?.uncork();
  }

  #fillWindow(): void {
    const { events, clock } = this.#options;
    while (this.#inFlight.size < this.#window) {
      const index = this.#again.at(-1) ?? this.#next;
      const event = events[index];
      // An id that is there twice: whose answer it is could not be told.
      if (event === undefined || this.#inFlight.has(nameOf(event))) return;
      if (index === this.#next) {
        const wait = this.#msUntilDue(event);
        if (wait > 0) return this.#wake(wait);
        this.#next++;
      } else this.#again.pop();
      this.#inFlight.set(nameOf(event), { index, sentAt: clock.monotonicMs() });
      this.#counts.sent++;
      this.#webSocket?.send(event.text);
    }
  }

  #wake(ms: number): void {
    this.#options.clock.clearTimeout(this.#wakeTimer);
    this.#wakeTimer = this.#options.clock.setTimeout(() => this.#pump(), ms);
  }

  #msUntilDue(event: RecordedEvent): number {
    const { speed, events, clock } = this.#options;
    if (speed === "max") return 0;
    const first = events[0]?.at ?? event.at;
    return (event.at - first) / speed - (clock.monotonicMs() - this.#startedAt);
  }

  #end(gaveUp: string | null): void {
    if (this.#ended) return;
    this.#ended = true;
    const { clock, signal, onProgress, events } = this.#options;
    signal?.removeEventListener("abort", this.#abort);
    clock.clearTimeout(this.#wakeTimer);
    clock.clearTimeout(this.#silenceTimer);
    const webSocket = this.#webSocket;
    if (webSocket !== null) {
      webSocket.close(1000);
      const timer = clock.setTimeout(() => webSocket.terminate(), limits.closeGraceMs);
      webSocket.once("close", () => clock.clearTimeout(timer));
    }
    const seconds = (clock.monotonicMs() - this.#startedAt) / 1_000;
    const { accepted } = this.#counts;
    onProgress?.({ answered: accepted + this.#rejected.length, total: events.length });
    this.#resolve({
      ...this.#counts,
      rejected: this.#rejected,
      seconds,
      ratePerSecond: seconds > 0 ? accepted / seconds : 0,
      ackMs: { p50: this.#latency.percentile(0.5), p99: this.#latency.percentile(0.99) },
      gaveUp,
    });
  }
}

function nameOf({ source, id }: { readonly source: string | null; readonly id: string | null }): string {
  return `${source}\n${id}`;
}
