/** The offload file over a real ledger and a real disk: what failed stands in it once, whatever happened in between. */
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { ConfigInput } from "../../actors/config.ts";
import { startOffload, type OffloadOptions } from "../../adapters/gateway/offload-file.ts";
import { createMemoryLedger } from "../../adapters/ledger/memory.ts";
import { limits } from "../../machines/limits.ts";
import { ManualClock } from "../alarms/manual-clock.ts";
import { folder } from "../cli/command-line.ts";
import { World, type EngineUnderTest } from "../engine/engine-under-test.ts";
import { acceptAll, notification } from "../engine/notifications.ts";
import { startApi } from "../http/api/rig.ts";

const nack = { kind: "nack", code: "E7", cause: "no such element", ticketId: null } as const;

interface Place {
  readonly world: World;
  readonly engine: EngineUnderTest;
  readonly file: string;
  readonly warnings: string[];
  /** What the warnings said of it. */
  readonly errors: string[];
  readonly clock: ManualClock;
  start(): ReturnType<typeof startOffload>;
  lines(): { position: number; key?: string }[];
}

async function place(config: ConfigInput = {}): Promise<Place> {
  const world = new World({ config });
  const engine = await world.open();
  const file = join(folder(), "failed.ndjson");
  const warnings: string[] = [];
  const errors: string[] = [];
  const clock = new ManualClock();
  world.onSend = ({ request }) =>
    request.key.startsWith("bad") ? { applied: false, answer: nack } : undefined;
  const log: OffloadOptions["log"] = {
    info: () => undefined,
    warn(event, { error } = {}) {
      warnings.push(event);
      errors.push(String(error));
    },
    error: () => undefined,
  };
  return {
    world,
    engine,
    file,
    warnings,
    errors,
    clock,
    start() {
      const offload = startOffload({ file, ledger: engine.ledger, clock, log });
      onTestFinished(() => offload.close());
      return offload;
    },
    lines: () =>
      readFileSync(file, "utf8")
        .trim()
        .split("\n")
        .slice(1)
        .map((line) => JSON.parse(line) as { position: number; key?: string }),
  };
}

async function raise({ engine }: Place, ...keys: readonly string[]): Promise<void> {
  const before = engine.supervisor.counters().settled;
  await acceptAll(engine, ...keys.map((key) => notification(`${key} up`, { key, alarm: `${key}/link` })));
  await engine.settled(before + keys.length);
}

/** Until the file has so many records. */
async function written(one: Place, records: number): Promise<void> {
  await expect
    .poll(() => (existsSync(one.file) ? one.lines().length : 0), { interval: 5, timeout: 10_000 })
    .toBe(records);
}

test("a request that was refused for good stands in the file, with what is needed to do it by hand; others do not", async () => {
  const one = await place();
  one.start();
  await expect.poll(() => existsSync(one.file)).toBe(true);
  await raise(one, "good-1", "bad-1", "good-2");
  await written(one, 1);
  expect(one.lines()).toMatchObject([
    {
      key: "bad-1",
      service: "OSB",
      command: "create",
      result: "rejected",
      payload: { command: "create", clientReference: "bad-1", networkElements: ["bad-1"] },
      alarms: [{ source: "urn:test", id: "bad-1 up" }],
    },
  ]);
});

test("it goes on where its last line stands: what failed meanwhile is there once, a torn line is written anew", async () => {
  const one = await place();
  const first = one.start();
  await expect.poll(() => existsSync(one.file)).toBe(true);
  await raise(one, "bad-1", "bad-2");
  await written(one, 2);
  await first.close();
  await raise(one, "bad-3");
  appendFileSync(one.file, '{"position": 99');
  const second = one.start();
  await written(one, 3);
  await second.close();
  one.start();
  await raise(one, "bad-4");
  await written(one, 4);
  expect(one.lines().map(({ key }) => key)).toEqual(["bad-1", "bad-2", "bad-3", "bad-4"]);
});

test("F4: a file that cannot be written is said, holds up no flow, and is tried again", async () => {
  const one = await place();
  mkdirSync(one.file); // a folder in its place
  one.start();
  await raise(one, "bad-1", "good-1");
  await expect.poll(() => one.warnings).toContain("offload.failed");
  rmSync(one.file, { recursive: true });
  one.clock.advance(limits.offloadRetryMs);
  await expect.poll(() => existsSync(one.file)).toBe(true);
  await raise(one, "bad-2");
  await written(one, 2);
  expect(one.lines()).toMatchObject([{ key: "bad-1" }, { key: "bad-2" }]);
});

test("a file that is somebody else's is left alone, byte for byte, and the log says what to do", async () => {
  for (const theirs of ["my notes\n", "one line", "first line\nlast line without an end", '{"a":1}\n']) {
    const one = await place();
    writeFileSync(one.file, theirs);
    chmodSync(one.file, 0o600);
    one.start();
    await raise(one, "bad-1");
    await expect.poll(() => one.warnings).toContain("offload.failed");
    expect(readFileSync(one.file, "utf8")).toBe(theirs);
    expect(one.errors.join()).toContain("move the file away");
  }
});

test("a whole engine writes it where the configuration says", async () => {
  const api = await startApi({
    config: { gateway: { offloadFile: "failed.ndjson" } },
    desk: { faults: [{ match: { command: "create", key: "bad-1" }, fault: "nack", code: "E7" }] },
  });
  await api.raise("1", { key: "bad-1" });
  const file = join(api.engine.config.dataDir, "failed.ndjson");
  await expect
    .poll(() => (existsSync(file) ? readFileSync(file, "utf8") : ""), { timeout: 10_000 })
    .toContain('"key":"bad-1"');
});

test("ledgers in memory are followed too", async () => {
  const ledger = createMemoryLedger();
  const file = join(folder(), "failed.ndjson");
  const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const offload = startOffload({ file, ledger, clock: new ManualClock(), log: quiet });
  await expect.poll(() => existsSync(file)).toBe(true);
  await offload.close();
  await ledger.close();
});

test("one that is closed while its file cannot be written ends at once", async () => {
  const one = await place();
  mkdirSync(one.file); // a folder in its place
  await one.start().close();
  expect(one.clock.nextInMs).toBe(null);
});

test("R4: where a restored or shortened ledger ends before the file does, it goes on from there", async () => {
  const one = await place();
  const first = one.start();
  await raise(one, "bad-1");
  await written(one, 1);
  await first.close();
  const { position } = one.engine.ledger.head();
  appendFileSync(one.file, `{"position":${position + 1_000},"key":"lost"}\n`);
  const second = one.start();
  await raise(one, "bad-2");
  await written(one, 4);
  await second.close();
  one.start();
  await raise(one, "bad-3");
  await written(one, 5);
  expect(one.lines().map(({ key }) => key)).toEqual(["bad-1", "lost", undefined, "bad-2", "bad-3"]);
});
