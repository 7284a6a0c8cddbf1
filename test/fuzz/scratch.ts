/** Folders for edges that read files. */
import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const parent = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** A new one, in memory where there is some to write files to: disk and syncs are not what is tried. */
export function scratchFolder(edge: string): string {
  return mkdtempSync(join(parent, `fuzz-${edge}-`));
}
