import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { verifyLedger } from "../../adapters/ledger/inspection.ts";
import { limits } from "../../machines/limits.ts";
import { describeLedger } from "./ledger-contract.ts";
import { type LedgerDirectory, makeLedgerDirectory } from "./ledger-directory.ts";
import { acceptance, all, note, notes, textOf } from "./sample-facts.ts";

describeLedger("ledger in SQLite", async () => {
  const { open, dispose } = await makeLedgerDirectory();
  return { open: () => open(), openNearlyFull: () => open({ pagesMax: 60 }), dispose };
});

describe("ledger in SQLite, as a file", () => {
  let place: LedgerDirectory;
  beforeEach(async () => {
    place = await makeLedgerDirectory();
  });
  afterEach(() => place.dispose());

  test("one engine at a time: the second is refused with what to do, and may come when the first has gone", async () => {
    const first = await place.open();
    await expect(place.open()).rejects.toMatchObject({
      message: expect.stringContaining(`LEDGER_LOCKED: The ledger in ${place.dir} is in use`),
    });
    await first.append(notes("b1", "audit", ["the first goes on"]));
    await first.close();
    const second = await place.open();
    expect(second.head().position).toBe(1);
    await second.close();
  });

  test("one turn of the event loop is one transaction, or two where the writer is given the first appends at once", async () => {
    const ledger = await place.open();
    const turnOf = (name: string, appends: number) =>
      Promise.all(
        Array.from({ length: appends }, (_, n) =>
          ledger.append(acceptance(`${name}${n}`, `alarm-${name}${n}`)),
        ),
      );
    const before = commitsInLog(place.file);
    await turnOf("few", limits.ledgerGroupBatches - 1);
    expect(commitsInLog(place.file) - before).toBe(1);
    await turnOf("many", 200);
    const after = commitsInLog(place.file) - before;
    expect([2, 3]).toContain(after); // what the thread finds in its inbox when it wakes is one
    await ledger.append(acceptance("conflict only", "alarm-few1"));
    expect(commitsInLog(place.file) - before).toBe(after);
    await ledger.close();
  });

  test("R3: SQLite makes no checkpoint of its own, whose failed sync nobody would see", async () => {
    const ledger = await place.open();
    const page = 4_096;
    // More pages than SQLite's own checkpoint (1,000) lets pass, in fewer commits and facts than ours.
    for (let n = 0; n < 12; n += 1) {
      // oxlint-disable-next-line no-await-in-loop -- a commit each
      await ledger.append(notes(`b${n}`, "audit", ["x".repeat(100 * page)]));
    }
    expect(pagesInLog(place.file)).toBeGreaterThan(1_200);
    await ledger.close();
  });

  test("people read beside the running engine what is committed, and hold nobody up", async () => {
    const ledger = await place.open();
    await ledger.append(notes("b1", "audit", ["1"]));
    const reader = new DatabaseSync(place.file, { readOnly: true });
    const count = reader.prepare("SELECT count(*) AS n FROM audit");
    reader.exec("BEGIN");
    expect(count.get()).toEqual({ n: 1 });
    await ledger.append(notes("b2", "audit", ["2"]));
    expect(count.get()).toEqual({ n: 1 });
    reader.exec("COMMIT");
    expect(count.get()).toEqual({ n: 2 });
    reader.close();
    await ledger.close();
  });

  test("A1 R2: what a killed process had acknowledged is there, and the chain holds", async () => {
    const script = fileURLToPath(new URL("append-until-killed.ts", import.meta.url));
    let acknowledged = 0;
    for (const stopAfter of [1, 40, 300]) {
      const child = spawn(process.execPath, [script, place.dir], { stdio: ["ignore", "pipe", "inherit"] });
      let lines = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        lines += text;
        if (lines.split("\n").length > stopAfter) child.kill("SIGKILL");
      });
      // oxlint-disable-next-line no-await-in-loop -- one life after the other, on the same files
      await once(child, "close");
      acknowledged = Number(lines.slice(0, lines.lastIndexOf("\n")).split("\n").at(-1));
      // oxlint-disable-next-line no-await-in-loop
      expect((await verifyLedger(place.dir)).facts).toBeGreaterThanOrEqual(acknowledged);
    }
    expect(acknowledged).toBeGreaterThan(300);
    const ledger = await place.open();
    expect(ledger.head().position).toBeGreaterThanOrEqual(acknowledged);
    expect(new Set((await all(ledger.read(0, 1e6))).map(({ epoch }) => epoch)).size).toBe(3);
    await ledger.close();
  });

  test("a directory that cannot be made is refused with a sentence", async () => {
    const dir = join(place.dir, "a-file");
    writeFileSync(dir, "");
    await expect(place.open({ dir })).rejects.toMatchObject({ failure: { code: "LEDGER_SYNC_FAILED" } });
  });

  test("a ledger of another version, and a file of another program, are left alone", async () => {
    await (await place.open()).close();
    place.tamper("UPDATE meta SET value = '3' WHERE name = 'schema'");
    await expect(place.open()).rejects.toMatchObject({ failure: { code: "LEDGER_VERSION" } });
    await expect(place.open()).rejects.toThrow(/if none newer than this one did, the number is damaged/);
    place.tamper(
      ["meta", "facts", "epochs"].map((name) => `ALTER TABLE ${name} RENAME TO their_${name}`).join(";"),
    );
    await expect(place.open()).rejects.toThrow(/LEDGER_VERSION: .*not a ledger/);
  });

  test.each([
    "UPDATE meta SET value = 'r' WHERE name = 'schema'",
    "UPDATE meta SET value = '0' WHERE name = 'schema'",
    "UPDATE meta SET name = 'schemb' WHERE name = 'schema'",
    "ALTER TABLE meta RENAME TO metb",
    "ALTER TABLE meta RENAME TO metb; ALTER TABLE facts RENAME TO fbcts",
    "ALTER TABLE facts RENAME TO fbcts",
    "ALTER TABLE epochs RENAME TO epoch",
  ])("R4: damage to the schema version or to a table's name is damage: %s", async (sql) => {
    const ledger = await place.open();
    await ledger.append(notes("b1", "key/a", ["1"]));
    await ledger.close();
    place.tamper(`DROP VIEW responses; DROP VIEW flows; DROP VIEW alarms; DROP VIEW audit; ${sql}`);
    await expect(place.open()).rejects.toMatchObject({ failure: { code: "LEDGER_DAMAGED" } });
  });

  test("a ledger of version 1 is brought up to date by its next opening, and not by those who only read", async () => {
    const first = await place.open();
    await first.append(acceptance("b1", "alarm-1"));
    await first.append(notes("b2", "key/a", ["1", "2"]));
    await first.close();
    place.tamper(`DROP TABLE facts_of_stream; DROP TABLE facts_of_key; DELETE FROM meta WHERE name = 'indexed';
      CREATE INDEX facts_stream ON facts (stream); CREATE INDEX facts_key ON facts (key) WHERE key IS NOT NULL;
      DROP TABLE snapshots; DROP TABLE snapshot_parts;
      CREATE TABLE snapshots (position INTEGER PRIMARY KEY, fact_hash TEXT NOT NULL, state_hash TEXT NOT NULL,
        state TEXT NOT NULL);
      UPDATE meta SET value = '1' WHERE name = 'schema'`);
    await expect(verifyLedger(place.dir)).rejects.toThrow(/LEDGER_VERSION: .* Start the engine on it once/);
    const again = await place.open();
    expect((await again.append(acceptance("b3", "alarm-1"))).kind).toBe("conflict");
    expect((await again.readStream("key/a")).map(textOf)).toEqual(["1", "2"]);
    await again.append(notes("b4", "key/a", ["3"]));
    expect((await again.readStream("key/a")).map(textOf)).toEqual(["1", "2", "3"]);
    await again.close();
    expect((await verifyLedger(place.dir)).facts).toBe(4);
  });

  test("A4: streams and keys are found whether their facts are indexed, newer than the index, or both", async () => {
    const ledger = await place.open();
    const rounds = Math.ceil((limits.ledgerIndexFacts * 2.5) / 100);
    for (let round = 0; round < rounds; round += 1) {
      const streams = Array.from({ length: 99 }, (_, n) => ({
        stream: `key/${n}` as const,
        fact: note(`${round}`),
      }));
      const alarm = acceptance("", `alarm-${round}`);
      // oxlint-disable-next-line no-await-in-loop -- groups in order
      await ledger.append({
        id: `r${round}`,
        facts: [...streams, ...alarm.facts],
        expect: alarm.expect ?? [],
      });
    }
    for (const stream of ["key/0", "key/98"] as const) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect((await ledger.readStream(stream)).map(textOf)).toEqual(
        Array.from({ length: rounds }, (_, round) => `${round}`),
      );
    }
    for (const round of [0, rounds - 1]) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect((await ledger.append(acceptance(`again-${round}`, `alarm-${round}`))).kind).toBe("conflict");
    }
    await ledger.close();
    expect((await verifyLedger(place.dir)).facts).toBe(rounds * 100);
  });

  test("an expectation about a stream that left the cache of heads is judged all the same", async () => {
    const ledger = await place.open();
    await ledger.append(notes("b1", "key/first", ["1"]));
    await ledger.close();
    const again = await place.open(); // an empty cache
    const stale = notes("b2", "key/first", ["2"], [{ stream: "key/first", revision: 0 }]);
    expect((await again.append(stale)).kind).toBe("conflict");
    expect((await all(again.read(0, 10))).map(textOf)).toEqual(["1"]);
    await again.close();
  });
});

/** Frames of the write-ahead log that end a transaction: https://www.sqlite.org/fileformat2.html#walformat */
function commitsInLog(file: string): number {
  const log = readFileSync(`${file}-wal`);
  const pageSize = log.readUInt32BE(8);
  let commits = 0;
  for (let at = 32; at + 24 <= log.length; at += 24 + pageSize) {
    const current = log.subarray(at + 8, at + 16).equals(log.subarray(16, 24));
    if (current && log.readUInt32BE(at + 4) > 0) commits += 1;
  }
  return commits;
}

function pagesInLog(file: string): number {
  const log = readFileSync(`${file}-wal`);
  return Math.floor((log.length - 32) / (24 + log.readUInt32BE(8)));
}
