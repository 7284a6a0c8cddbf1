/** `explain` and `ledger export` where files are not as they should be. */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type LedgerDirectory, makeLedgerDirectory } from "../ledger/ledger-directory.ts";
import { acceptance, notes } from "../ledger/sample-facts.ts";
import type { NewFact } from "../../machines/facts.ts";
import { isMissing } from "../needs.ts";
import { asStranger, main, mayBeStranger } from "./command-line.ts";

let place: LedgerDirectory;
beforeEach(async () => {
  place = await makeLedgerDirectory();
});
afterEach(async () => place.dispose());

const run = (...words: string[]) => spawnSync(process.execPath, [main, ...words], { encoding: "utf8" });

test("R4 A1: `explain` and `services` leave the log of an emptied ledger.db alone, and say what is wrong", async () => {
  const ledger = await place.open();
  await ledger.append(acceptance("b1", "alarm-1"));
  const dir = mkdtempSync(join(tmpdir(), "emptied-"));
  for (const name of ["ledger.db-wal", "ledger.head"]) copyFileSync(join(place.dir, name), join(dir, name));
  await ledger.close();
  writeFileSync(join(dir, "ledger.db"), "");
  const log = join(dir, "ledger.db-wal");
  const before = statSync(log).size;
  for (const words of [
    ["explain", "--key", "NE-1"],
    ["services", "select", "NORTH"],
  ]) {
    const { stderr, status } = run(...words, "--data-dir", dir);
    expect(stderr).toMatch(/its log ledger\.db-wal is not/);
    expect(status).not.toBe(0);
    expect(existsSync(log) ? statSync(log).size : 0).toBe(before);
  }
  rmSync(dir, { recursive: true });
});

test("a fact that a newer version wrote is refused with its position and what to start, by all who fold it", async () => {
  const ledger = await place.open();
  const fact = { type: "weather.changed", at: 0, body: {} } as unknown as NewFact;
  await ledger.append({ id: "b1", facts: [{ stream: "audit", fact }] });
  await ledger.close();
  for (const words of [
    ["serve", "--port", "0"],
    ["ledger", "stats"],
    ["services", "export", "-"],
  ]) {
    const { stderr, stdout, status } = run(...words, "--data-dir", place.dir);
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toMatch(
      /^ticket-client: The fact at position 1 cannot be folded: A fact of a type .* Start the version that wrote it\.$/m,
    );
    expect(stderr).not.toMatch(/^ticket-client: *at /m);
  }
});

test.skipIf(isMissing("root, and a checkout that others may read", mayBeStranger))(
  "a ledger that lies where another user may not look is not told as missing",
  async () => {
    const ledger = await place.open();
    await ledger.append(acceptance("b1", "alarm-1"));
    await ledger.close();
    for (const words of [
      ["ledger", "verify", "--data-dir", place.dir],
      ["ledger", "stats", "--data-dir", place.dir],
      ["explain", "--key", "NE-1", "--data-dir", place.dir],
      ["services", "export", "-", "--data-dir", place.dir],
      ["ledger", "restore", place.dir, "--data-dir", "/nowhere"],
      ["ledger", "restore", join(place.dir, "ledger.db"), "--data-dir", "/nowhere"],
    ]) {
      const { stderr, status } = spawnSync("env", [...asStranger, ...words], { encoding: "utf8" });
      expect(status).toBe(1);
      expect(stderr).toMatch(/^ticket-client: Could not .* EACCES: permission denied.*\n$/);
    }
  },
);

const mount = (...words: string[]): boolean => spawnSync("mount", words).status === 0;

function canMount(): boolean {
  const disk = mkdtempSync(join(tmpdir(), "disk-"));
  const isThere = mount("-t", "tmpfs", "-o", "size=64k", "none", disk);
  if (isThere) spawnSync("umount", ["-l", disk]);
  rmSync(disk, { recursive: true });
  return isThere;
}

async function onDiskOf(size: string, work: (disk: string) => Promise<void> | void): Promise<void> {
  const disk = mkdtempSync(join(tmpdir(), "disk-"));
  expect(mount("-t", "tmpfs", "-o", `size=${size}`, "none", disk)).toBe(true);
  try {
    await work(disk);
  } finally {
    spawnSync("umount", ["-l", disk]);
    rmSync(disk, { recursive: true });
  }
}

describe.skipIf(isMissing("root and the right to mount a tmpfs", canMount()))("an export", () => {
  test.each([["ledger"], ["services"]])(
    "of the %s that does not fit on the disk says so, and leaves no half of one",
    async (what) => {
      const ledger = await place.open();
      await ledger.append(
        notes(
          "b1",
          "audit",
          Array.from({ length: 40 }, () => "y".repeat(2_000)),
        ),
      );
      await ledger.close();
      await onDiskOf("16k", (disk) => {
        // What the smaller of the two leaves to be full.
        if (what === "services") writeFileSync(join(disk, "full"), "z".repeat(16_384));
        const file = join(disk, "out");
        const { status, stderr } = run(what, "export", file, "--data-dir", place.dir);
        expect(status).toBe(1);
        expect(stderr).toMatch(/could not be written and was removed: .*ENOSPC/);
        expect(existsSync(file)).toBe(false);
      });
    },
  );
});
