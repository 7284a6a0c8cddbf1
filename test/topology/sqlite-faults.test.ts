/** The topology in SQLite where something is wrong: with the file, with what others wrote into it, with the disk. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { openTopology } from "../../adapters/topology/open.ts";
import { openSqliteTopology } from "../../adapters/topology/sqlite.ts";
import { stageInSqlite } from "../../adapters/topology/sqlite-staging.ts";
import type { TopologyDatabase } from "../../adapters/topology/topology.ts";
import { limits } from "../../machines/limits.ts";
import { ManualClock } from "../alarms/manual-clock.ts";
import { elementLines, folder, meanwhile, tree, writeFiles } from "./files.ts";
import type { LoadUntilKilled } from "./load-until-killed.ts";
import { names } from "./topology-contract.ts";
import { isMissing } from "../needs.ts";

const never = new AbortController().signal;

interface Place {
  readonly file: string;
  readonly config: LoadUntilKilled["config"];
  readonly clock: ManualClock;
  readonly topology: TopologyDatabase;
  readonly look: (elementId: string) => ReturnType<TopologyDatabase["path"]>;
}

function place(): Place {
  const dataDir = folder();
  const config = { dataDir, topology: { kind: "sqlite", file: "topology.db" } } as const;
  const clock = new ManualClock();
  const topology = openTopology(config, clock);
  onTestFinished(() => topology.close());
  return {
    file: join(dataDir, "topology.db"),
    config,
    clock,
    topology,
    look: (elementId) => topology.path({ elementId, signal: never }),
  };
}

/** As a person does with `sqlite3`. */
function byHand(file: string, statements: string): DatabaseSync {
  const db = new DatabaseSync(file);
  db.exec(statements);
  return db;
}

test("a look-up makes no file; one that is no database is an error that says what to do, and works when it is mended", async () => {
  const { file, topology, look } = place();
  expect(await look("a")).toEqual({ kind: "absent", loadedAt: null });
  expect(existsSync(file)).toBe(false);
  writeFileSync(file, "no database at all, but long enough to be taken for the header of one ".repeat(10));
  const broken = await look("a");
  expect(broken).toMatchObject({ kind: "error", code: "TOPOLOGY_UNAVAILABLE" });
  expect(broken.kind === "error" && broken.cause).toContain(`The topology ${file} cannot be used`);
  const files = writeFiles(folder(), { "e.csv": elementLines({ a: "" }) });
  await expect(topology.load({ files })).rejects.toMatchObject({ failure: { code: "TOPOLOGY_UNAVAILABLE" } });
  writeFileSync(file, "");
  expect(await look("a")).toEqual({ kind: "absent", loadedAt: null });
  expect(await topology.load({ files })).toMatchObject({ kind: "loaded" });
  expect(await names(look("a"))).toEqual(["name a"]);
});

test("a file that may not be opened is an error of its own, to look-ups and loads, and nobody is told to move it away", async () => {
  const { file, topology, look } = place();
  symlinkSync(file, file); // as root every other file may be opened
  expect(await look("a")).toMatchObject({ kind: "error", code: "TOPOLOGY_UNAVAILABLE" });
  const files = writeFiles(folder(), { "e.csv": elementLines({ a: "" }) });
  for (const load of [
    () => topology.load({ files, dryRun: true }),
    () => topology.load({ files }),
    () => topology.loaded(),
  ]) {
    const refused = expect(load()).rejects;
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await refused.toMatchObject({
      failure: {
        code: "TOPOLOGY_UNAVAILABLE",
        detail: expect.stringMatching(
          /cannot be used \(.*\)\. Check that this user may read and write/,
        ) as string,
      },
    });
  }
});

describe.skipIf(isMissing("root and the right to mount a tmpfs", canMount()))(
  "on a disk that is full",
  () => {
    test.each([
      ["while rows come", 160],
      ["at the end", 20],
    ])("%s: a load ends with what to do, and the old data stays", async (_, rows) => {
      const dir = folder();
      expect(mount(dir, "16m")).toBe(true);
      onTestFinished(() => void spawnSync("umount", ["-l", dir]));
      const file = join(dir, "topology.db");
      const topology = openSqliteTopology({ file, clock: new ManualClock() });
      const files = writeFiles(folder(), { "e.csv": elementLines({ a: "" }) });
      expect(await topology.load({ files })).toMatchObject({ kind: "loaded" });
      const staging = await stageInSqlite(file, new ManualClock());
      const load = async () => {
        for (let n = 0; n < rows; n += 1)
          staging.add("address", [`A-${n}`, "a", "x".repeat(1_000_000), null, null, null, null]);
        await staging.commit({ loadedAt: 0, elements: 1, roots: 1, addresses: rows, hops: 0, files: [] });
      };
      await expect(load()).rejects.toMatchObject({
        failure: {
          code: "TOPOLOGY_UNAVAILABLE",
          detail: expect.stringMatching(/full\)\. Check that .* space/) as string,
        },
      });
      await staging.abandon();
      expect(await topology.loaded()).toMatchObject({ addresses: 0 });
      await topology.close();
    });
  },
);

function mount(dir: string, size: string): boolean {
  return spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "none", dir]).status === 0;
}

function canMount(): boolean {
  const disk = mkdtempSync(join(tmpdir(), "disk-"));
  const isThere = mount(disk, "64k");
  if (isThere) spawnSync("umount", ["-l", disk]);
  rmSync(disk, { recursive: true });
  return isThere;
}

test("a file that is moved away, and another put in its place, is noticed at the next look-up", async () => {
  const { file, topology, look } = place();
  const [one = "", two = ""] = writeFiles(folder(), {
    "one.csv": elementLines({ a: "" }, "one"),
    "two.csv": elementLines({ a: "" }, "two"),
  });
  await topology.load({ files: [one] });
  expect(await names(look("a"))).toEqual(["one a"]);
  for (const part of ["", "-wal", "-shm"]) renameSync(`${file}${part}`, `${file}.moved${part}`);
  expect(await look("a")).toEqual({ kind: "absent", loadedAt: null });
  await topology.load({ files: [two] });
  expect(await names(look("a"))).toEqual(["two a"]);
});

test("a folder that cannot be written is an error that names the file", async () => {
  const dataDir = folder();
  writeFileSync(join(dataDir, "file"), "");
  const topology = openTopology(
    { dataDir, topology: { kind: "sqlite", file: "file/topology.db" } },
    new ManualClock(),
  );
  const files = writeFiles(folder(), { "e.csv": elementLines({ a: "" }) });
  await expect(topology.load({ files })).rejects.toMatchObject({
    failure: {
      code: "TOPOLOGY_UNAVAILABLE",
      detail: expect.stringContaining(join(dataDir, "file/topology.db")) as string,
    },
  });
});

test("loops, missing parents and endless chains that others wrote end a look-up, and say so", async () => {
  const { file, topology, look } = place();
  const parents = { a: "", b: "a", c: "b", d: "c", self: "", lost: "" };
  await topology.load({ files: writeFiles(folder(), { "e.csv": elementLines(parents) }) });
  byHand(
    file,
    `UPDATE network_element SET parent_ne_id = 'd' WHERE ne_id = 'b';
     UPDATE network_element SET parent_ne_id = ne_id WHERE ne_id = 'self';
     UPDATE network_element SET parent_ne_id = 'nowhere' WHERE ne_id = 'lost';
     INSERT INTO network_path VALUES ('P', 'a', 1, 'c', NULL, NULL, NULL), ('P', 'a', 2, 'd', NULL, NULL, NULL),
       ('P', 'a', 3, 'c', NULL, NULL, NULL), ('P', 'a', 4, 'b', NULL, NULL, NULL)`,
  ).close();
  const told = async (elementId: string) => {
    const answer = await look(elementId);
    return answer.kind === "found"
      ? [...answer.path.hops.map((hop) => hop.elementId), answer.path.end]
      : answer;
  };
  expect(await told("d")).toEqual(["d", "c", "b", "loop"]);
  expect(await told("self")).toEqual(["self", "loop"]);
  expect(await told("lost")).toEqual(["lost", "nowhere", "dangling"]);
  expect(await told("a")).toEqual(["a", "c", "d", "loop"]);
  expect(await told("nowhere")).toMatchObject({ kind: "absent" });
});

test("a load's row that others wrote ends a look-up: times that differ, and a time that is none", async () => {
  const { file, topology, look } = place();
  await topology.load({ files: writeFiles(folder(), { "e.csv": elementLines({ a: "" }) }) });
  const details = () => topology.details({ elementId: "a", signal: abortedAfter(100) });
  const table = "CREATE TABLE topology_load (loaded_at, elements, roots, addresses, hops, files)";
  byHand(
    file,
    `DROP TABLE topology_load; ${table};
     INSERT INTO topology_load VALUES (1, 1, 1, 0, 0, '[]'), (2, 1, 1, 0, 0, '[]')`,
  ).close();
  expect(await details()).toMatchObject({
    kind: "error",
    code: "TOPOLOGY_UNAVAILABLE",
    cause: expect.stringContaining("Load the topology again") as string,
  });
  byHand(
    file,
    `DELETE FROM topology_load;
     INSERT INTO topology_load VALUES ('2026-11-27 10:00:00', 1, 1, 0, 0, '[]')`,
  ).close();
  const told = {
    kind: "error",
    code: "TOPOLOGY_UNAVAILABLE",
    cause: expect.stringContaining('"2026-11-27 10:00:00"; expected milliseconds') as string,
  };
  expect(await look("a")).toMatchObject(told);
  expect(await details()).toMatchObject(told);
});

test("a load's row that others wrote, with nothing in it that can be read, keeps no load out", async () => {
  const { file, topology } = place();
  const files = writeFiles(folder(), { "e.csv": elementLines({ a: "" }) });
  await topology.load({ files });
  for (const row of ["1, 1, 1, 0, 0, ''", "1, 1, 1, 0, 0, '{'", "1, 1, 1, 0, 0, 'null'"]) {
    byHand(file, `DELETE FROM topology_load; INSERT INTO topology_load VALUES (1, ${row})`).close();
    expect(await topology.loaded()).toMatchObject({ loadedAt: 1, elements: 1, files: [] });
    expect(await topology.load({ files })).toMatchObject({ kind: "loaded" });
  }
});

/** Given up when it has been asked so often: a look-up in SQLite that never ends leaves no turn to a timer. */
function abortedAfter(times: number): AbortSignal {
  const { signal } = new AbortController();
  let asked = 0;
  return Object.defineProperty(signal, "aborted", { get: () => (asked += 1) > times });
}

test("a file that somebody has locked is tried again until topologyTimeoutMs, without holding up anything else", async () => {
  const { file, topology, clock, look } = place();
  await topology.load({ files: writeFiles(folder(), { "e.csv": elementLines({ a: "" }) }) });
  await topology.close();
  const person = byHand(file, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; DELETE FROM network_path");
  const again = openTopology({ dataDir: "/", topology: { kind: "sqlite", file } }, clock);
  onTestFinished(() => again.close());
  const until = (answer: Promise<unknown>) => meanwhile(answer, () => clock.advance(limits.topologyRetryMs));
  const from = clock.monotonicMs();
  expect(await until(again.path({ elementId: "a", signal: never }))).toMatchObject({
    code: "TOPOLOGY_TIMEOUT",
  });
  expect(clock.monotonicMs() - from).toBeLessThan(limits.topologyTimeoutMs * 2);
  const waiting = again.path({ elementId: "a", signal: never });
  person.close();
  expect(await until(waiting)).toMatchObject({ kind: "found" });
  expect(await look("a")).toMatchObject({ kind: "error" }); // closed above
});

test("a second load is refused while one is under way, after topologyLoadWaitMs", async () => {
  const { file, topology, clock, look } = place();
  const files = writeFiles(folder(), { "e.csv": elementLines({ a: "" }) });
  await topology.load({ files });
  const other = byHand(file, "BEGIN IMMEDIATE; CREATE TABLE x (y INT)");
  await expect(
    meanwhile(topology.load({ files }), () => clock.advance(limits.topologyRetryMs)),
  ).rejects.toMatchObject({ failure: { code: "TOPOLOGY_BUSY" } });
  expect(await names(look("a"))).toEqual(["name a"]);
  other.close();
  expect(await topology.load({ files })).toMatchObject({ kind: "loaded" });
});

test.skipIf(isMissing("Linux", process.platform === "linux"))(
  "S10: the connection of the look-ups cannot write (asks /proc: Linux)",
  async () => {
    const { file, topology } = place();
    await topology.load({ files: writeFiles(folder(), { "e.csv": elementLines({ a: "" }) }) });
    await topology.close(); // SQLite keeps what the load wrote with for as long as a reader is open
    const fresh = openTopology({ dataDir: "/", topology: { kind: "sqlite", file } }, new ManualClock());
    onTestFinished(() => fresh.close());
    expect(await names(fresh.path({ elementId: "a", signal: never }))).toEqual(["name a"]);
    const modes = readdirSync("/proc/self/fd").flatMap((fd) => {
      const path = join("/proc/self/fd", fd);
      if (!existsSync(path) || readlinkSync(path) !== file) return [];
      const flags = /^flags:\s+(\d+)$/m.exec(readFileSync(join("/proc/self/fdinfo", fd), "utf8"))?.[1] ?? "3";
      return [Number.parseInt(flags, 8) & 3];
    });
    expect(modes).toEqual([0]); // open once, to read
  },
);

test("the space of the old data is used again: ten loads are no larger than two", async () => {
  const { file, topology } = place();
  const files = writeFiles(folder(), { "e.csv": elementLines(tree(5_000)) });
  const sizes: number[] = [];
  for (let n = 0; n < 10; n += 1) {
    await topology.load({ files });
    sizes.push(readFileSync(file).length);
  }
  expect(sizes[9]).toBeLessThanOrEqual((sizes[1] ?? 0) * 1.05);
});

const script = fileURLToPath(new URL("load-until-killed.ts", import.meta.url));
const canTrace = spawnSync("strace", ["-o", "/dev/null", process.execPath, "--version"]).status === 0;

describe.skipIf(isMissing("strace (apt install strace) and the right to trace", canTrace))(
  "a load under strace (needs strace: apt install strace)",
  () => {
    async function run(
      at: Place,
      files: readonly string[],
      fault: string,
    ): Promise<{ errors: string; ended: unknown }> {
      const order: LoadUntilKilled = { config: at.config, files, phase: "storing", report: 99 };
      const words = ["-f", "-o", "/dev/null", "-e", "trace=pwrite64,fdatasync,fsync", "-e", fault];
      const child = spawn("strace", [...words, process.execPath, script, JSON.stringify(order)], {
        stdio: ["ignore", "ignore", "pipe"],
      });
      let errors = "";
      child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
      const [code, signal] = (await once(child, "close")) as unknown[];
      return { errors, ended: signal ?? code };
    }

    test(
      "killed at any write or sync, the data is the old or the new, whole",
      { timeout: 120_000 },
      async () => {
        const at = place();
        const parents = tree(3_000);
        const [old = "", fresh = ""] = writeFiles(folder(), {
          "old.csv": elementLines(parents, "old"),
          "new.csv": elementLines(parents, "new"),
        });
        const seen = new Set<unknown>();
        const kills = ["pwrite64", "fdatasync,fsync"].flatMap((call) =>
          (call === "pwrite64" ? [1, 2, 5, 60, 150, 210, 240, 270, 300, 400] : [1, 2, 3]).map(
            (when) => `inject=${call}:signal=SIGKILL:when=${when}`,
          ),
        );
        for (const fault of kills) {
          await at.topology.load({ files: [old] });
          const before = await at.topology.loaded();
          await run(at, [fresh], fault);
          const after = await at.topology.loaded();
          const tag = after?.loadedAt === before?.loadedAt ? "old" : "new";
          seen.add(tag);
          expect(await names(at.look("NE-2999")), fault).toEqual(
            ["NE-2999", "NE-374", "NE-46", "NE-5", "NE-0"].map((one) => `${tag} ${one}`),
          );
          const db = new DatabaseSync(at.file, { readOnly: true });
          expect(db.prepare("PRAGMA integrity_check").get(), fault).toEqual({ integrity_check: "ok" });
          expect(db.prepare("SELECT count(*) AS n FROM network_element").get()).toEqual({ n: 3_000 });
          db.close();
        }
        expect(seen).toEqual(new Set(["old", "new"]));
      },
    );

    test("a disk that fails is an error, and the old data stays", { timeout: 60_000 }, async () => {
      const at = place();
      const [old = "", fresh = ""] = writeFiles(folder(), {
        "old.csv": elementLines(tree(3_000), "old"),
        "new.csv": elementLines(tree(3_000), "new"),
      });
      await at.topology.load({ files: [old] });
      for (const fault of [
        "inject=pwrite64:error=ENOSPC:when=20+",
        "inject=fdatasync,fsync:error=EIO:when=1+",
      ]) {
        const { errors, ended } = await run(at, [fresh], fault);
        expect([errors, ended], fault).toEqual([expect.stringContaining("TOPOLOGY_UNAVAILABLE"), 1]);
        expect(await names(at.look("NE-1"))).toEqual(["old NE-1", "old NE-0"]);
      }
      expect(await at.topology.load({ files: [fresh] })).toMatchObject({ kind: "loaded" });
    });
  },
);
