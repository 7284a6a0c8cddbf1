/**
 * What the actors do, told to whoever inspects them, over whatever carries text. No sockets here.
 *   F3 what waits for a reader is bounded: above `inspectQueuedMax` only the newest state of each actor is kept.
 *   F4 XState is observed only while somebody reads; the observer keeps references and catches everything.
 *   F3 F4 of sockets and turns in reader-row.ts.
 * To a reader that comes late every living actor is owed; one that moves meanwhile is told at once, in its order.
 * Source: wire.md, "Inspector protocol". Protocol: adapters/inspect/README.md.
 */
import type { AnyEventObject } from "xstate";
import type { ActorEvent } from "./actor-system.ts";
import { limits } from "../machines/limits.ts";
import type { Instant } from "../machines/vocabulary.ts";
import {
  actorFrame,
  childrenOf,
  eventFrame,
  type InspectedActor,
  isMachine,
  parentOf,
  snapshotFrame,
  stableId,
  statusOf,
} from "./inspection-frames.ts";
import type { Clock } from "./ports.ts";
import { type FeedReader, type FeedReading, type InRow, ReaderRow } from "./reader-row.ts";
import type { Supervisor } from "./supervisor.ts";

export interface InspectionRequest {
  /** Only this actor and what is below it, what it has begun included. Null: all machines. */
  readonly actor: string | null;
}

export interface Inspection {
  /** Definitions first, then what happens; the first frame comes in a later turn. */
  read(reader: FeedReader, request: InspectionRequest): FeedReading;
  readonly readers: number;
  /** Closes every reader with 1001 and observes no more. */
  close(): void;
}

export interface InspectionOptions {
  readonly supervisor: Pick<Supervisor, "inspect" | "root">;
  readonly clock: Clock;
}

/** A frame to be made, in its order. */
type Item = { readonly actor: InspectedActor; readonly at: Instant } & (
  | { readonly kind: "actor"; readonly snapshot: unknown }
  | { readonly kind: "event"; readonly event: unknown; readonly source: InspectedActor | null }
  | { readonly kind: "snapshot"; readonly snapshot: unknown; readonly event: unknown }
);

/** An actor whose state is owed, as it is when its turn comes: nothing that is old by then is kept for it. */
interface Owed {
  actor: InspectedActor;
  /** Type of the last event that changed it; null: it is to be looked at. */
  cause: string | null;
}

interface Reading extends InRow {
  readonly request: InspectionRequest;
  /** Ids of living actors that the reader was told of, or that are in the queue. */
  readonly told: Set<string>;
  queue: Item[];
  /** Where the queue goes on. */
  next: number;
  readonly owed: Map<string, Owed>;
  /** The queue was full: nothing joins it until nobody is owed anything. */
  isOverrun: boolean;
}

export function createInspection(options: InspectionOptions): Inspection {
  return new EngineInspection(options);
}

class EngineInspection implements Inspection {
  readonly #options: InspectionOptions;
  readonly #clock: Clock;
  readonly #row: ReaderRow<Reading>;
  #stopObserving: (() => void) | null = null;

  constructor(options: InspectionOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#row = new ReaderRow({
      clock: options.clock,
      turnDelayMs: limits.inspectIntervalMs,
      turnMsMax: limits.inspectTurnMsMax,
      adviceToSlow: "",
      serve: (reading, endAt, readers) => this.#serve(reading, endAt, readers),
      onEnd: forget,
      onEmpty: () => {
        this.#stopObserving?.();
        this.#stopObserving = null;
      },
    });
  }

  get readers(): number {
    return this.#row.size;
  }

  read(reader: FeedReader, request: InspectionRequest): FeedReading {
    const reading: Reading = {
      reader,
      request,
      told: new Set(),
      queue: [],
      next: 0,
      owed: new Map(),
      isOverrun: false,
      fullTimer: null,
      isEnded: false,
    };
    this.#stopObserving ??= this.#options.supervisor.inspect((event) => this.#observe(event));
    return this.#row.join(reading, () => this.#begin(reading));
  }

  close(): void {
    this.#row.close();
  }

  // --- what XState says: references are kept, and nobody is called

  /** An observer that throws would leave the actor deaf for ever (F4). */
  #observe(event: ActorEvent): void {
    try {
      if (event.type !== "@xstate.event" && event.type !== "@xstate.snapshot") return;
      const actor = event.actorRef as unknown as InspectedActor;
      for (const reading of this.#row) if (isShown(reading, actor)) this.#note(reading, actor, event);
    } catch {
      // One frame is missing; the next state of that actor comes.
    }
  }

  #note(
    reading: Reading,
    actor: InspectedActor,
    event: Extract<ActorEvent, { type: "@xstate.event" | "@xstate.snapshot" }>,
  ): void {
    if (event.type === "@xstate.snapshot") this.#noteState(reading, actor, event.snapshot, event.event);
    else {
      const source = (event.sourceRef as unknown as InspectedActor | undefined) ?? null;
      if (!isBehind(reading)) {
        const at = this.#clock.now();
        this.#introduce(reading, actor, at);
        reading.queue.push({ kind: "event", actor, at, event: event.event, source });
      } else if (!reading.told.has(stableId(actor))) this.#owe(reading, actor, null);
      // A machine that throws has no last snapshot of its own: its parent hears of it.
      if (source !== null && event.event.type.startsWith("xstate.error.actor.") && isShown(reading, source))
        this.#noteState(reading, source, source.getSnapshot(), event.event);
    }
    this.#row.wake();
  }

  #noteState(reading: Reading, actor: InspectedActor, snapshot: unknown, event: AnyEventObject): void {
    const id = stableId(actor);
    const isTold = reading.told.has(id);
    const isOver = statusOf(snapshot) !== "active";
    if (isOver && !isTold) {
      reading.owed.delete(id); // It came and went while nobody could be told.
    } else if (isBehind(reading)) {
      this.#owe(reading, actor, event.type);
    } else {
      const at = this.#clock.now();
      this.#introduce(reading, actor, at, snapshot);
      reading.queue.push({ kind: "snapshot", actor, at, snapshot, event });
      if (isOver) reading.told.delete(id);
    }
  }

  /** Its definition, and before it those of what is above. */
  #introduce(
    reading: Reading,
    actor: InspectedActor,
    at: Instant,
    snapshot: unknown = actor.getSnapshot(),
  ): void {
    const id = stableId(actor);
    if (reading.told.has(id)) return;
    const parent = parentOf(actor);
    if (parent !== undefined && isShown(reading, parent)) this.#introduce(reading, parent, at);
    reading.told.add(id);
    reading.queue.push({ kind: "actor", actor, at, snapshot });
    this.#oweChildren(reading, actor);
  }

  #owe({ owed }: Reading, actor: InspectedActor, cause: string | null): void {
    const id = stableId(actor);
    const known = owed.get(id);
    if (known === undefined) owed.set(id, { actor, cause });
    else {
      known.actor = actor;
      known.cause = cause ?? known.cause;
    }
  }

  #oweChildren(reading: Reading, actor: InspectedActor): void {
    for (const child of childrenOf(actor))
      if (isShown(reading, child) && !reading.told.has(stableId(child))) this.#owe(reading, child, null);
  }

  #begin(reading: Reading): void {
    const { root } = this.#options.supervisor;
    const { actor: wanted } = reading.request;
    const first = wanted === null || wanted === stableId(root) ? root : find(root, wanted);
    if (first !== null) this.#owe(reading, first, null);
  }

  // --- turns of the inspection

  #serve(reading: Reading, endAt: number, readers: number): boolean {
    const share = Math.ceil(limits.inspectFramesPerTurnMax / readers);
    for (let frames = 0; frames < share && hasMore(reading); frames += 1) {
      if (this.#row.isFull(reading) || this.#clock.monotonicMs() >= endAt) break;
      const item = reading.queue[reading.next];
      if (item === undefined) this.#pay(reading);
      else {
        reading.next += 1;
        this.#send(reading, item);
      }
    }
    reading.queue = reading.queue.slice(reading.next);
    reading.next = 0;
    return hasMore(reading);
  }

  /** The longest owed: its state, or, where it was not told of yet, its definition; then its children are owed. */
  #pay(reading: Reading): void {
    const [first] = reading.owed;
    if (first === undefined) return;
    const [id, { actor, cause }] = first;
    reading.owed.delete(id);
    const snapshot = actor.getSnapshot();
    const isOver = statusOf(snapshot) !== "active";
    if (!reading.told.has(id)) return isOver ? undefined : this.#present(reading, actor);
    if (isOver) reading.told.delete(id);
    if (cause === null) return;
    const at = this.#clock.now();
    this.#send(reading, { kind: "snapshot", actor, at, snapshot, event: { type: cause } });
  }

  /** What is above it was owed earlier, and so was told. */
  #present(reading: Reading, actor: InspectedActor): void {
    reading.told.add(stableId(actor));
    this.#send(reading, { kind: "actor", actor, at: this.#clock.now(), snapshot: actor.getSnapshot() });
    this.#oweChildren(reading, actor);
  }

  #send(reading: Reading, item: Item): void {
    const text = textOf(reading, item);
    if (text !== null) reading.reader.send(text);
  }
}

/** Nobody reads it any more: nothing is kept alive for it. */
function forget(reading: Reading): void {
  reading.queue = [];
  reading.next = 0;
  reading.owed.clear();
  reading.told.clear();
}

/** Null: it cannot be made, and the reader goes without. */
function textOf({ request }: Reading, item: Item): string | null {
  const { actor, at } = item;
  try {
    switch (item.kind) {
      case "actor":
        return actorFrame(actor, item.snapshot, { at, withParent: stableId(actor) !== request.actor });
      case "event":
        return eventFrame(actor, item.event, { at, source: item.source });
      case "snapshot":
        return snapshotFrame(actor, item.snapshot, item.event, at);
    }
  } catch {
    return null;
  }
}

/** Asked at every step of every actor: ids of ours are made only where XState's is another. */
function isShown({ request: { actor: wanted } }: Reading, actor: InspectedActor): boolean {
  if (wanted === null) return isMachine(actor);
  for (let one: InspectedActor | undefined = actor; one !== undefined; one = parentOf(one))
    if (one.id === wanted || (one.id === "flow" && stableId(one) === wanted)) return true;
  return false;
}

function find(above: InspectedActor, id: string): InspectedActor | null {
  for (const child of childrenOf(above)) {
    if (stableId(child) === id) return child;
    const found = find(child, id);
    if (found !== null) return found;
  }
  return null;
}

/** What happens now cannot be told in its order. */
function isBehind(reading: Reading): boolean {
  const { queue, next, owed } = reading;
  reading.isOverrun = queue.length - next >= limits.inspectQueuedMax || (reading.isOverrun && owed.size > 0);
  return reading.isOverrun;
}

function hasMore({ queue, next, owed }: Reading): boolean {
  return next < queue.length || owed.size > 0;
}
