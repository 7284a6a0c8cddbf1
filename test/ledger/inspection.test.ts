import { randomUUID } from "node:crypto";
import { copyFileSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Writable } from "node:stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { exportLedger, ledgerStats, verifyLedger } from "../../adapters/ledger/inspection.ts";
import { restoreLedger } from "../../adapters/ledger/restore.ts";
import type { Ledger } from "../../actors/ports.ts";
import type { NewFact } from "../../machines/facts.ts";
import type { Outcome } from "../../machines/vocabulary.ts";
import { unpack } from "../process/old-ledger.ts";
import { type LedgerDirectory, makeLedgerDirectory } from "./ledger-directory.ts";
import { acceptance, all, noon, note, notes } from "./sample-facts.ts";

let place: LedgerDirectory;
beforeEach(async () => {
  place = await makeLedgerDirectory();
});
afterEach(() => place.dispose());

function settled(position: number, outcome: Outcome): NewFact {
  const alarm = { source: "urn:test", id: `alarm-${position}`, position };
  const unused = {
    lockGuid: null,
    rule: null,
    ticketId: null,
    failure: null,
    requestId: null,
    supersedes: null,
  };
  return {
    type: "alarm.settled",
    at: noon,
    body: { alarm, key: "NE-1", outcome, because: "test", ...unused },
  };
}

describe("beside a running engine", () => {
  let ledger: Ledger;
  beforeEach(async () => {
    ledger = await place.open();
  });
  afterEach(() => ledger.close());

  test("R4: verify reads the whole chain while the engine goes on writing", async () => {
    const texts = Array.from({ length: 2_500 }, (_, n) => `${n}`);
    await ledger.append(notes("b1", "audit", texts));
    const beside = new DatabaseSync(place.file, { readOnly: true });
    const facts = beside.prepare("SELECT count(*) AS n FROM facts");
    const verifying = verifyLedger(place.dir); // has read the first of three pages
    const meanwhile = ledger.append(notes("b2", "audit", ["meanwhile"]));
    await new Promise(setImmediate);
    while (facts.get()?.["n"] === 2_500); // the engine writes in a thread of its own
    beside.close();
    const verified = await verifying;
    await meanwhile;
    expect(verified).toMatchObject({ ledger: ledger.head().ledger, facts: 2_501, epochs: 1 });
    expect(verified.head).toMatchObject({ position: 2_501 });
  });

  test("verify ends with its signal", async () => {
    await ledger.append(notes("b1", "audit", ["1"]));
    const reason = new Error("enough");
    await expect(verifyLedger(place.dir, AbortSignal.abort(reason))).rejects.toMatchObject({
      name: "AbortError",
    });
  });

  test("A2: stats count the current outcome of each alarm, not those it superseded", async () => {
    expect(await ledgerStats(place.dir)).toMatchObject({
      facts: 0,
      firstAt: null,
      lastAt: null,
      outcomes: {},
    });
    for (const id of ["1", "2", "3"]) {
      // oxlint-disable-next-line no-await-in-loop -- positions 1, 2, 3
      await ledger.append(acceptance(`b${id}`, `alarm-${id}`, "NE-1"));
    }
    const outcomes = [settled(1, "unknown"), settled(2, "created"), settled(1, "created")];
    await ledger.append({ id: "b4", facts: outcomes.map((fact) => ({ stream: "key/NE-1", fact })) });
    expect(await ledgerStats(place.dir)).toMatchObject({
      facts: 6,
      epochs: 1,
      firstAt: noon,
      lastAt: noon,
      factsByType: { "alarm.accepted": 3, "alarm.settled": 3 },
      accepted: 3,
      settled: 2,
      outcomes: { created: 2 },
      rowsInserted: 0,
    });
  });

  test("export writes each fact as one line, in order, and waits for a slow reader", async () => {
    await ledger.append(acceptance("b1", "alarm-1"));
    await ledger.append(
      notes(
        "b2",
        "audit",
        Array.from({ length: 2_100 }, (_, n) => `line\n${n}`),
      ),
    );
    let text = "";
    let waiting = 0;
    const slow = new Writable({
      highWaterMark: 1,
      write(chunk: Buffer, _, done) {
        waiting += 1;
        expect(waiting).toBe(1);
        text += chunk.toString();
        setImmediate(() => {
          waiting -= 1;
          done();
        });
      },
    });
    expect(await exportLedger(place.dir, slow)).toBe(2_101);
    expect(slow.writableEnded).toBe(false);
    const lines = text.trimEnd().split("\n");
    const facts = await all(ledger.read(0, 10_000));
    expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject(facts);
  });

  test("export rejects when its reader goes away", async () => {
    await ledger.append(notes("b1", "audit", ["1"]));
    const broken = new Writable({ write: (_chunk, _encoding, done) => done(new Error("EPIPE")) });
    await expect(exportLedger(place.dir, broken)).rejects.toThrow("EPIPE");
  });
});

test("a directory without a ledger is named, and nothing is made in it", async () => {
  for (const read of [verifyLedger, ledgerStats]) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await expect(read(place.dir)).rejects.toMatchObject({ failure: { code: "INVALID" } });
  }
});

describe("ledger restore", () => {
  let target: LedgerDirectory;
  beforeEach(async () => {
    target = await makeLedgerDirectory();
  });
  afterEach(() => target.dispose());

  function restore(from: string): ReturnType<typeof restoreLedger> {
    return restoreLedger({ from, dir: target.dir, uuid: randomUUID });
  }

  test("L2 R4: a restored ledger has the facts, a new identity and new epochs, and says so until its first commit", async () => {
    const ledger = await place.open();
    await ledger.append(notes("b1", "audit", ["1", "2"]));
    const backedUp = await restore(place.dir); // beside the running engine
    await ledger.append(notes("b2", "audit", ["after the backup"]));

    const restored = await target.open();
    expect(restored.head()).toMatchObject({ ledger: backedUp.ledger, position: 2, restored: true });
    expect(restored.head().ledger).not.toBe(ledger.head().ledger);
    expect(restored.head().epoch).not.toBe(ledger.head().epoch);
    expect(await all(restored.read(0, 10))).toEqual(await all(ledger.read(0, 2)));
    expect(ledger.head().restored).toBe(false);
    await restored.close();

    // R2: the first opening was cut off before it wrote what a restore means.
    const again = await target.open();
    expect(again.head().restored).toBe(true);
    await again.append({ id: "b3", facts: [{ stream: "audit", fact: note("in doubt") }] });
    expect(again.head().restored).toBe(true);
    await again.close();
    const later = await target.open();
    expect(later.head()).toMatchObject({ ledger: backedUp.ledger, position: 3, restored: false });
    await later.close();
    await ledger.close();
  });

  test("a file is a backup too, and an empty ledger may stand in its way", async () => {
    const ledger = await place.open();
    await ledger.append(notes("b1", "audit", ["1"]));
    await ledger.close();
    copyFileSync(place.file, join(place.dir, "copy.sqlite"));
    await (await target.open()).close();
    expect((await restore(join(place.dir, "copy.sqlite"))).head.position).toBe(1);
    expect((await verifyLedger(target.dir)).facts).toBe(1);
  });

  test("a backup of an older schema version is brought up to date in the copy; the backup stays as it was", async () => {
    const old = await makeLedgerDirectory();
    unpack(old.dir, target.dir);
    const before = readFileSync(old.file);
    const { head } = await restore(old.dir);
    expect(head.position).toBeGreaterThan(0);
    expect(readFileSync(old.file)).toEqual(before);
    expect(await verifyLedger(target.dir)).toMatchObject({ facts: head.position });
    const restored = await target.open();
    expect(restored.head()).toMatchObject({ position: head.position, restored: true });
    await restored.close();
    await old.dispose();
  });

  test("an empty file and another program's are no backups", async () => {
    const file = join(place.dir, "other.sqlite");
    new DatabaseSync(file).close();
    await expect(restore(file)).rejects.toMatchObject({ failure: { code: "INVALID" } });
    const other = new DatabaseSync(file);
    other.exec("CREATE TABLE cats (name TEXT)");
    other.close();
    await expect(restore(file)).rejects.toMatchObject({ failure: { code: "LEDGER_VERSION" } });
    await expect(restore(file)).rejects.toThrow(`The backup ${file} cannot be restored`);
    expect(readdirSync(target.dir).filter((name) => name.includes("restoring"))).toEqual([]);
  });

  test("R4: never over a ledger with facts, never under a running engine, never a damaged backup", async () => {
    const ledger = await place.open();
    await ledger.append(notes("b1", "audit", ["1", "2", "3"]));
    await ledger.close();
    const inTheWay = await target.open();
    await expect(restore(place.dir)).rejects.toMatchObject({ failure: { code: "LEDGER_LOCKED" } });
    await inTheWay.append(notes("b1", "audit", ["mine"]));
    await inTheWay.close();
    await expect(restore(place.dir)).rejects.toMatchObject({ failure: { code: "INVALID" } });
    expect((await verifyLedger(target.dir)).facts).toBe(1);

    place.tamper("UPDATE facts SET at = at + 1 WHERE position = 2");
    const elsewhere = join(target.dir, "elsewhere");
    mkdirSync(elsewhere);
    const damaged = restoreLedger({ from: place.dir, dir: elsewhere, uuid: randomUUID });
    await expect(damaged).rejects.toThrow("damaged at position 2:");
    await expect(damaged).rejects.toThrow(`The backup ${place.file} cannot be restored`);
    const untouched = await target.open({ dir: elsewhere });
    expect(untouched.head()).toMatchObject({ position: 0, restored: false });
    await untouched.close();
    await expect(restore(join(place.dir, "no such file"))).rejects.toMatchObject({
      failure: { code: "INVALID" },
    });
  });
});
