/**
 * A ledger in memory, for tests and simulations. What outlives an opening lies in a MemoryStorage: open the
 * same storage again and the facts, snapshots and identity are there, in a new epoch (L2).
 */
import type { FoldSnapshot, Ledger } from "../../actors/ports.ts";
import type { Fact } from "../../machines/facts.ts";
import { keyOf } from "../../machines/facts.ts";
import { limits } from "../../machines/limits.ts";
import type { Position } from "../../machines/vocabulary.ts";
import { makeFact } from "./chain.ts";
import { createDirectWriter } from "./direct-writer.ts";
import type { FactReader, FactStore } from "./fact-store.ts";
import { createGroupedLedger } from "./grouped-ledger.ts";

export interface MemoryStorage {
  readonly ledger: string;
  /** Committed facts; the one at position p has index p − 1. */
  readonly facts: Fact[];
  /** Openings so far. */
  readonly epochs: string[];
  /** Newest last. */
  readonly snapshots: FoldSnapshot[];
  /** As after `ledger restore`: the next opening is told so, until its first commit. */
  restored: boolean;
  /** How many facts fit; the write of one more fails, like a full disk (R3). */
  factsMax: number;
}

export function createMemoryStorage(ledger = "memory"): MemoryStorage {
  return { ledger, facts: [], epochs: [], snapshots: [], restored: false, factsMax: Infinity };
}

/** Opens the storage. `epoch` names this opening; by default it is numbered. */
export function createMemoryLedger(
  storage: MemoryStorage = createMemoryStorage(),
  epoch = `${storage.ledger}-epoch-${storage.epochs.length + 1}`,
): Ledger {
  if (storage.epochs.includes(epoch)) throw new Error(`The epoch ${epoch} was used before (L2).`);
  storage.epochs.push(epoch);
  const { facts, snapshots } = storage;
  const restored = storage.restored;
  const heads = new Map<string, Position>();
  for (const fact of facts) heads.set(fact.stream, fact.position);
  const parts: string[] = [];
  const durableLength = { now: facts.length };

  const store: FactStore = {
    position: () => facts.length,
    streamHead: (stream) => heads.get(stream) ?? 0,
    begin() {},
    insert({ stream, type, at, body }) {
      // Through JSON, as every other ledger: what a body loses there must show in the tests.
      const position = facts.length + 1;
      if (position > storage.factsMax) throw new Error("the storage is full");
      facts.push(makeFact(type, at, JSON.parse(body), position, epoch, stream));
      heads.set(stream, position);
    },
    commit() {
      durableLength.now = facts.length;
      storage.restored = false;
    },
    tidy() {},
    abandon() {
      facts.length = durableLength.now;
    },
    addToSnapshot(text) {
      parts.push(text);
    },
    endSnapshot(position) {
      snapshots.push({ position, state: parts.splice(0).join("") });
      snapshots.splice(0, snapshots.length - limits.ledgerSnapshotsKept);
    },
    close() {},
  };
  const reader: FactReader = {
    page: (after, limit) => facts.slice(after, after + limit),
    ofStream: (stream) => facts.filter((fact) => fact.stream === stream),
    ofKey: (key, limit) => (limit > 0 ? facts.filter((fact) => keyOf(fact) === key).slice(-limit) : []),
    loadSnapshot: () => snapshots.findLast(({ position }) => position <= facts.length) ?? null,
    close() {},
  };
  return createGroupedLedger({
    head: { ledger: storage.ledger, epoch, position: facts.length, restored },
    reader,
    writer: createDirectWriter(store),
    written: (batch, after) => facts.slice(after, after + batch.length),
  });
}
