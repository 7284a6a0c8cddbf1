/**
 * What a command says: data on stdout, and for people lines and progress, which `--json` leaves out; what went wrong on
 * stderr. Whoever wrote it, it is shown and never obeyed.
 */
import { progress as clackProgress } from "@clack/prompts";
import { harmless, harmlessJson } from "./terminal-text.ts";

export interface Progress {
  /** How much of the whole is done. */
  reach(done: number, message: string): void;
  end(message: string): void;
}

export interface Output {
  /** For machines: one line of JSON, with `--json` only. */
  data(value: unknown): void;
  /** For people: not with `--json`. One line, whatever stands in it. */
  line(text?: string): void;
  progress(whole: number, message: string): Progress;
}

const silent: Progress = { reach: () => undefined, end: () => undefined };
/** Where nobody watches: so many lines from start to end. */
const plainSteps = 5;
const terminalColumnsLeast = 60;

export function createOutput(json: boolean): Output {
  const write = (text: string) => void process.stdout.write(`${text}\n`);
  return {
    data: (value) => json && write(harmlessJson(JSON.stringify(value))),
    line: (text = "") => !json && write(harmless(text)),
    progress(whole, message) {
      if (json) return silent;
      // A bar that is broken over lines is worse than none.
      return process.stdout.isTTY && process.stdout.columns >= terminalColumnsLeast
        ? onTerminal(whole, message)
        : inLines(whole, (text) => write(harmless(text)));
    },
  };
}

function onTerminal(whole: number, message: string): Progress {
  const bar = clackProgress({ max: whole, size: 30, withGuide: false });
  let reached = 0;
  bar.start(harmless(message));
  return {
    reach(done, text) {
      bar.advance(Math.max(0, done - reached), harmless(text));
      reached = Math.max(reached, done);
    },
    end: (text) => bar.stop(harmless(text)),
  };
}

function inLines(whole: number, write: (text: string) => void): Progress {
  let step = 1;
  return {
    reach(done, text) {
      if (done < (whole * step) / plainSteps || step >= plainSteps) return;
      step = Math.floor((done * plainSteps) / whole) + 1;
      write(text);
    },
    end: (text) => write(text),
  };
}

/** One line for people on stderr, with `--json` too. */
export function tell(sentence: string): void {
  process.stderr.write(`${harmless(sentence)}\n`);
}

/** 61382 → "61,382" */
export function count(value: number): string {
  return value.toLocaleString("en-GB");
}

/** Two columns, names to the left, numbers to the right. */
export function table(rows: readonly (readonly [name: string, value: string])[], indent = 2): string[] {
  const left = Math.max(...rows.map(([name]) => name.length));
  const right = Math.max(...rows.map(([, value]) => value.length));
  return rows.map(([name, value]) => `${" ".repeat(indent)}${name.padEnd(left)}  ${value.padStart(right)}`);
}

/**
 * Whoever read stdout may leave, as `| head` does, and the disk that takes it may be full: the rest is not said, and what
 * the command does goes on.
 */
export function letOutputFail(): void {
  process.stderr.on("error", () => undefined);
  process.stdout.on("error", (error) => {
    if (!hasReaderLeft(error)) outputError ??= error;
  });
}

let outputError: Error | null = null;

export function isOutputError(error: unknown): boolean {
  return outputError !== null && error === outputError;
}

/** Why stdout could not be written, known once it is `flushed`; null: it could, or nobody wants to read it. */
export function lostOutput(): string | null {
  if (outputError === null) return null;
  const { message } = outputError;
  return `stdout cannot be written (${"code" in outputError ? String(outputError.code) : message})`;
}

export function hasReaderLeft(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : null;
  return code === "EPIPE" || code === "ERR_STREAM_DESTROYED";
}

/** Resolves when all that was written to stdout is handed over, or lost: a pipe loses the rest at `process.exit`. */
export function flushed(): Promise<void> {
  return new Promise((resolve) => {
    // What went wrong is told a moment after the write.
    const end = () => setImmediate(resolve);
    // To write nothing to a full disk fails as well.
    if (process.stdout.writableLength === 0) end();
    else process.stdout.write("", end);
  });
}
