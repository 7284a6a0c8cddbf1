/** A file that a command makes: whole and on the disk, or not there. */
import { createWriteStream } from "node:fs";
import { open, rm } from "node:fs/promises";
import type { Writable } from "node:stream";
import { FailureError } from "../../machines/failure.ts";

/**
 * Resolves, when the file is durable, with what `write` resolved with; `write` need not end the stream.
 * Rejects with FailureError INVALID where the file is there already or cannot be written, and as `write` does; a file
 * that was begun is removed then.
 */
export async function writeNewFile<T>(
  file: string,
  { mode }: { readonly mode: number },
  write: (stream: Writable) => Promise<T>,
): Promise<T> {
  // "wx": what is there already is not ours to overwrite.
  const handle = await open(file, "wx", mode).catch((error: unknown) => {
    const code = error instanceof Error && "code" in error ? String(error.code) : "refused";
    const reason = code === "EEXIST" ? "exists already; name another" : `cannot be made (${code})`;
    throw new FailureError("INVALID", `The file ${file} ${reason}.`);
  });
  const stream = createWriteStream(file, { fd: handle.fd, autoClose: false });
  // What is written last may fail when nobody else listens any more.
  const failed = new Promise<never>((_, reject) => stream.once("error", reject));
  let isWhole = false;
  try {
    const written = await Promise.race([failed, write(stream)]);
    const ended = new Promise<void>((resolve, reject) => {
      stream.end((error?: Error | null) => (error ? reject(error) : resolve()));
    });
    await Promise.race([failed, ended]);
    await handle.sync();
    isWhole = true;
    return written;
  } catch (error) {
    if (error instanceof FailureError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new FailureError("INVALID", `The file ${file} could not be written and was removed: ${message}.`, {
      cause: error,
    });
  } finally {
    await handle.close();
    if (!isWhole) await rm(file, { force: true });
  }
}
