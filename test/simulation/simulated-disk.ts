/**
 * A disk behind the Ledger port. What is written is safe once it is synced and not before: a crash keeps as many of
 * the bytes that were not synced as chance wants, and a commit that was cut in the middle is none. A sync takes time,
 * fails once or from then on, and a process may die before it, after it, and between it and the answer.
 *   A1 R3: nothing is answered before its sync, nothing after a failed one.
 */
import type { FoldSnapshot, Ledger } from "../../actors/ports.ts";
import { makeFact } from "../../adapters/ledger/chain.ts";
import type {
  FactReader,
  FactStore,
  GroupWriter,
  Judgement,
  RowToWrite,
  WriterListener,
} from "../../adapters/ledger/fact-store.ts";
import { createGroupWrite } from "../../adapters/ledger/group.ts";
import { createGroupedLedger } from "../../adapters/ledger/grouped-ledger.ts";
import type { Fact, Stream } from "../../machines/facts.ts";
import type { Position } from "../../machines/vocabulary.ts";
import type { Life } from "./simulated-clock.ts";
import type { Random } from "./random.ts";

/** Moments of a write at which a process may die. */
export type DiskMoment = "written" | "synced" | "answered";

export interface DiskHooks {
  /** How long the next sync takes, in ms. */
  readonly syncMs: () => number;
  /** Whether the sync that ends now fails. */
  readonly fails: () => boolean;
  /** Told of every moment; the process may be dead when it returns. */
  readonly at: (moment: DiskMoment) => void;
  /** Facts that nothing can take away any more. */
  readonly durable: (facts: readonly Fact[]) => void;
}

interface Line extends RowToWrite {
  readonly epoch: string;
}

interface Group {
  readonly judgements: readonly Judgement[];
  /** Position of its last fact. */
  readonly upTo: Position;
}

/** What a crash did to the bytes that were not synced. */
export interface Loss {
  readonly lostFacts: number;
  readonly keptFacts: number;
  readonly torn: boolean;
}

export class SimulatedDisk {
  readonly #lines: Line[] = [];
  /** Ends of the commits that are written and not synced. */
  #unsynced: Position[] = [];
  #durable: Position = 0;
  #snapshots: FoldSnapshot[] = [];
  #openings = 0;
  /** Written by the process that lives, and not yet synced: each has a sync of its own. */
  #line: Group[] = [];
  readonly #hooks: DiskHooks;
  /** Batches given to the writer, and answered by it: an event loop with nothing under way has as many of both. */
  readonly counts = { written: 0, answered: 0 };

  constructor(hooks: DiskHooks) {
    this.#hooks = hooks;
  }

  /** Facts that a crash leaves. */
  get durable(): Position {
    return this.#durable;
  }

  /** Facts that are written, synced or not. */
  get written(): Position {
    return this.#lines.length;
  }

  /** Syncs that are still to come. */
  get groups(): number {
    return this.#line.length;
  }

  /** Made anew at every call: nobody shares an object with the disk. */
  facts(after: Position, upTo: Position): Fact[] {
    return this.#lines.slice(after, upTo).map((line, index) => read(line, after + index + 1));
  }

  open(life: Life): Ledger {
    this.#openings += 1;
    const epoch = `epoch-${this.#openings}`;
    return createGroupedLedger({
      head: { ledger: "simulated", epoch, position: this.#lines.length, restored: false },
      writer: this.#writer(life, epoch),
      reader: this.#reader(),
      written: (batch, after) => this.facts(after, after + batch.length),
    });
  }

  /** The machine loses its power, or the process dies: both may lose what was not synced. */
  crash(random: Random): Loss {
    const all = this.#lines.length - this.#durable;
    const cut = random.chance(0.3) ? all : random.int(0, all);
    const end = this.#unsynced.findLast((one) => one <= this.#durable + cut) ?? this.#durable;
    const torn = end < this.#durable + cut;
    this.#lines.length = Math.max(end, this.#durable);
    const keptFacts = this.#lines.length - this.#durable;
    this.#unsynced = [];
    this.#settle(this.#lines.length);
    return { lostFacts: all - keptFacts, keptFacts, torn };
  }

  #settle(upTo: Position): void {
    const facts = this.facts(this.#durable, upTo);
    this.#durable = upTo;
    this.#unsynced = this.#unsynced.filter((one) => one > upTo);
    if (facts.length > 0) this.#hooks.durable(facts);
  }

  #store(epoch: string, life: Life): FactStore {
    const heads = new Map<Stream, Position>();
    for (const [index, { stream }] of this.#lines.entries()) heads.set(stream, index + 1);
    const parts: string[] = [];
    return {
      position: () => this.#lines.length,
      streamHead: (stream) => heads.get(stream) ?? 0,
      begin() {},
      insert: (row) => {
        this.#lines.push({ ...row, epoch });
        heads.set(row.stream, this.#lines.length);
      },
      commit: () => void this.#unsynced.push(this.#lines.length),
      tidy() {},
      abandon() {},
      addToSnapshot: (text) => void parts.push(text),
      endSnapshot: (position) => {
        if (life.alive)
          this.#snapshots = [...this.#snapshots, { position, state: parts.splice(0).join("") }].slice(-2);
      },
      close() {},
    };
  }

  #reader(): FactReader {
    const upTo = (last: Position): Fact[] => this.facts(0, last);
    return {
      page: (after, limit) => this.facts(after, after + limit),
      ofStream: (stream, last) =>
        this.#lines
          .slice(0, last)
          .flatMap((line, index) => (line.stream === stream ? [read(line, index + 1)] : [])),
      ofKey: (key, limit, last) =>
        upTo(last)
          .filter((fact) => this.#lines[fact.position - 1]?.key === key)
          .slice(-limit),
      loadSnapshot: () => this.#snapshots.findLast(({ position }) => position <= this.#lines.length) ?? null,
      close() {},
    };
  }

  /** Writes at once; syncs one commit after the other. */
  #writer(life: Life, epoch: string): GroupWriter {
    const store = this.#store(epoch, life);
    const writeGroup = createGroupWrite(store);
    const line: Group[] = [];
    this.#line = line;
    let listener: WriterListener | null = null;
    let failed = false;

    const sync = (): void => {
      const group = line[0];
      if (group === undefined) return;
      life.setTimeout(() => {
        if (this.#hooks.fails()) {
          failed = true;
          line.length = 0;
          listener?.failed(new Error("EIO: i/o error, fdatasync"));
          return;
        }
        line.shift();
        this.#settle(Math.max(group.upTo, this.#durable));
        this.#hooks.at("synced");
        if (!life.alive) return;
        this.counts.answered += group.judgements.length;
        listener?.judged(group.judgements);
        this.#hooks.at("answered");
        sync();
      }, this.#hooks.syncMs());
    };

    return {
      listen: (heard) => {
        listener = heard;
      },
      write: (batches) => {
        this.counts.written += batches.length;
        if (!life.alive || failed) return;
        const judgements = writeGroup(batches);
        line.push({ judgements, upTo: this.#lines.length });
        this.#hooks.at("written");
        if (life.alive && line.length === 1) sync();
      },
      addToSnapshot: async (text) => store.addToSnapshot(text),
      endSnapshot: async (position) => store.endSnapshot(position),
      close: async () => store.close(),
    };
  }
}

function read({ type, at, body, epoch, stream }: Line, position: Position): Fact {
  return makeFact(type, at, JSON.parse(body), position, epoch, stream);
}
