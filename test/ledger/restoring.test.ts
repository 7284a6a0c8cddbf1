/** `ledger restore` beside others: a log that stands alone, an engine that writes, another restore, a reader, a medium that cannot be written. */
import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { restoreLedger } from "../../adapters/ledger/restore.ts";
import { main } from "../cli/command-line.ts";
import { isMissing } from "../needs.ts";
import { canTrace } from "../process/tracing.ts";
import { type LedgerDirectory, makeLedgerDirectory } from "./ledger-directory.ts";
import { notes } from "./sample-facts.ts";

let place: LedgerDirectory;
let target: LedgerDirectory;
beforeEach(async () => {
  place = await makeLedgerDirectory();
  target = await makeLedgerDirectory();
});
afterEach(async () => {
  await place.dispose();
  await target.dispose();
});

const restoreInto = (dir: string, from = place.dir) => restoreLedger({ from, dir, uuid: randomUUID });
const said = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "done",
    (error: unknown) => String(error),
  );
const texts = (count: number, chars: number) => Array.from({ length: count }, () => "y".repeat(chars));

async function backup(...facts: readonly string[]): Promise<void> {
  const ledger = await place.open();
  await ledger.append(notes("b1", "audit", facts));
  await ledger.close();
}

test("R4: a log that stands alone where the ledger should go is refused, and stays", async () => {
  await backup("1");
  const engine = await target.open();
  await engine.append(notes("b1", "audit", ["acknowledged"]));
  const killed = join(target.dir, "killed"); // the files of an engine that was killed
  mkdirSync(killed);
  for (const name of ["ledger.db", "ledger.db-wal", "ledger.head"])
    copyFileSync(join(target.dir, name), join(killed, name));
  await engine.close();
  renameSync(join(killed, "ledger.db"), join(target.dir, "moved-away.db"));
  expect(await said(restoreInto(killed))).toContain("LEDGER_DAMAGED");
  expect(existsSync(join(killed, "ledger.db-wal"))).toBe(true);
});

test("R2: a backup that lies where a restore makes its copy is refused, and not removed", async () => {
  await backup("1", "2");
  mkdirSync(join(target.dir, "data"));
  const copy = join(target.dir, "data", "ledger.db.restoring");
  copyFileSync(join(place.dir, "ledger.db"), copy);
  symlinkSync(join(target.dir, "data"), join(target.dir, "link"));
  for (const from of [copy, join(target.dir, "link", "ledger.db.restoring")])
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    expect(await said(restoreInto(join(target.dir, "data"), from))).toMatch(/INVALID: .* move it/i);
  expect(existsSync(copy)).toBe(true);
  expect(await said(restoreInto(target.dir, copy))).toBe("done");
});

test("from the ledger of an engine that commits without a pause: one moment of it, and it ends", async () => {
  const ledger = await place.open();
  // oxlint-disable-next-line no-await-in-loop -- in order
  for (let n = 0; n < 20; n += 1) await ledger.append(notes(`b${n}`, "audit", texts(1_000, 2_000)));
  const written = { commits: 0, isOver: false };
  const writer = (async () => {
    // Far more of them than a copy takes.
    while (!written.isOver && written.commits < 20_000) {
      written.commits += 1;
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await ledger.append(notes(`w${written.commits}`, "audit", ["z"]));
    }
  })();
  const { head } = await restoreInto(target.dir);
  written.isOver = true;
  await writer;
  expect(written.commits).toBeLessThan(20_000);
  expect(head.position).toBeGreaterThanOrEqual(20_000);
  expect(head.position).toBeLessThanOrEqual(ledger.head().position);
  await ledger.close();
});

test("R2: of two into one directory one goes on, and the other is refused", async () => {
  const ledger = await place.open();
  // oxlint-disable-next-line no-await-in-loop -- in order
  for (let n = 0; n < 20; n += 1) await ledger.append(notes(`b${n}`, "audit", texts(500, 2_000)));
  await ledger.close();
  const both = await Promise.all([said(restoreInto(target.dir)), said(restoreInto(target.dir))]);
  expect(both).toEqual(["done", expect.stringContaining("LEDGER_LOCKED")]);
});

test("leaves nothing beside a backup that nobody has open", async () => {
  await backup("1");
  const before = readdirSync(place.dir);
  expect(await said(restoreInto(target.dir))).toBe("done");
  expect(readdirSync(place.dir)).toEqual(before);
});

test("the first engine on a restored ledger starts although somebody reads it", async () => {
  await backup("1");
  await restoreInto(target.dir);
  const beside = new DatabaseSync(target.file, { readOnly: true });
  beside.exec("BEGIN");
  beside.prepare("SELECT count(*) FROM facts").get();
  const engine = await target.open();
  beside.close();
  expect(engine.head()).toMatchObject({ position: 1, restored: true });
  await engine.close();
});

const mount = (...words: string[]): boolean => spawnSync("mount", words).status === 0;

function canMount(): boolean {
  const disk = mkdtempSync(join(tmpdir(), "medium-"));
  const isThere = mount("-t", "tmpfs", "-o", "size=64k", "none", disk);
  if (isThere) spawnSync("umount", ["-l", disk]);
  rmSync(disk, { recursive: true });
  return isThere;
}

describe.skipIf(isMissing("root and the right to mount a tmpfs", canMount()))("a medium", () => {
  test("that cannot be written holds a backup as well as any other", async () => {
    await backup("1");
    const medium = mkdtempSync(join(tmpdir(), "medium-"));
    expect(mount("-t", "tmpfs", "-o", "size=4m", "none", medium)).toBe(true);
    try {
      copyFileSync(place.file, join(medium, "backup.db"));
      expect(mount("-o", "remount,ro", medium)).toBe(true);
      expect(await said(restoreInto(target.dir, join(medium, "backup.db")))).toBe("done");
    } finally {
      spawnSync("umount", ["-l", medium]);
      rmSync(medium, { recursive: true });
    }
  });
});

describe.skipIf(isMissing("strace, and the right to trace", canTrace()))("a disk that fails", () => {
  test("once the copy is in place: the restore has failed, nothing stands there, and it can be repeated", async () => {
    await backup("1");
    const restore = (...under: readonly string[]) => {
      const [program, ...words] = [...under, process.execPath, main, "ledger", "restore", place.dir];
      return spawnSync(program, [...words, "--data-dir", target.dir], { encoding: "utf8" });
    };
    const fault = ["-e", "trace=openat", "-e", "inject=openat:error=ENOSPC"];
    const failed = restore(
      "strace",
      "-f",
      "-o",
      "/dev/null",
      "-P",
      join(target.dir, "ledger.head"),
      ...fault,
    );
    expect(failed.stderr).toMatch(/ENOSPC/);
    expect(failed.status).toBe(1);
    expect(existsSync(target.file)).toBe(false);
    expect(restore()).toMatchObject({ status: 0 });
    const engine = await target.open();
    expect(engine.head()).toMatchObject({ position: 1, restored: true });
    await engine.close();
  });
});
