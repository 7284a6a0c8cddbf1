/**
 * What the ledger and its writing thread tell each other. Groups and judgements travel as flat lists of texts and
 * numbers: cloning an object costs several times its strings.
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
  | { readonly kind: "failed"; readonly message: string };

/** `numbers` a batch: how many expectations and rows, then revisions, then times. `texts` in the same order. */
export interface GroupMessage {
  readonly texts: readonly (string | null)[];
  readonly numbers: readonly number[];
}

export function packGroup(batches: readonly BatchToWrite[]): GroupMessage {
  const texts: (string | null)[] = [];
  const numbers: number[] = [];
  for (const { id, expect, rows } of batches) {
    texts.push(id);
    numbers.push(expect.length, rows.length);
    for (const { stream, revision } of expect) {
      texts.push(stream);
      numbers.push(revision);
    }
    for (const { stream, type, at, key, flow, body } of rows) {
      texts.push(stream, type, key, flow, body);
      numbers.push(at);
    }
  }
  return { texts, numbers };
}

export function unpackGroup({ texts, numbers }: GroupMessage): BatchToWrite[] {
  const batches: BatchToWrite[] = [];
  let text = 0;
  let number = 0;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion, typescript/no-unnecessary-type-parameters -- as packed above
  const nextText = <Text extends string | null>(): Text => texts[text++] as Text;
  const nextNumber = (): number => numbers[number++] ?? Number.NaN;
  while (text < texts.length) {
    const id = nextText<string>();
    const expects = nextNumber();
    const length = nextNumber();
    const expect: { stream: Stream; revision: Position }[] = [];
    for (let n = 0; n < expects; n += 1) expect.push({ stream: nextText(), revision: nextNumber() });
    const rows: RowToWrite[] = [];
    for (let n = 0; n < length; n += 1) {
      rows.push({
        stream: nextText(),
        type: nextText(),
        key: nextText(),
        flow: nextText(),
        body: nextText(),
        at: nextNumber(),
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
