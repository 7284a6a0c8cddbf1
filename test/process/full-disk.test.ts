/** R3: a disk that is full, and one that cannot be written. Needs root and tmpfs (`mount`). */
import { spawn, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { limits } from "../../machines/limits.ts";
import { verifyLedger } from "../../adapters/ledger/inspection.ts";
import { openRig, raise, raiseUntilGone, reach, untilAllSettled, type Rig } from "./rig.ts";
import { isMissing } from "../needs.ts";

function mount(...words: readonly string[]): boolean {
  return spawnSync("mount", words).status === 0;
}

function canMount(): boolean {
  const place = mkdtempSync(join(tmpdir(), "mount-"));
  const mounted = mount("-t", "tmpfs", "-o", "size=64k", "none", place);
  if (mounted) spawnSync("umount", [place]);
  rmSync(place, { recursive: true });
  return mounted;
}

const createLog = fileURLToPath(new URL("../../adapters/cli/log.ts", import.meta.url));
/** Logs, for each line of stdin, as many lines of a kilobyte as stand in it, and says so. */
const logging = `
  import { createInterface } from "node:readline";
  const { createLog } = await import(${JSON.stringify(createLog)});
  const log = createLog("info");
  let number = 0;
  for await (const line of createInterface({ input: process.stdin })) {
    for (let n = 0; n < Number(line); n += 1) log.info("test", { number: number++, text: "x".repeat(900) });
    console.log(number);
  }`;

describe.skipIf(isMissing("root and the right to mount a tmpfs", canMount()))(
  "a small disk (needs root and the right to mount a tmpfs)",
  { timeout: 120_000 },
  () => {
    let disk: string;
    let rig: Rig;
    beforeEach(async () => {
      disk = mkdtempSync(join(tmpdir(), "small-disk-"));
      mount("-t", "tmpfs", "-o", "size=1m", "none", disk);
      const dataDir = join(disk, "data");
      mkdirSync(dataDir);
      rig = await openRig({ dataDir });
    });
    afterEach(async () => {
      await rig.dispose();
      spawnSync("umount", ["-l", disk]);
      rmSync(disk, { recursive: true });
    });

    test("R3: on a full disk the engine says so and ends with 1, does not start, and has lost nothing when there is room", async () => {
      const full = rig.launch();
      const { sender } = await reach(full);
      const acknowledged = await raiseUntilGone(sender, 1, 5_000);
      const { code, said } = await full.ended;
      expect(code).toBe(1);
      expect(said).toMatch(
        /Writing to the ledger failed after position \d+: .*full.*Check the disk \(space/s,
      );
      expect(acknowledged.size).toBeGreaterThan(10);

      const again = rig.launch();
      expect(await again.ready).toBeNull();
      const refused = await again.ended;
      expect(refused.code).toBe(1);
      expect(refused.said).toMatch(/full.*space/s);

      expect(mount("-o", "remount,size=64m", disk)).toBe(true);
      const { port, sender: next } = await reach(rig.launch());
      for (const [n, position] of acknowledged)
        expect(await next.send(raise(n))).toEqual({ kind: "accepted", position, duplicate: true });
      expect((await raiseUntilGone(next, acknowledged.size + 1, 5)).size).toBe(5);
      await untilAllSettled(port);
      expect(rig.atDesk("SELECT client_reference FROM ticket GROUP BY 1 HAVING count(*) > 1")).toEqual([]); // T1
      await verifyLedger(rig.dataDir);
    });

    test("R3: on a disk that is read-only the engine does not start and says why; it does when it can be written", async () => {
      const first = rig.launch();
      const { port, sender } = await reach(first);
      const acknowledged = await raiseUntilGone(sender, 1, 3);
      await untilAllSettled(port);
      first.child.kill("SIGTERM");
      expect((await first.ended).code).toBe(0);

      expect(mount("-o", "remount,ro", disk)).toBe(true);
      const readOnly = rig.launch();
      expect(await readOnly.ready).toBeNull();
      const { code, said } = await readOnly.ended;
      expect(code).toBe(1);
      expect(said).toMatch(/Could not open the ledger in .*Check that the directory exists, can be written/s);

      expect(mount("-o", "remount,rw", disk)).toBe(true);
      const { sender: next } = await reach(rig.launch());
      for (const [n, position] of acknowledged)
        expect(await next.send(raise(n))).toEqual({ kind: "accepted", position, duplicate: true });
    });

    test("a log on a full disk keeps a megabyte of lines, loses the rest, and goes on when there is room", async () => {
      const file = join(disk, "log");
      const fd = openSync(file, "a");
      const child = spawn(process.execPath, ["--input-type=module", "-e", logging], {
        stdio: ["pipe", "pipe", fd],
      });
      closeSync(fd);
      const { stdin, stdout } = child;
      if (stdin === null || stdout === null) throw new Error("It can be told nothing.");
      const said = createInterface({ input: stdout })[Symbol.asyncIterator]();
      const write = async (lines: number): Promise<number> => {
        stdin.write(`${lines}\n`);
        return Number((await said.next()).value);
      };
      expect(await write(4_000)).toBe(4_000);
      const sizeFull = statSync(file).size;
      expect(sizeFull).toBeLessThanOrEqual(1_048_576);

      expect(mount("-o", "remount,size=64m", disk)).toBe(true);
      expect(await write(1)).toBe(4_001);
      expect(await write(1)).toBe(4_002);
      stdin.end();
      const lines = readFileSync(file, "utf8").trimEnd().split("\n");
      const numbers = lines.map((line) => (JSON.parse(line) as { readonly number: number }).number);
      expect(numbers.at(-1)).toBe(4_001);
      expect(numbers.slice(0, -1)).toEqual(lines.slice(1).map((_, index) => index));
      const kept = statSync(file).size - sizeFull;
      expect(kept).toBeGreaterThan(limits.logWaitingBytesMax - 2_000);
      expect(kept).toBeLessThan(limits.logWaitingBytesMax + 2_000);
    });
  },
);
