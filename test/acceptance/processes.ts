/** Real processes of the command line, for the acceptance runs: a desk, an engine, a sender. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../../adapters/cli/main.ts", import.meta.url));

export interface Running {
  readonly child: ChildProcess;
  /** First line on stdout: the JSON that says where it listens. */
  readonly ready: Record<string, unknown>;
  /** Milliseconds from the start of the process to its ready line. */
  readonly readyMs: number;
  kill(signal: NodeJS.Signals): Promise<void>;
}

function start(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [main, ...args], { stdio: ["ignore", "pipe", "pipe"] });
}

/** Starts a command that prints one JSON line when it is ready, and goes on. */
export async function startServer(args: readonly string[]): Promise<Running> {
  const began = performance.now();
  const child = start(args);
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-4_000);
  });
  if (child.stdout === null) throw new Error("no stdout");
  const lines = createInterface({ input: child.stdout });
  const ready = await new Promise<Record<string, unknown>>((resolve, reject) => {
    lines.once("line", (line) => resolve(JSON.parse(line) as Record<string, unknown>));
    child.once("exit", (code) =>
      reject(new Error(`${args.join(" ")} ended with ${code} before it was ready:\n${said}`)),
    );
  });
  return {
    child,
    ready,
    readyMs: performance.now() - began,
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

/** Starts a command that ends by itself and prints one JSON object. */
export function startJob(args: readonly string[]): {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
} {
  const child = start(args);
  let out = "";
  let said = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-4_000);
  });
  const finished = once(child, "close").then(([code]): Finished => {
    const last = out.trim().split("\n").at(-1) ?? "";
    if (last === "")
      throw new Error(`${args.join(" ")} ended with ${String(code)} and printed nothing:\n${said}`);
    return { code: code as number | null, json: JSON.parse(last) as Record<string, unknown> };
  });
  finished.catch(() => {}); // awaited by the caller, unless it kills the job
  return { child, finished };
}

export function run(args: readonly string[]): Promise<Finished> {
  return startJob(args).finished;
}

/** Port of the address in a ready line. */
export function portOf(server: Running): number {
  return Number(new URL(String(server.ready["url"])).port);
}

/** The desk's own account. */
export async function truthOf(desk: Running): Promise<Record<string, number>> {
  const answer = await fetch(`http://127.0.0.1:${portOf(desk)}/truth`);
  return (await answer.json()) as Record<string, number>;
}
