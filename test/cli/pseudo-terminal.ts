/** A command in a pseudo-terminal (`script` of util-linux): what stands on its screen, its keys, its size. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

const main = fileURLToPath(new URL("../../adapters/cli/main.ts", import.meta.url));

/** Why there is none here; null: there is. */
export const noTerminal: string | null = existsSync("/usr/bin/script")
  ? null
  : "needs `script`: apt-get install bsdutils";

export class PseudoTerminal {
  readonly #child: ChildProcess;
  readonly #screen: string[] = [];
  #name = "";
  /** Not yet read to its end. */
  #rest = "";
  #all = "";
  #waiting: (() => void)[] = [];
  readonly ended: Promise<number | null>;

  constructor(words: readonly string[], size: { readonly columns: number; readonly rows: number }) {
    const quoted = [process.execPath, main, ...words].map((word) => `'${word}'`).join(" ");
    const command = `stty cols ${size.columns} rows ${size.rows}; tty; exec ${quoted}`;
    this.#child = spawn("script", ["-qfec", command, "/dev/null"], { stdio: ["pipe", "pipe", "inherit"] });
    onTestFinished(() => void this.#child.kill("SIGKILL"));
    this.ended = new Promise((resolve) => this.#child.once("close", (code) => resolve(code)));
    this.#child.stdout?.on("data", (data: Buffer) => {
      this.#read(data.toString("utf8"));
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }

  get lines(): readonly string[] {
    return this.#screen.map((line) => line.trimEnd());
  }

  /** Everything that was ever written. */
  get written(): string {
    return this.#all;
  }

  type(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  resize(columns: number, rows: number): void {
    execFileSync("stty", ["-F", this.#name, "cols", String(columns), "rows", String(rows)]);
  }

  async until(is: (lines: readonly string[]) => boolean): Promise<readonly string[]> {
    while (!is(this.lines)) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.lines;
  }

  /** Only what the product writes: to a line's start, the rest of a line, all. */
  #read(text: string): void {
    this.#all += text;
    this.#rest += text;
    if (this.#name === "") {
      const [, name] = /^\s*(\/dev\/\S+)\r?\n/.exec(this.#rest) ?? [];
      if (name === undefined) return;
      this.#name = name;
      this.#rest = this.#rest.slice(this.#rest.indexOf("\n") + 1);
    }
    let at = 0;
    let row = 0;
    // oxlint-disable-next-line no-control-regex -- it is what a terminal obeys
    const order = /\u001b\[(\?\d+[hl]|\d+;1H|2J|K|\d+m)/g;
    const whole = this.#rest.lastIndexOf("\u001b[K") + 3;
    const end = Math.max(whole, this.#rest.lastIndexOf("\u001b[2J") + 4);
    if (end < 4) return;
    const ready = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end);
    for (const match of ready.matchAll(order)) {
      const before = ready.slice(at, match.index);
      if (before !== "") this.#screen[row] = (this.#screen[row] ?? "") + before;
      at = match.index + match[0].length;
      const [, what = ""] = match;
      if (what === "2J") this.#screen.length = 0;
      else if (what.endsWith(";1H")) {
        row = Number(what.slice(0, -3)) - 1;
        while (this.#screen.length < row) this.#screen.push("");
        this.#screen[row] = "";
      }
    }
  }
}
