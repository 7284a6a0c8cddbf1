/** A ledger written by the engine of schema version 1, opened by today's; also when the upgrade is killed half-way. */
import { spawn } from "node:child_process";
import { hash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { verifyLedger } from "../../adapters/ledger/inspection.ts";
import { startProxy } from "../acceptance/cuttable-proxy.ts";
import { openHere } from "../ledger/ledger-directory.ts";
import { all } from "../ledger/sample-facts.ts";
import { aimsOf, hitOf, kindOf, sampleOf } from "./call-plan.ts";
import { canonicalAlarms } from "./canonical-alarms.ts";
import { oldDesk, unpack } from "./old-ledger.ts";
import { inLedger, openRig, raise, reach, untilAllSettled } from "./rig.ts";
import { canTrace, readTrace, straceWords, type Call, type CallNumber } from "./tracing.ts";
import { isMissing } from "../needs.ts";

const timeout = 300_000;
const oldFacts = 79;
const columns = "position, at, stream, type, key, flow, body, hash";

/** As SQLite reads them, without any code of ours. */
function factsIn(file: string): unknown {
  const db = new DatabaseSync(file);
  try {
    return db.prepare(`SELECT ${columns} FROM facts WHERE position <= ${oldFacts} ORDER BY position`).all();
  } finally {
    db.close();
  }
}

describe("a ledger of version 1", { timeout }, () => {
  test("A1 A2 T1: today's engine goes on from it: nothing is lost or done again, the create in doubt is settled", async () => {
    const rig = await openRig({
      prepare({ dataDir, deskDir }) {
        mkdirSync(dataDir);
        unpack(dataDir, deskDir);
      },
      config: { allowedServiceHosts: [oldDesk.host, "127.0.0.1"] },
    });
    const proxy = await startProxy(rig.deskPort, oldDesk);
    try {
      const before = factsIn(join(rig.dataDir, "ledger.db"));
      const { port, sender } = await reach(rig.launch());
      await untilAllSettled(port);
      expect(factsIn(join(rig.dataDir, "ledger.db"))).toEqual(before);
      const { alarms } = canonicalAlarms("old");
      expect(inLedger(rig.dataDir, "SELECT id, outcome FROM alarms")).toEqual([
        ...alarms.map(({ id, outcome }) => ({ id, outcome })),
        { id: "1", outcome: "created" },
        { id: "1", outcome: "adopted" },
      ]);
      expect(rig.atDesk("SELECT client_reference AS key FROM ticket ORDER BY id")).toEqual([
        { key: "hub-old" },
        { key: "mast-old" },
        { key: "NE-1" },
      ]);
      for (const alarm of [...alarms, raise(1)])
        expect(await sender.send(alarm)).toMatchObject({ kind: "accepted", duplicate: true }); // A4
      expect(await sender.send(raise(2))).toMatchObject({ kind: "accepted", duplicate: false });
      await untilAllSettled(port);
      expect((await verifyLedger(rig.dataDir)).epochs).toBe(3);
    } finally {
      await proxy.close();
      await rig.dispose();
    }
  });
});

describe("R4: a ledger of version 1 that is refused stays as it was found", () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "upgrade-"));
    unpack(dir, dir);
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  /** Hashes; an empty log is no log. */
  const bytesOf = () =>
    ["ledger.db", "ledger.db-wal", "ledger.head"].map((name) =>
      hash("sha256", existsSync(join(dir, name)) ? readFileSync(join(dir, name)) : ""),
    );

  test.each([
    ["a fact that is not what was written", "UPDATE facts SET at = at + 1 WHERE position = 7", "DAMAGED", 7],
    ["a fact that is missing", "DELETE FROM facts WHERE position = 40", "DAMAGED", 40],
    ["a lost end", `DELETE FROM facts WHERE position > ${oldFacts}`, "SHORTENED", oldFacts],
  ])("%s", (_, sql, code, position) => {
    const db = new DatabaseSync(join(dir, "ledger.db"));
    db.exec(sql);
    db.close();
    const before = bytesOf();
    expect(() => openHere(dir)).toThrow(new RegExp(`LEDGER_${code}: .*position ${position}\\b`));
    expect(bytesOf()).toEqual(before);
  });
});

/** Of some 150, of each kind one at least; all of them with EVERY_CALL=1. */
const callsTried = 30;
const opener = fileURLToPath(new URL("../ledger/append-until-killed.ts", import.meta.url));

describe.skipIf(isMissing("strace (apt install strace) and the right to trace", canTrace()))(
  "an upgrade from version 1 (needs strace: apt install strace)",
  { timeout },
  () => {
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), "upgrade-"));
    });
    afterEach(() => rmSync(folder, { recursive: true, force: true }));

    /** Opens a fresh copy, appends once, closes; killed where it is to be. */
    async function open(kill: CallNumber | null): Promise<readonly Call[]> {
      const [dataDir, trace] = [join(folder, "data"), join(folder, "trace")];
      rmSync(dataDir, { recursive: true, force: true });
      mkdirSync(dataDir);
      unpack(dataDir, folder);
      const [strace = "", ...words] = straceWords({ dataDir, trace, kill });
      const child = spawn(strace, [...words, process.execPath, opener, dataDir, "1"], {
        stdio: ["ignore", "ignore", "pipe"],
      });
      child.stderr.resume();
      await once(child, "close"); // the tracer has its end too
      return readTrace(readFileSync(trace, "utf8"), dataDir);
    }

    test("R2: killed before any of its writes and syncs, the next opening upgrades it, and every fact is as it was", async () => {
      const every = aimsOf(await open(null));
      const aims = process.env["EVERY_CALL"] === undefined ? sampleOf(every, callsTried) : every;
      const data = join(folder, "data");
      const expected = factsIn(join(data, "ledger.db"));
      expect(every.length).toBeGreaterThan(80);
      const hit = new Set<string>();
      for (const aim of aims) {
        const call = hitOf(await open(aim), aim);
        if (call !== null) hit.add(kindOf(call));
        const ledger = openHere(data);
        const facts = await all(ledger.read(0, 1_000));
        await ledger.close();
        expect([aim, facts.slice(0, oldFacts).length]).toEqual([aim, oldFacts]);
        expect(factsIn(join(data, "ledger.db"))).toEqual(expected);
        await verifyLedger(data);
      }
      expect(hit).toEqual(new Set(every.map(kindOf)));
    });
  },
);
