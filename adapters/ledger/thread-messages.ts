/**
 * What the ledger and its writing thread tell each other. Groups and judgements travel flat, as few texts and one list
 * of numbers: cloning an object costs several times its strings, and many strings several times one of their length.
 */
import type { Stream } from "../../machines/facts.ts";
import type { Failure } from "../../machines/failure.ts";
import type { Position } from "../../machines/vocabulary.ts";
import type { BatchToWrite, Judgement, RowToWrite } from "./fact-store.ts";

/** How the thread opens the ledger: the `workerData` of its start. */
export interface ThreadOpening {
  readonly dir: string;
  readonly epoch: string;
  /** For a ledger that is made by this opening. */
  readonly identity: string;
  readonly openedAt: number;
  readonly acceptShortened: boolean;
  /** null = none. */
  readonly pagesMax: number | null;
}

export type ToThread =
  | { readonly kind: "write"; readonly group: GroupMessage }
  | { readonly kind: "snapshotPart"; readonly text: string }
  | { readonly kind: "snapshotEnd"; readonly position: Position }
  /** Last message: the thread ends after it. */
  | { readonly kind: "close" };

export type FromThread =
  /** First message, or `refused`. */
  | {
      readonly kind: "opened";
      readonly ledger: string;
      readonly restored: boolean;
      readonly position: Position;
    }
  /** Opening or closing failed; the thread ends. */
  | { readonly kind: "refused"; readonly failure: Failure }
  | { readonly kind: "judged"; readonly judgements: JudgementsMessage }
  /** A part or the end of a snapshot. */
  | { readonly kind: "snapshotWritten" }
  /** R3: nothing is written any more; only `close` is answered. */
  | { readonly kind: "failed"; readonly message: string; readonly isDamage: boolean };

export interface GroupMessage {
  /** Streams, types, keys, flows and ids, each once. */
  readonly names: readonly string[];
  /** The bodies of all rows, one after the other. */
  readonly bodies: string;
  /**
   * A batch: its id, how many expectations, how many rows; then of each expectation stream and revision; then of each
   * row stream, type, key, flow, time and length of the body. Names by their place in `names`, -1 for null.
   */
  readonly numbers: Float64Array;
}

export function packGroup(batches: readonly BatchToWrite[]): GroupMessage {
  const places = new Map<string, number>();
  const names: string[] = [];
  const numbers: number[] = [];
  let bodies = "";
  function place(name: string | null): number {
    if (name === null) return -1;
    const known = places.get(name);
    if (known !== undefined) return known;
    places.set(name, names.length);
    return names.push(name) - 1;
  }
  for (const { id, expect, rows } of batches) {
    numbers.push(place(id), expect.length, rows.length);
    for (const { stream, revision } of expect) numbers.push(place(stream), revision);
    for (const { stream, type, at, key, flow, body } of rows) {
      numbers.push(place(stream), place(type), place(key), place(flow), at, body.length);
      bodies += body;
    }
  }
  return { names, bodies, numbers: Float64Array.from(numbers) };
}

/** The bodies are slices of the message: whoever keeps one keeps all of its group. */
export function unpackGroup({ names, bodies, numbers }: GroupMessage): BatchToWrite[] {
  const batches: BatchToWrite[] = [];
  let at = 0;
  let from = 0;
  const next = (): number => numbers[at++] ?? Number.NaN;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion, typescript/no-unnecessary-type-parameters -- as packed above
  const nextName = <Name extends string | null>(): Name => (names[next()] ?? null) as Name;
  const nextBody = (): string => bodies.slice(from, (from += next()));
  while (at < numbers.length) {
    const id = nextName<string>();
    const expects = next();
    const length = next();
    const expect: { stream: Stream; revision: Position }[] = [];
    for (let n = 0; n < expects; n += 1) expect.push({ stream: nextName(), revision: next() });
    const rows: RowToWrite[] = [];
    for (let n = 0; n < length; n += 1) {
      rows.push({
        stream: nextName(),
        type: nextName(),
        key: nextName(),
        flow: nextName(),
        at: next(),
        body: nextBody(),
      });
    }
    batches.push({ id, expect, rows });
  }
  return batches;
}

/** Three numbers a batch: what became of it, then positions, or from where to where its streams stand in `streams`. */
export interface JudgementsMessage {
  readonly numbers: readonly number[];
  readonly streams: readonly Stream[];
}

const written = 0;
const repeated = 1;
const conflict = 2;

export function packJudgements(judgements: readonly Judgement[]): JudgementsMessage {
  const numbers: number[] = [];
  const streams: Stream[] = [];
  for (const judgement of judgements) {
    if (judgement.kind === "conflict") {
      const from = streams.length;
      streams.push(...judgement.streams);
      numbers.push(conflict, from, streams.length);
    } else {
      const kind = judgement.kind === "written" ? written : repeated;
      numbers.push(kind, judgement.after, judgement.position);
    }
  }
  return { numbers, streams };
}

export function unpackJudgements({ numbers, streams }: JudgementsMessage): Judgement[] {
  const judgements: Judgement[] = [];
  for (let at = 0; at < numbers.length; at += 3) {
    const after = numbers[at + 1] ?? Number.NaN;
    const position = numbers[at + 2] ?? Number.NaN;
    judgements.push(
      numbers[at] === conflict
        ? { kind: "conflict", streams: streams.slice(after, position) }
        : { kind: numbers[at] === written ? "written" : "repeated", after, position },
    );
  }
  return judgements;
}
