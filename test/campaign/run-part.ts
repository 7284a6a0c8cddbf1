/** One run of a part's command: its progress goes on to stderr, its last line is its result. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Result } from "./parts.ts";

export interface RunOptions {
  /** Program and words. */
  readonly command: readonly [string, ...string[]];
  /** Ends it: what it has kept in its state stands. */
  readonly signal: AbortSignal;
  readonly onLine: (line: string) => void;
}

/** null: it was ended by `signal`. Rejects when it ends without a result. */
export async function runPart({ command, signal, onLine }: RunOptions): Promise<Result | null> {
  const [program, ...words] = command;
  // A group of its own, so that what the command has started ends with it.
  const child = spawn(program, words, { stdio: ["ignore", "pipe", "inherit"], detached: true });
  const end = (): void => {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGTERM");
  };
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();
  let last = "";
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      if (line === "") continue;
      last = line;
      if (!line.startsWith("{")) onLine(line);
    }
    const code = await ended;
    const result = resultIn(last);
    if (result !== null) return result;
    if (signal.aborted) return null;
    throw new Error(`${command.join(" ")} ended with ${code ?? "a signal"} and without a result: ${last}`);
  } finally {
    signal.removeEventListener("abort", end);
  }
}

/** null: the line is none. */
export function resultIn(line: string): Result | null {
  if (!line.startsWith("{")) return null;
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- looked at below
    const read = JSON.parse(line) as Partial<Result>;
    const { part, ok, figures } = read;
    if (typeof part !== "string" || typeof ok !== "boolean" || typeof figures !== "object") return null;
    return { part, ok, figures };
  } catch {
    return null;
  }
}
