/** The thread that writes: how long it lives, and what its death means. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { DatabaseSync } from "node:sqlite";
import type { Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { verifyLedger } from "../../adapters/ledger/inspection.ts";
import { type LedgerDirectory, makeLedgerDirectory } from "./ledger-directory.ts";
import { acceptance, all, notes, textOf } from "./sample-facts.ts";

describe("the thread that writes the ledger", () => {
  let place: LedgerDirectory;
  let threads: Worker[];
  const onWorker = (worker: Worker): void => void threads.push(worker);
  beforeEach(async () => {
    threads = [];
    process.on("worker", onWorker);
    place = await makeLedgerDirectory();
  });
  afterEach(async () => {
    process.off("worker", onWorker);
    await place.dispose();
  });

  test("R3: its death is a failed write: what was pending and what comes is refused, what was durable stays", async () => {
    const ledger = await place.open();
    await ledger.append(notes("b1", "audit", ["durable"]));
    const pending = [ledger.append(notes("b2", "audit", ["pending"])), ledger.saveSnapshot(1, ["{}"])];
    await threads[0]?.terminate();
    const syncFailed = { failure: { code: "LEDGER_SYNC_FAILED" } };
    const rejected = { status: "rejected", reason: syncFailed };
    expect(await Promise.allSettled(pending)).toMatchObject([rejected, rejected]);
    await expect(ledger.append(notes("b3", "audit", ["later"]))).rejects.toMatchObject(syncFailed);
    await expect(ledger.saveSnapshot(1, ["{}"])).rejects.toMatchObject(syncFailed);
    expect(ledger.head().position).toBe(1);
    expect((await all(ledger.read(0, 10))).map(textOf)).toEqual(["durable"]);
    await ledger.close();
    const again = await place.open();
    expect((await again.append(notes("b4", "audit", ["goes on"]))).kind).toBe("committed");
    await again.close();
  });

  test("A1: it writes while this thread is busy, and what is durable but not answered is not read", async () => {
    const ledger = await place.open();
    const beside = new DatabaseSync(place.file, { readOnly: true });
    const facts = beside.prepare("SELECT count(*) AS n FROM facts");
    const pending = ledger.append(acceptance("b1", "alarm-1", "NE-1"));
    await new Promise(setImmediate);
    while (facts.get()?.["n"] === 0); // busy
    beside.close();
    expect(ledger.head().position).toBe(0);
    expect(await all(ledger.read(0, 10))).toEqual([]);
    expect(await ledger.readKey("NE-1", 10)).toEqual([]);
    expect(await ledger.readStream("alarm/urn%3Atest/alarm-1")).toEqual([]);
    expect(await pending).toMatchObject({ kind: "committed", position: 1 });
    expect(await ledger.readKey("NE-1", 10)).toHaveLength(1);
    await ledger.close();
  });

  test("it has ended when close resolves, and when an opening was refused", async () => {
    const ledger = await place.open();
    await expect(place.open()).rejects.toMatchObject({ failure: { code: "LEDGER_LOCKED" } });
    expect(threads.map(({ threadId }) => threadId > 0)).toEqual([true, false]);
    await ledger.close();
    expect(threads.map(({ threadId }) => threadId > 0)).toEqual([false, false]);
  });

  test("A1: a process stays for appends under way, and not for a ledger left open", async () => {
    const script = `
      import { openSqliteLedger } from ${JSON.stringify(new URL("../../adapters/ledger/sqlite.ts", import.meta.url))};
      import { randomUUID } from "node:crypto";
      const ledger = await openSqliteLedger({ dir: ${JSON.stringify(place.dir)}, now: Date.now, uuid: randomUUID });
      ledger.append(${JSON.stringify(notes("b1", "audit", ["1", "2", "3"]))})
        .then(({ position }) => console.log(position));`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
    expect(await once(child, "close")).toEqual([0, null]);
    expect(output).toBe("3\n");
    expect((await verifyLedger(place.dir)).facts).toBe(3);
  });
});
