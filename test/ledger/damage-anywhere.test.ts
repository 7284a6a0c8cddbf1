/**
 * R4: one fault at a time, anywhere in a small ledger: a bit turned, a file cut off. The next opening refuses with a
 * sentence and touches nothing, or finds every fact as it was written.
 * At some hundred places of each file; at every byte and every length with EVERY_BYTE=1.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { verifyLedger } from "../../adapters/ledger/inspection.ts";
import type { Ledger } from "../../actors/ports.ts";
import { alarmStream, type Fact } from "../../machines/facts.ts";
import { FailureError } from "../../machines/failure.ts";
import { type LedgerDirectory, makeLedgerDirectory, openHere } from "./ledger-directory.ts";
import { acceptance, all } from "./sample-facts.ts";

const placesTried = process.env["EVERY_BYTE"] === undefined ? 200 : Infinity;
const timeout = 7_200_000;
const alarms = 9;

/** What may become of it. A number of a version, or a name of a table, is not known as damage. */
const possible = ["whole", "found by verify", "DAMAGED", "SHORTENED", "VERSION"];

type Files = ReadonlyMap<string, Buffer>;
const names = ["ledger.db", "ledger.db-wal", "ledger.head"] as const;

/** The same three ledgers for all tests: closed; killed, half of it in the log only; closed with snapshots. */
interface Sample {
  readonly files: Files;
  readonly facts: readonly Fact[];
  readonly snapshots: readonly unknown[];
}

function read(dir: string): Files {
  const files = new Map<string, Buffer>();
  for (const name of names) {
    try {
      files.set(name, readFileSync(join(dir, name)));
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    }
  }
  return files;
}

async function accept(ledger: Ledger, from: number, to: number): Promise<void> {
  for (let n = from; n <= to; n += 1)
    // oxlint-disable-next-line no-await-in-loop -- a commit each
    await ledger.append(acceptance(`b${n}`, `alarm-${n}`, `NE-${n % 3}`));
}

async function samples(dir: string): Promise<Record<"closed" | "killed" | "snapshots", Sample>> {
  const first = openHere(dir);
  await accept(first, 1, 5);
  await first.close();
  const second = openHere(dir);
  await accept(second, 6, alarms);
  const facts = await all(second.read(0, 100));
  const killed = { files: read(dir), facts, snapshots: [] };
  await second.close();
  await openHere(dir).close(); // indexes what was not
  const closed = { files: read(dir), facts, snapshots: [] };
  const third = openHere(dir);
  await third.saveSnapshot(4, ['{"of":4}']);
  await third.saveSnapshot(7, ['{"of":', "7}"]);
  await third.close();
  const snapshots = [4, 7].map((position) => ({ position, state: `{"of":${position}}` }));
  return { closed, killed, snapshots: { files: read(dir), facts, snapshots } };
}

describe("R4: one fault anywhere in a small ledger", { timeout }, () => {
  let place: LedgerDirectory;
  let made: Awaited<ReturnType<typeof samples>>;
  beforeAll(async () => {
    place = await makeLedgerDirectory();
    made = await samples(place.dir);
  });
  afterAll(() => place.dispose());

  // The last: each of what may become of it that must occur, or nothing was tried.
  test.each([
    ["a bit turned in", "ledger.db", "closed", ["whole", "DAMAGED"]],
    ["a bit turned in", "ledger.head", "closed", ["whole", "DAMAGED", "SHORTENED"]],
    ["a bit turned in", "ledger.db", "killed", ["whole"]], // most pages stand in the log anew
    ["a bit turned in", "ledger.db-wal", "killed", ["SHORTENED"]],
    ["a bit turned in", "ledger.db", "snapshots", ["whole", "DAMAGED", "found by verify"]],
    ["the end cut off", "ledger.db", "closed", ["DAMAGED", "SHORTENED"]],
    ["the end cut off", "ledger.head", "closed", ["whole"]],
    ["the end cut off", "ledger.db", "killed", ["whole", "DAMAGED", "SHORTENED"]],
    ["the end cut off", "ledger.db-wal", "killed", ["SHORTENED"]],
    ["the end cut off", "ledger.db", "snapshots", ["DAMAGED", "SHORTENED"]],
  ] as const)("%s %s, ledger %s", async (fault, name, kind, occurring) => {
    const { files } = made[kind];
    const whole = files.get(name) ?? Buffer.alloc(0);
    expect(whole.length).toBeGreaterThan(80);
    const found = new Map<string, number>();
    const wrong: unknown[] = [];
    for (const at of placesIn(whole)) {
      const damaged = fault === "the end cut off" ? whole.subarray(0, at) : turned(whole, at);
      const result = await nextOpening(place.dir, made[kind], new Map([...files, [name, damaged]]));
      found.set(result, (found.get(result) ?? 0) + 1);
      if (!possible.includes(result)) wrong.push([at, result]);
    }
    expect(wrong.slice(0, 10)).toEqual([]);
    expect([...found.keys()]).toEqual(expect.arrayContaining([...occurring]));
  });
});

/**
 * Among them the first two, the last, and where the newest fact begins: of a row that is cut off there SQLite gives
 * NULL for the columns that are lost.
 */
function placesIn(whole: Buffer): readonly number[] {
  const step = Math.max(1, Math.ceil(whole.length / placesTried));
  const places = new Set([0, 1, whole.length - 1]);
  const newest = whole.lastIndexOf(alarmStream("urn:test", `alarm-${alarms}`));
  for (let at = Math.max(0, newest - 24); at < newest; at += 1) places.add(at);
  for (let at = 0; at < whole.length; at += step) places.add(at);
  return [...places];
}

function turned(whole: Buffer, at: number): Buffer {
  const copy = Buffer.from(whole);
  copy[at] = (copy[at] ?? 0) ^ (1 << (at % 8));
  return copy;
}

async function nextOpening(dir: string, sample: Sample, files: Files): Promise<string> {
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir);
  for (const [name, bytes] of files) writeFileSync(join(dir, name), bytes);
  let ledger: Ledger;
  try {
    ledger = openHere(dir);
  } catch (error) {
    if (!(error instanceof FailureError)) return `not a sentence: ${String(error)}`;
    const touched = [...files].filter(([name, bytes]) => read(dir).get(name)?.equals(bytes) !== true);
    if (touched.length > 0)
      return `refused with ${error.failure.code}, and changed ${touched.map(([name]) => name).join(", ")}`;
    return error.failure.code.replace("LEDGER_", "");
  }
  try {
    return await whatIsThere(ledger, dir, sample);
  } catch (error) {
    return `not a sentence: ${String(error)}`;
  } finally {
    await ledger.close();
  }
}

async function whatIsThere(ledger: Ledger, dir: string, { facts, snapshots }: Sample): Promise<string> {
  const snapshot = await ledger.loadSnapshot();
  if (snapshot !== null) expect(snapshots).toContainEqual(snapshot);
  const unverified = snapshot?.position ?? 0;
  const there = await all(ledger.read(0, 100)).catch((error: unknown) => String(error));
  try {
    expect(there.slice(unverified)).toEqual(facts.slice(unverified));
    expect(there).toEqual(facts);
    // A4: none of them is taken a second time, and each is found.
    const repeats = facts.map((_, index) =>
      ledger.append(acceptance(`again-${index}`, `alarm-${index + 1}`)),
    );
    for (const repeat of await Promise.all(repeats)) expect(repeat.kind).toBe("conflict");
    for (const [index, fact] of facts.entries())
      expect(await ledger.readStream(alarmStream("urn:test", `alarm-${index + 1}`))).toEqual([fact]);
    return "whole";
  } catch (error) {
    const verified = await verifyLedger(dir).catch((failure: unknown) => failure);
    const isFound = verified instanceof FailureError && verified.failure.code === "LEDGER_DAMAGED";
    return isFound && unverified > 0 ? "found by verify" : `not noticed: ${String(error)}`;
  }
}
