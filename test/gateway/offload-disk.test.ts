/** The offload file on a disk that fails at any step, while the file is put aside as well: no request is lost, none told twice. */
import { existsSync, readFileSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { startOffload } from "../../adapters/gateway/offload-file.ts";
import { limits } from "../../machines/limits.ts";
import { ManualClock } from "../alarms/manual-clock.ts";
import { folder } from "../cli/command-line.ts";
import { World } from "../engine/engine-under-test.ts";
import { acceptAll, notification } from "../engine/notifications.ts";

/** Steps that the disk still takes. */
const disk = { left: Number.POSITIVE_INFINITY };
const fileName = "failed.ndjson";

async function step<T>(path: unknown, act: () => Promise<T>): Promise<T> {
  if (!String(path).includes(fileName)) return act();
  if (disk.left === 0) throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
  disk.left -= 1;
  return act();
}

vi.mock("node:fs/promises", async (importOriginal) => {
  const own = await importOriginal<typeof import("node:fs/promises")>();
  return {
    ...own,
    rename: (...words: Parameters<typeof own.rename>) => step(words[0], () => own.rename(...words)),
    async open(...words: Parameters<typeof own.open>): Promise<FileHandle> {
      const [path] = words;
      const handle = await step(path, () => own.open(...words));
      const append = handle.appendFile.bind(handle);
      return Object.assign(handle, {
        async appendFile(data: string) {
          await step(path, () => append(data.slice(0, 9))); // torn
          await step(path, () => append(data.slice(9)));
        },
      });
    },
  };
});

vi.mock("../../machines/limits.ts", async (importOriginal) => {
  const own = await importOriginal<typeof import("../../machines/limits.ts")>();
  return { limits: { ...own.limits, offloadBytesMax: 200 } }; // a record is longer
});

beforeEach(() => {
  disk.left = Number.POSITIVE_INFINITY;
});

async function place() {
  const world = new World();
  const engine = await world.open();
  const nack = { kind: "nack", code: "E7", cause: "no such element", ticketId: null } as const;
  world.onSend = () => ({ applied: false, answer: nack });
  const file = join(folder(), fileName);
  const clock = new ManualClock();
  let warnings = 0;
  const log = { info: () => undefined, warn: () => void (warnings += 1), error: () => undefined };
  return {
    clock,
    warnings: () => warnings,
    keys: () => [...keysIn(`${file}.1`), ...keysIn(file)],
    start() {
      const offload = startOffload({ file, ledger: engine.ledger, clock, log });
      onTestFinished(() => offload.close());
      return offload;
    },
    async refuse(...keys: readonly string[]) {
      const before = engine.supervisor.counters().settled;
      await acceptAll(engine, ...keys.map((key) => notification(`${key} up`, { key, alarm: `${key}/link` })));
      await engine.settled(before + keys.length);
    },
  };
}

/** Of the whole records. */
function keysIn(file: string): string[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => (JSON.parse(line) as { key?: string }).key ?? "").filter((key) => key !== "");
}

const steps = Array.from({ length: 12 }, (_, left) => left);

test.for(steps)(
  "A3: a crash after %i steps of the disk: after the next start all is there once",
  async (left) => {
    const one = await place();
    const first = one.start();
    await one.refuse("bad-1");
    await expect.poll(one.keys, { interval: 2 }).toEqual(["bad-1"]);
    disk.left = left;
    await one.refuse("bad-2");
    await expect.poll(() => one.warnings() > 0 || one.keys().length === 2, { interval: 2 }).toBe(true);
    await first.close();
    disk.left = Number.POSITIVE_INFINITY;
    one.start();
    await expect.poll(one.keys, { interval: 2 }).toEqual(["bad-1", "bad-2"]);
  },
);

test.for(steps)(
  "A3: a disk that is full after %i steps: when there is room all is there once",
  async (left) => {
    const one = await place();
    disk.left = left;
    one.start();
    await one.refuse("bad-1");
    await expect.poll(() => one.warnings() > 0 || one.keys().length === 1, { interval: 2 }).toBe(true);
    disk.left = Number.POSITIVE_INFINITY;
    one.clock.advance(limits.offloadRetryMs);
    await expect.poll(one.keys, { interval: 2 }).toEqual(["bad-1"]);
  },
);
