/**
 * One source that sends each event when it is due, whatever became of those before (an open loop): what waits, waits
 * here, and counts. A good sender otherwise: at most so many unanswered events as the intake allows, and after a
 * refusal for now it goes on from the refused event, in order (A6). Whatever the intake may not say is noted.
 */
import type { Duplex } from "node:stream";
import { WebSocket } from "ws";
import { readAckMessage, type AckMessage } from "../../adapters/alarms/ack-message.ts";
import type { SourcePlan } from "./storm-alarms.ts";

export interface SourceReport {
  readonly source: string;
  /** As planned. */
  readonly due: Float64Array;
  /** By the event's place: the position it was acknowledged with, 0 if it never was. */
  readonly positions: Float64Array;
  /** By the event's place: from when it was due to its first answer, and to its acknowledgement. NaN without one. */
  readonly answeredMs: Float64Array;
  readonly acknowledgedMs: Float64Array;
  /** Refusals for now; an event may be refused more than once. */
  readonly refusals: number;
  /** What the intake did that it may not: sentences, at most ten. */
  readonly wrong: readonly string[];
}

/** What became of an event. */
const Fate = { waiting: 0, inFlight: 1, refused: 2, acknowledged: 3 } as const;
/** Nothing was answered for so long: the source gives up. */
const patienceMs = 60_000;

export class PacedSource {
  readonly #plan: SourcePlan;
  readonly #fates: Uint8Array;
  readonly #positions: Float64Array;
  readonly #answeredMs: Float64Array;
  readonly #acknowledgedMs: Float64Array;
  readonly #wrong: string[] = [];
  readonly #again = new Set<number>();
  #next = 0;
  #inFlight = 0;
  #acknowledged = 0;
  #refusals = 0;
  #window = 1;
  #startedAt = 0;
  #pausedUntil = 0;
  #heardAt = 0;
  #isPumping = false;
  #webSocket: WebSocket | null = null;
  #stream: Duplex | null = null;
  readonly #ended = Promise.withResolvers<void>();

  constructor(plan: SourcePlan) {
    const count = plan.texts.length;
    this.#plan = plan;
    this.#fates = new Uint8Array(count);
    this.#positions = new Float64Array(count);
    this.#answeredMs = new Float64Array(count).fill(Number.NaN);
    this.#acknowledgedMs = new Float64Array(count).fill(Number.NaN);
  }

  /** Resolves when the intake has said hello. */
  async connect(url: string): Promise<void> {
    const webSocket = new WebSocket(url, "cloudevents.json", { perMessageDeflate: false });
    this.#webSocket = webSocket;
    webSocket.on("upgrade", (response) => (this.#stream = response.socket));
    await new Promise<void>((resolve, reject) => {
      webSocket.on("error", reject);
      webSocket.on("message", (data: Buffer) => {
        const message = readAckMessage(data.toString("utf8"));
        if (message?.kind === "hello") {
          this.#window = message.maxInFlight;
          resolve();
        } else if (message !== null) this.#answer(message);
      });
    });
    webSocket.on("close", (code, reason) => {
      if (this.#acknowledged < this.#fates.length) this.#note(`closed ${code} ${reason.toString()}`);
      this.#ended.resolve();
    });
  }

  /** Resolves when every event is acknowledged, or nothing more comes. */
  async run(): Promise<SourceReport> {
    this.#startedAt = performance.now();
    this.#heardAt = this.#startedAt;
    const tick = setInterval(() => this.#tick(), 1);
    await this.#ended.promise;
    clearInterval(tick);
    this.#webSocket?.terminate();
    return {
      source: this.#plan.source,
      due: this.#plan.due,
      positions: this.#positions,
      answeredMs: this.#answeredMs,
      acknowledgedMs: this.#acknowledgedMs,
      refusals: this.#refusals,
      wrong: this.#wrong,
    };
  }

  #tick(): void {
    this.#pump();
    if (this.#inFlight === 0 || performance.now() - this.#heardAt < patienceMs) return;
    this.#note(`${this.#inFlight} events were not answered within ${patienceMs} ms`);
    this.#ended.resolve();
  }

  #pump(): void {
    const now = performance.now();
    if (this.#again.size > 0) {
      // A6: everything in flight is answered before the refused ones go again, the first of them first.
      if (this.#inFlight > 0 || now < this.#pausedUntil) return;
      this.#next = Math.min(...this.#again);
      this.#again.clear();
    }
    const { due, texts } = this.#plan;
    this.#stream?.cork();
    for (; this.#next < texts.length; this.#next += 1) {
      if (this.#fates[this.#next] === Fate.acknowledged) continue;
      if ((due[this.#next] as number) > now - this.#startedAt) break;
      if (this.#inFlight >= this.#window) break;
      this.#fates[this.#next] = Fate.inFlight;
      this.#inFlight += 1;
      this.#webSocket?.send(texts[this.#next] as string);
    }
    this.#stream?.uncork();
  }

  #answer(message: AckMessage): void {
    if (message.kind !== "accepted" && message.kind !== "rejected") return;
    const at = Number(message.id);
    const now = performance.now();
    this.#heardAt = now;
    const sinceDue = now - this.#startedAt - (this.#plan.due[at] ?? 0);
    if (message.source !== this.#plan.source || this.#fates[at] !== Fate.inFlight)
      return this.#note(`${message.kind} ${message.source} ${message.id}, which was ${this.#fates[at]}`);
    this.#inFlight -= 1;
    if (Number.isNaN(this.#answeredMs[at])) this.#answeredMs[at] = sinceDue;
    if (message.kind === "accepted") {
      if (message.duplicate) this.#note(`${message.id} was said to be known`);
      this.#fates[at] = Fate.acknowledged;
      this.#positions[at] = message.position;
      this.#acknowledgedMs[at] = sinceDue;
      this.#acknowledged += 1;
    } else {
      if (message.code !== "OVERLOADED" || !(Number(message.retryAfterMs) > 0))
        this.#note(`${message.id} was refused: ${message.code} ${message.detail}`);
      this.#fates[at] = Fate.refused;
      this.#refusals += 1;
      this.#again.add(at);
      this.#pausedUntil = Math.max(this.#pausedUntil, now + (message.retryAfterMs ?? 0));
    }
    if (this.#acknowledged === this.#fates.length) return this.#ended.resolve();
    this.#pumpSoon();
  }

  /** Once for all answers of a turn. */
  #pumpSoon(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    setImmediate(() => {
      this.#isPumping = false;
      this.#pump();
    });
  }

  #note(sentence: string): void {
    if (this.#wrong.length < 10) this.#wrong.push(sentence);
  }
}
