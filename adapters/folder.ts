/** Folders on this machine. */
import { mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";

/**
 * Makes it, and what is missing above it; left as it is where it is there. Throws what the system says.
 * Node's own `recursive` never comes back where the system finds no such folder whatever is there, as in `/proc`.
 */
export function makeFolder(dir: string, mode: number = 0o777): void {
  const path = resolve(dir);
  if (isFolder(path)) return;
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    const parent = dirname(path);
    if (isFolder(path)) return; // made by another in between
    if (isFolder(parent) || parent === path || !isMissing(error)) throw error;
    makeFolder(parent, mode);
    makeFolder(path, mode);
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
