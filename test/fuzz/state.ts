/** Where a long run stands, in a file: cut off, it goes on from there. */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import type { Done } from "./loop.ts";

type Written = Omit<Done, "kept"> & { readonly kept: readonly string[] };

export class FuzzState {
  readonly #file: string | undefined;
  readonly #edges: Record<string, Written>;

  constructor(file: string | undefined) {
    this.#file = file;
    this.#edges =
      file !== undefined && existsSync(file)
        ? (JSON.parse(readFileSync(file, "utf8")) as Record<string, Written>)
        : {};
  }

  /** Of an edge and seed; undefined: from the beginning. */
  done(name: string): Done | undefined {
    const written = this.#edges[name];
    return written && { ...written, kept: written.kept.map((text) => Buffer.from(text, "base64")) };
  }

  write(name: string, done: Done): void {
    if (this.#file === undefined) return;
    this.#edges[name] = { ...done, kept: done.kept.map((input) => input.toString("base64")) };
    writeFileSync(`${this.#file}.new`, JSON.stringify(this.#edges));
    renameSync(`${this.#file}.new`, this.#file);
  }
}
