/**
 * Compiled code that is kept from one start to the next: an engine that was killed is ready again in six tenths of the
 * time. Node checks each piece against its source, and compiles anew what does not fit.
 */
import { enableCompileCache, flushCompileCache } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import { makeFolder } from "../folder.ts";

/**
 * Before the rest of the program is loaded. In a folder of the user's own, `ticket-client` in XDG_CACHE_HOME or
 * `~/.cache`: who can write there can run code here. NODE_COMPILE_CACHE names another, NODE_DISABLE_COMPILE_CACHE=1
 * does without; so does a user without a home, or a folder that cannot be written. Holds for every thread of the process.
 */
export function useCodeCache(): void {
  const folder = process.env["NODE_COMPILE_CACHE"] || folderOfUser();
  if (folder === null || process.env["NODE_DISABLE_COMPILE_CACHE"] === "1" || !isMade(folder)) return;
  const { directory } = enableCompileCache(folder);
  if (directory !== undefined) process.env["NODE_COMPILE_CACHE"] ??= folder;
}

/** Asked before Node is, which makes it in a way that may never come back. */
function isMade(folder: string): boolean {
  try {
    makeFolder(folder, 0o700);
    return true;
  } catch {
    return false;
  }
}

/** null: the user has none, as a bare uid in a container has no home. */
function folderOfUser(): string | null {
  try {
    return join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "ticket-client");
  } catch {
    return null;
  }
}

/** Writes what is new: at the first start some 100 ms, then none. A process that is killed could not do it at its end. */
export function keepCode(): void {
  flushCompileCache();
}
