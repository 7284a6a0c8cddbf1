/** The command line as a person starts it: a process of its own, asked by words, answering in lines. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
export const main = join(root, "adapters/cli/main.ts");
/** For `env`: the command line as a user without a name and a home. */
export const asStranger = ["-i", "setpriv", "--reuid=54321", "--clear-groups", process.execPath, main];
/** Root is needed, and a checkout that does not lie where nobody else may look. */
export const mayBeStranger =
  process.getuid?.() === 0 && spawnSync("env", [...asStranger, "--version"]).status === 0;
const recording = join(root, "adapters/alarms/huawei-neurips2023/alarm.csv");

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  /** The next line on stdout. */
  line(): Promise<string>;
  readonly ended: Promise<Ended>;
}

/** `stdin`: what a test writes there, or by default nothing. */
export function start(
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  stdin: "written" | "nothing" = "nothing",
): Running {
  const child = spawn(process.execPath, [main, ...words], {
    cwd: root,
    env: { PATH: process.env["PATH"], TMPDIR: process.env["TMPDIR"], ...environment },
    stdio: ["pipe", "pipe", "pipe"],
  });
  if (stdin === "nothing") child.stdin.end();
  onTestFinished(() => void child.kill("SIGKILL"));
  const said = { stdout: "", stderr: "" };
  child.stderr.on("data", (chunk: Buffer) => (said.stderr += chunk.toString("utf8")));
  child.stdout.on("data", (chunk: Buffer) => (said.stdout += chunk.toString("utf8")));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = new Promise<Ended>((resolve) => {
    child.once("close", (code) => resolve({ code, ...said }));
  });
  return {
    child,
    ended,
    async line() {
      const { value, done } = await lines.next();
      if (done === true) throw new Error(`The command ended and said: ${said.stderr}`);
      return value;
    },
  };
}

export function run(
  words: readonly string[],
  environment?: Readonly<Record<string, string>>,
): Promise<Ended> {
  return start(words, environment).ended;
}

/** A folder that goes with the test. */
export function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), "ticket-client-cli-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export function file(dir: string, name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

/** The header and so many rows of the real alarms, spread over the recording: many keys, not one. */
export function someAlarms(dir: string, rows: number): string {
  const [header = "", ...all] = readFileSync(recording, "utf8").trim().split("\n");
  const step = Math.floor(all.length / rows);
  return file(
    dir,
    "some.csv",
    `${[header, ...all.filter((_, index) => index % step === 0).slice(0, rows)].join("\n")}\n`,
  );
}
