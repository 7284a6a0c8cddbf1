/**
 * Words for `strace` and what it wrote down: the calls of an engine that change the files of its data directory.
 * Needs strace (apt install strace) and the right to trace.
 */
import { spawnSync } from "node:child_process";
import { basename, join } from "node:path";

/** Installed, and allowed to trace. */
export function canTrace(): boolean {
  return spawnSync("strace", ["-o", "/dev/null", "true"]).status === 0;
}

/** Every file of a data directory that SQLite and the ledger touch, and the directory itself. */
const files = [
  "ledger.db",
  "ledger.db-wal",
  "ledger.db-shm",
  "ledger.db-journal",
  "ledger.lock",
  "ledger.lock-journal",
  "ledger.head",
];

/** What changes a file or a directory, or makes a change durable. Memory shared with others is changed without a call. */
const changingCalls = [
  "mkdir",
  "openat",
  "write",
  "writev",
  "pwrite64",
  "pwritev",
  "ftruncate",
  "fallocate",
  "fsync",
  "fdatasync",
  "rename",
  "renameat2",
  "unlink",
  "unlinkat",
];

/**
 * `pwrite64` number 17 of `ledger.db-wal`: what a kill is aimed at. Counted for each call, file and thread by itself, as
 * strace does that is told of one file.
 */
export interface CallNumber {
  readonly name: string;
  readonly number: number;
  /** Within the data directory; `.` is the directory. */
  readonly file: string;
}

export interface Call extends CallNumber {
  readonly thread: string;
  /** False: it was not carried out; the process was killed at its door. */
  readonly done: boolean;
  readonly line: string;
}

export interface Tracing {
  readonly dataDir: string;
  readonly trace: string;
  /** Killed before this call is carried out. Default: none. */
  readonly kill?: CallNumber | null;
  /** Of what is written, so much is in the trace. Default 32 bytes. */
  readonly bytesShown?: number;
}

/** The process under it stays our child: the tracer steps aside (-D). */
export function straceWords({ dataDir, trace, kill = null, bytesShown = 32 }: Tracing): string[] {
  // With other files beside it, a thread that opens one of them would be taken for another that opens this.
  const paths = (kill === null ? [".", ...files] : [kill.file]).map((name) => join(dataDir, name));
  return [
    "strace",
    "-D",
    "-f",
    "-y",
    "-s",
    String(bytesShown),
    "-o",
    trace,
    ...paths.flatMap((path) => ["-P", path]),
    "-e",
    `trace=${changingCalls.join(",")}`,
    ...(kill === null ? [] : ["-e", `inject=${kill.name}:signal=SIGKILL:when=${kill.number}`]),
  ];
}

const callLine = /^(\d+)\s+(\w+)\((.*)$/;
const resumedLine = /^(\d+)\s+<\.\.\. (\w+) resumed>.*= (\?|-?\d+)/;
const endOfCall = / = (\?|-?\d+)/;

/** The calls in order, those that open a file for reading left out. */
export function readTrace(text: string, dataDir: string): Call[] {
  const counts = new Map<string, number>();
  const calls: Call[] = [];
  const begun = new Map<string, number>();
  for (const line of text.split("\n")) {
    const [, again = "", , result = ""] = resumedLine.exec(line) ?? [];
    const index = begun.get(again);
    const resumed = index === undefined ? undefined : calls[index];
    if (index !== undefined && resumed !== undefined) calls[index] = { ...resumed, done: result !== "?" };
    begun.delete(again);
    const [, thread = "", name = "", rest = ""] = callLine.exec(line) ?? [];
    if (name === "") continue;
    const file = fileOf(name, rest, dataDir);
    const count = `${thread} ${name} ${file}`;
    const number = (counts.get(count) ?? 0) + 1;
    counts.set(count, number);
    if (name === "openat" && !rest.includes("O_CREAT")) continue;
    const unfinished = rest.endsWith("<unfinished ...>");
    if (unfinished) begun.set(thread, calls.length);
    const done = !unfinished && endOfCall.exec(rest)?.[1] !== "?";
    calls.push({ thread, name, number, file, done, line });
  }
  return calls;
}

function fileOf(name: string, rest: string, dataDir: string): string {
  // A descriptor with its path, or, where the call names a path, that.
  const path =
    (name === "openat" ? undefined : /^\d+<([^>]*)>/.exec(rest)?.[1]) ?? /"([^"]*)"/.exec(rest)?.[1] ?? "";
  return path === dataDir ? "." : basename(path.replace(" (deleted)", ""));
}
