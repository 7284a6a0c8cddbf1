/** Real processes of the command line, for the acceptance runs: a desk, an engine, a sender. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../../adapters/cli/main.ts", import.meta.url));
const living = new Set<ChildProcess>();

/** Ends, at once, whatever was started here and still runs: after a run that failed half way. */
export function endAll(): void {
  for (const child of living) child.kill("SIGKILL");
}

export interface Running {
  readonly child: ChildProcess;
  /** First line on stdout: the JSON that says where it listens. */
  readonly ready: Record<string, unknown>;
  /** Milliseconds from the start of the process to its ready line. */
  readonly readyMs: number;
  /** Resolves when the process is gone. */
  kill(signal: NodeJS.Signals): Promise<void>;
}

export interface How {
  /** Words of a program that runs the command, a tracer for one. Default: none. */
  readonly under?: readonly string[];
  /** The command line's file. Default: this project's. */
  readonly program?: string;
  /** Beside the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

interface Started {
  readonly child: ChildProcess;
  /** The end of what it wrote on stderr. */
  readonly said: () => string;
}

function start(args: readonly string[], { under = [], program = main, env = {} }: How = {}): Started {
  const [first = "", ...words] = [...under, process.execPath, program, ...args];
  const child = spawn(first, words, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  living.add(child);
  child.once("exit", () => living.delete(child));
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-4_000);
  });
  return { child, said: () => said };
}

/** How a process ended, and the end of what it wrote on stderr. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly said: string;
}

export interface Launched {
  readonly child: ChildProcess;
  /** Its first line on stdout, and milliseconds since its start; null: it ended before. */
  readonly ready: Promise<Pick<Running, "ready" | "readyMs"> | null>;
  /** Resolves when the process is gone and all it wrote has been read. */
  readonly ended: Promise<Ending>;
}

/** Starts a command that prints one JSON line when it is ready, and does not wait for it. */
export function launch(args: readonly string[], how: How = {}): Launched {
  const began = performance.now();
  const { child, said } = start(args, how);
  if (child.stdout === null) throw new Error("no stdout");
  const lines = createInterface({ input: child.stdout });
  const line = new Promise<Pick<Running, "ready" | "readyMs"> | null>((resolve) => {
    lines.once("line", (text) =>
      resolve({
        ready: JSON.parse(text) as Record<string, unknown>,
        readyMs: performance.now() - began,
      }),
    );
    child.once("close", () => resolve(null));
  });
  const ended = once(child, "close").then(([code, signal]): Ending => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
    said: said(),
  }));
  return { child, ready: line, ended };
}

/** As `launch`, when it is ready. Rejects when it ended before, with what it said. */
export async function startServer(args: readonly string[], how: How = {}): Promise<Running> {
  const { child, ready, ended } = launch(args, how);
  const line = await ready;
  if (line === null) {
    const { code, said } = await ended;
    throw new Error(`${args.join(" ")} ended with ${code} before it was ready:\n${said}`);
  }
  return {
    child,
    ...line,
    async kill(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, "exit");
      child.kill(signal);
      await gone;
    },
  };
}

export interface Finished {
  readonly code: number | null;
  readonly json: Record<string, unknown>;
}

export interface Job {
  /** The command ended by itself or was killed. */
  ended(): boolean;
  /** Rejects when it ended without its JSON, with what it said instead. */
  readonly finished: Promise<Finished>;
  /** Resolves when the process is gone. */
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** Starts a command that ends by itself and prints one JSON object. */
export function startJob(args: readonly string[]): Job {
  const { child, said } = start(args);
  let out = "";
  let ended = false;
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  const finished = once(child, "close").then(([code]): Finished => {
    ended = true;
    const last = out.trim().split("\n").at(-1) ?? "";
    if (last === "")
      throw new Error(`${args.join(" ")} ended with ${String(code)} and printed nothing:\n${said()}`);
    return { code: code as number | null, json: JSON.parse(last) as Record<string, unknown> };
  });
  finished.catch(() => {}); // awaited by the caller, unless it kills the job
  return {
    ended: () => ended,
    finished,
    async kill(signal) {
      child.kill(signal);
      await finished.catch(() => {});
    },
  };
}

export function run(args: readonly string[]): Promise<Finished> {
  return startJob(args).finished;
}

/** Port of the address in a ready line. */
export function portOf(server: Pick<Running, "ready">): number {
  return Number(new URL(String(server.ready["url"])).port);
}
