/**
 * The password of a service, from the file that its row names. Rows come by import, so the file is not trusted:
 *   S3 a pipe or a device does not hang the call, and a large file is not read.
 *   S6 a file of several lines, such as a list of accounts or a key, is no password and leaves this machine never.
 */
import { constants, open } from "node:fs/promises";
import { limits } from "../../machines/limits.ts";

/** In UTF-8; without the line break at its end. Rejects with an error whose `code` says why. */
export async function readPassword(file: string): Promise<string> {
  // Without waiting for somebody to write into a pipe.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw refusal("not a file");
    if (stat.size > limits.passwordBytesMax) throw refusal(`more than ${limits.passwordBytesMax} bytes`);
    const password = decoded(await handle.readFile()).replace(/\r?\n$/, "");
    if (/[\r\n\0]/.test(password)) throw refusal("more than one line");
    return password;
  } finally {
    await handle.close();
  }
}

/** Without its byte order mark. */
function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw refusal("not UTF-8");
  }
}

function refusal(code: string): Error {
  return Object.assign(new Error(code), { code });
}
