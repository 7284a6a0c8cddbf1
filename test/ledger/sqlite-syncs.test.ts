/** What the kernel is asked to do, and what happens when it cannot: needs `strace` (apt install strace). */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { verifyLedger } from "../../adapters/ledger/inspection.ts";
import { type LedgerDirectory, makeLedgerDirectory } from "./ledger-directory.ts";
import { isMissing } from "../needs.ts";

const script = fileURLToPath(new URL("append-until-killed.ts", import.meta.url));
/** Installed, and allowed to trace. */
const canTrace = spawnSync("strace", ["-o", "/dev/null", process.execPath, "--version"]).status === 0;

describe.skipIf(isMissing("strace (apt install strace) and the right to trace", canTrace))(
  "syncs of the ledger in SQLite (needs strace: apt install strace)",
  () => {
    let place: LedgerDirectory;
    let trace: string;
    beforeEach(async () => {
      place = await makeLedgerDirectory();
      trace = join(place.dir, "trace");
    });
    afterEach(() => place.dispose());

    async function run(
      options: readonly string[],
      batches: number,
    ): Promise<{ acknowledged: readonly number[]; errors: string; code: unknown }> {
      const command = [process.execPath, script, place.dir, String(batches)];
      const child = spawn("strace", ["-f", "-o", trace, ...options, ...command], {
        stdio: ["ignore", "pipe", "pipe"],
      });
      let output = "";
      let errors = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
      child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
      const [code] = (await once(child, "close")) as unknown[];
      return { acknowledged: output.split("\n").filter(Boolean).map(Number), errors, code };
    }

    test("A1: every acknowledgement has a sync before it", async () => {
      await run(["-e", "trace=fdatasync,fsync,write"], 20);
      let synced = false;
      let acknowledged = 0;
      for (const line of readFileSync(trace, "utf8").split("\n")) {
        // In one line, or in two when another thread was traced between call and return.
        if (/f(?:data)?sync(?:\(\d+| resumed>)\)\s+= 0/.test(line)) synced = true;
        if (!/write\(1, "\d+\\n"/.test(line)) continue;
        expect(synced).toBe(true);
        synced = false;
        acknowledged += 1;
      }
      expect(acknowledged).toBe(20);
    });

    test("no sync holds up the thread that everything else runs on", async () => {
      await run(["-e", "trace=fdatasync,fsync,write"], 5);
      const lines = readFileSync(trace, "utf8").split("\n");
      const threadsOf = (call: RegExp): Set<string | undefined> =>
        new Set(lines.filter((line) => call.test(line)).map((line) => line.split(" ")[0]));
      const main = threadsOf(/write\(1, "\d+\\n"/);
      const syncing = threadsOf(/f(?:data)?sync\(/);
      expect([main.size, syncing.size]).toEqual([1, 1]);
      expect(syncing).not.toEqual(main);
    });

    test.each([1, 3, 9, 30, 420])(
      "R3: when syncs fail from number %i on, the process says so and ends, and keeps what it had acknowledged",
      async (first) => {
        const fault = `inject=fdatasync,fsync:error=EIO:when=${first}+`;
        const { acknowledged, errors, code } = await run(["-e", "trace=fdatasync,fsync", "-e", fault], 1_000);
        expect(errors).toContain("LEDGER_SYNC_FAILED");
        expect(code).not.toBe(0);
        expect(acknowledged.length).toBeLessThan(first);
        const ledger = await place.open();
        expect(ledger.head().position).toBeGreaterThanOrEqual(acknowledged.at(-1) ?? 0);
        await ledger.close();
        await verifyLedger(place.dir);
      },
    );

    test("R2: an opening killed at any of its syncs can be repeated, and what was acknowledged stays", async () => {
      let acknowledged = 0;
      for (let kill = 1; kill <= 12; kill += 1) {
        const fault = `inject=fdatasync,fsync:signal=SIGKILL:when=${kill}`;
        // oxlint-disable-next-line no-await-in-loop -- one life after the other, on the same files
        const life = await run(["-e", "trace=fdatasync,fsync", "-e", fault], 3);
        acknowledged = Math.max(acknowledged, ...life.acknowledged);
      }
      expect(acknowledged).toBeGreaterThan(0);
      const ledger = await place.open();
      expect(ledger.head().position).toBeGreaterThanOrEqual(acknowledged);
      await ledger.close();
      await verifyLedger(place.dir);
    });
  },
);
