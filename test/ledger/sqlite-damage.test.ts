/** R4: what was changed, lost or put in the place of the ledger is noticed, with the position. */
import { randomUUID } from "node:crypto";
import { copyFileSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ledgerStats, verifyLedger } from "../../adapters/ledger/inspection.ts";
import { restoreLedger } from "../../adapters/ledger/restore.ts";
import { type LedgerDirectory, makeLedgerDirectory } from "./ledger-directory.ts";
import { acceptance, notes } from "./sample-facts.ts";

describe("a damaged ledger", () => {
  let place: LedgerDirectory;
  beforeEach(async () => {
    place = await makeLedgerDirectory();
    const ledger = await place.open();
    for (let n = 1; n <= 20; n += 1) {
      // oxlint-disable-next-line no-await-in-loop -- twenty commits
      await ledger.append(acceptance(`b${n}`, `alarm-${n}`, `NE-${n}`));
    }
    await ledger.close();
  });
  afterEach(() => place.dispose());

  async function expectDamage(position: number): Promise<void> {
    const damage = expect.stringContaining(`LEDGER_DAMAGED: The ledger is damaged at position ${position}:`);
    await expect(place.open()).rejects.toMatchObject({ message: damage });
    await expect(verifyLedger(place.dir)).rejects.toMatchObject({ message: damage });
  }

  test.each([
    ["a byte of a body", "UPDATE facts SET body = replace(body, 'major', 'minor') WHERE position = 11", 11],
    ["a body that is no JSON any more", "UPDATE facts SET body = substr(body, 2) WHERE position = 1", 1],
    ["a time", "UPDATE facts SET at = at + 1 WHERE position = 20", 20],
    ["a stream", "UPDATE facts SET stream = 'audit' WHERE position = 5", 5],
    ["a key taken away", "UPDATE facts SET key = NULL WHERE position = 6", 6],
    ["a key that moved into the flow", "UPDATE facts SET flow = key, key = NULL WHERE position = 6", 6],
    ["a type", "UPDATE facts SET type = 'alarm.settled' WHERE position = 7", 7],
    ["an epoch", "UPDATE epochs SET epoch = 'another'", 1],
    ["a hash", "UPDATE facts SET hash = upper(hash) WHERE position = 8", 8],
    ["a time beyond all numbers", `UPDATE facts SET at = ${2n ** 62n} WHERE position = 1`, 1],
    ["a missing fact", "DELETE FROM facts WHERE position = 9", 9],
    ["the first fact missing", "DELETE FROM facts WHERE position = 1", 1],
    [
      "two facts exchanged",
      "UPDATE facts SET position = -position WHERE position IN (3, 4);" +
        "UPDATE facts SET position = 7 + position WHERE position < 0",
      3,
    ],
  ])("R4: %s is refused and its position named", async (_, sql, position) => {
    place.tamper(sql);
    await expectDamage(position);
  });

  /** Turned by the bits of `mask`. */
  function turn(at: number, mask: number): void {
    const bytes = readFileSync(place.file);
    bytes[at] = (bytes[at] ?? 0) ^ mask;
    writeFileSync(place.file, bytes);
  }

  /** The length of a record of the index: SQLite finds it in a search, and cannot read it. */
  function turnIndexEntry(): void {
    const text = readFileSync(place.file).indexOf("\u001c\u0003=\u0001alarm/urn%3Atest/alarm-7", 0, "latin1");
    expect(text).toBeGreaterThan(0);
    turn(text, 2);
  }

  test.each([
    ["the format that its header names", () => turn(18, 4)],
    ["how far its index goes", () => place.tamper("UPDATE meta SET value = '0' WHERE name = 'indexed'")],
    ["an entry of its index", turnIndexEntry],
    [
      "what a row of its schema is about",
      () => {
        const text = readFileSync(place.file).toString("latin1");
        const rows = [...text.matchAll(/viewresponsesresponses/g)]; // older ones too, which SQLite has left
        expect(rows.length).toBeGreaterThan(0);
        for (const { index } of rows) turn(index + "viewresponses".length, 1);
      },
    ],
    [
      "the place of a row of its schema",
      () => {
        const text = readFileSync(place.file).toString("latin1");
        const rows = [...text.matchAll(/tablefacts_of_streamfacts_of_stream/g)];
        expect(rows.length).toBeGreaterThan(0);
        for (const { index } of rows) turn(index - 8, 2); // its row id, before the seven bytes of the record's header
      },
    ],
  ])("R4: %s is refused as damage, and the file left as it was", async (_, damage) => {
    await place.open().then((ledger) => ledger.close()); // indexes all
    damage();
    const before = readFileSync(place.file);
    await expect(place.open()).rejects.toMatchObject({ failure: { code: "LEDGER_DAMAGED" } });
    expect(readFileSync(place.file).equals(before)).toBe(true);
  });

  test("a lock file that holds something else is told as such: the ledger is whole", async () => {
    const lock = join(place.dir, "ledger.lock");
    writeFileSync(lock, "x".repeat(4_096));
    await expect(place.open()).rejects.toMatchObject({
      failure: { code: "LEDGER_LOCKED", detail: expect.stringContaining("remove it while no engine runs") },
    });
    rmSync(lock);
    await place.open().then((ledger) => ledger.close());
  });

  test("R4: what a commit looks up and cannot read is damage, no fault of the disk", async () => {
    const indexed = await place.open();
    await indexed.saveSnapshot(20, ["{}"]);
    await indexed.close();
    turnIndexEntry();
    const ledger = await place.open(); // what lies before the snapshot is checked beside
    const refused = { failure: { code: "LEDGER_DAMAGED" } };
    await expect(ledger.append(acceptance("again", "alarm-7", "NE-7"))).rejects.toMatchObject(refused);
    await expect(ledger.append(acceptance("next", "next"))).rejects.toMatchObject(refused);
    await ledger.close();
  });

  test("R4: figures of a ledger that holds what no number can be are refused as damage too", async () => {
    place.tamper(`UPDATE facts SET at = ${2n ** 62n} WHERE position = 20`);
    const refused = { failure: { code: "LEDGER_DAMAGED" } };
    await expect(ledgerStats(place.dir)).rejects.toMatchObject(refused);
  });

  test("R4: a fact that was damaged while the ledger is open is no fault of the disk", async () => {
    const ledger = await place.open();
    place.tamper("UPDATE facts SET body = substr(body, 2) WHERE position = 11");
    const read = async () => {
      for await (const fact of ledger.read(0, 100)) expect(fact.position).toBeLessThan(100);
    };
    await expect(read()).rejects.toMatchObject({ failure: { code: "LEDGER_DAMAGED" } });
    await ledger.close();
  });

  test("R4: beside a refused ledger no head is made: the file says something or is not there", async () => {
    place.tamper("DELETE FROM facts WHERE position = 9");
    rmSync(join(place.dir, "ledger.head"));
    await expect(place.open()).rejects.toThrow("damaged at position 9");
    expect(existsSync(join(place.dir, "ledger.head"))).toBe(false);
  });

  test("R4 A4: a stream changed in the table or in its index is refused: either would let a duplicate in", async () => {
    await (await place.open()).close(); // an opening indexes what was not
    const bytes = readFileSync(place.file);
    const places: number[] = [];
    for (let at = bytes.indexOf("/alarm-13"); at >= 0; at = bytes.indexOf("/alarm-13", at + 1))
      places.push(at);
    expect(places).toHaveLength(2);
    for (const at of places) {
      const changed = Buffer.from(bytes);
      changed.write("/alarm-1~", at);
      writeFileSync(place.file, changed);
      // oxlint-disable-next-line no-await-in-loop -- one change after the other
      await expectDamage(13);
    }
  });

  test("R4: facts that were durable and are missing at the end are noticed; going on without them is a choice", async () => {
    place.tamper("DELETE FROM facts WHERE position > 18");
    const shortened = /LEDGER_SHORTENED: .* ends at position 18, but position 20 was durable before/;
    await expect(place.open()).rejects.toThrow(shortened);
    await expect(place.open()).rejects.toThrow(shortened); // refusing forgets nothing
    const ledger = await place.open({ acceptShortened: true });
    expect(await ledger.append(acceptance("b21", "alarm-21"))).toMatchObject({ position: 19 });
    await ledger.close();
    expect((await verifyLedger(place.dir)).facts).toBe(19);
    await (await place.open()).close();
  });

  test("R4 F2: what goes on without its end is as a restored backup: of a new identity, and said until its first commit", async () => {
    const whole = await place.open();
    const { ledger } = whole.head();
    await whole.close();
    place.tamper("DELETE FROM facts WHERE position > 18");
    await (await place.open({ acceptShortened: true })).close();
    const first = await place.open();
    expect(first.head()).toMatchObject({ position: 18, restored: true });
    expect(first.head().ledger).not.toBe(ledger);
    await first.append(acceptance("b19", "alarm-19"));
    await first.close();
    const next = await place.open({ acceptShortened: true }); // nothing is missing
    expect(next.head()).toMatchObject({ ledger: first.head().ledger, position: 19, restored: false });
    await next.close();
  });

  test("R4: a snapshot newer than what is left of the ledger is passed over for one that fits", async () => {
    const ledger = await place.open();
    await ledger.saveSnapshot(10, ['{"of":10}']);
    await ledger.saveSnapshot(19, ['{"of":19}']);
    await ledger.close();
    place.tamper("DELETE FROM facts WHERE position > 18");
    await expect(place.open()).rejects.toMatchObject({ failure: { code: "LEDGER_SHORTENED" } });
    const shortened = await place.open({ acceptShortened: true });
    await shortened.append(notes("b19", "audit", ["another 19", "another 20"]));
    expect(shortened.head().position).toBe(20);
    expect(await shortened.loadSnapshot()).toEqual({ position: 10, state: '{"of":10}' });
    await shortened.close();
  });

  test("R4: a missing fact is called missing, not changed", async () => {
    place.tamper("DELETE FROM facts WHERE position = 9");
    await expect(place.open()).rejects.toThrow("damaged at position 9: the fact is missing");
  });

  test("R4: a write-ahead log cut at any page is noticed", async () => {
    const ledger = await place.open();
    for (let n = 21; n <= 24; n += 1) {
      // oxlint-disable-next-line no-await-in-loop -- four commits
      await ledger.append(acceptance(`b${n}`, `alarm-${n}`));
    }
    // As a machine that lost power: the files of a running engine.
    const crashed = await makeLedgerDirectory();
    for (const name of ["ledger.db", "ledger.db-wal", "ledger.head"]) {
      copyFileSync(join(place.dir, name), join(crashed.dir, name));
    }
    await ledger.close();
    const log = readFileSync(`${crashed.file}-wal`);
    truncateSync(`${crashed.file}-wal`, log.length - 4_120);
    await expect(crashed.open()).rejects.toMatchObject({ failure: { code: "LEDGER_SHORTENED" } });
    writeFileSync(`${crashed.file}-wal`, log);
    const whole = await crashed.open();
    expect(whole.head().position).toBe(24);
    await whole.close();
    await crashed.dispose();
  });

  test("R4: an older copy put in place by hand is noticed, also when it went on since", async () => {
    const old = join(place.dir, "old");
    copyFileSync(place.file, old);
    const ledger = await place.open();
    await ledger.append(notes("b21", "audit", ["21", "22"]));
    await ledger.close();
    const head = readFileSync(join(place.dir, "ledger.head"));
    copyFileSync(old, place.file);
    await expect(place.open()).rejects.toMatchObject({ failure: { code: "LEDGER_SHORTENED" } });
    const other = await place.open({ acceptShortened: true });
    await other.append(notes("b21", "audit", ["another 21", "22", "23"]));
    await other.close();
    writeFileSync(join(place.dir, "ledger.head"), head);
    await expect(place.open()).rejects.toThrow("damaged at position 22: the history differs");
  });

  test.each([0, 1])(
    "R4: who only reads leaves the log beside a ledger.db of %i bytes as it is",
    async (length) => {
      const ledger = await place.open();
      await ledger.append(acceptance("b21", "alarm-21"));
      const crashed = await makeLedgerDirectory();
      for (const name of ["ledger.db", "ledger.db-wal"])
        copyFileSync(join(place.dir, name), join(crashed.dir, name));
      await ledger.close();
      truncateSync(crashed.file, length);
      const log = readFileSync(`${crashed.file}-wal`);
      const into = await makeLedgerDirectory();
      const refused = { failure: { code: "LEDGER_DAMAGED" } };
      await expect(verifyLedger(crashed.dir)).rejects.toMatchObject(refused);
      await expect(ledgerStats(crashed.dir)).rejects.toMatchObject(refused);
      await expect(
        restoreLedger({ from: crashed.dir, dir: into.dir, uuid: randomUUID }),
      ).rejects.toMatchObject(refused);
      await expect(
        restoreLedger({ from: place.dir, dir: crashed.dir, uuid: randomUUID }),
      ).rejects.toMatchObject(refused);
      expect(readFileSync(`${crashed.file}-wal`).equals(log)).toBe(true);
      await Promise.all([crashed.dispose(), into.dispose()]);
    },
  );

  test("a head file that is missing or torn says nothing and is written anew", async () => {
    for (const content of [null, "", "00000000000000", "\u0000".repeat(82)]) {
      if (content === null) rmSync(join(place.dir, "ledger.head"));
      else writeFileSync(join(place.dir, "ledger.head"), content);
      // oxlint-disable-next-line no-await-in-loop -- one opening after the other
      await (await place.open()).close();
      expect(readFileSync(join(place.dir, "ledger.head"), "utf8")).toMatch(/^0{14}20 [0-9a-f]{64}\n$/);
    }
  });

  test("R4: with a snapshot, an opening checks what follows it, and `ledger verify` all", async () => {
    const ledger = await place.open();
    await ledger.saveSnapshot(10, ['{"of":10}']);
    await ledger.close();
    place.tamper("UPDATE facts SET at = at + 1 WHERE position = 5");
    await (await place.open()).close();
    await expect(verifyLedger(place.dir)).rejects.toThrow("damaged at position 5:");
    place.tamper("UPDATE facts SET at = at + 1 WHERE position = 11");
    await expect(place.open()).rejects.toThrow("damaged at position 11:");
  });

  test("R4: a damaged snapshot is passed over for the older one; both damaged, the fold starts from the first fact", async () => {
    const ledger = await place.open();
    for (const position of [5, 10, 15]) {
      // oxlint-disable-next-line no-await-in-loop -- in order
      await ledger.saveSnapshot(position, [`{"of":`, `${position}}`]);
    }
    await ledger.close();
    const expected = [15, 10, null];
    for (const position of expected) {
      // oxlint-disable-next-line no-await-in-loop -- one opening after the other
      const again = await place.open();
      // oxlint-disable-next-line no-await-in-loop
      const snapshot = await again.loadSnapshot();
      expect(snapshot).toEqual(position === null ? null : { position, state: `{"of":${position}}` });
      // oxlint-disable-next-line no-await-in-loop
      await again.close();
      place.tamper(
        `UPDATE snapshot_parts SET text = replace(text, 'of', 'OF')
          WHERE snapshot = (SELECT id FROM snapshots WHERE position = ${position ?? 0})`,
      );
    }
  });
});
