/** A row's password file comes by import: what it may name, and what it may not do. */
import { execFileSync } from "node:child_process";
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readPassword } from "../../adapters/service/password-file.ts";
import { limits } from "../../machines/limits.ts";
import { folder } from "../cli/command-line.ts";

test.for([
  ["one", "one"],
  ["one\n", "one"],
  ["one\r\n", "one"],
  ["\ufeffone\r\n", "one"], // as some editors save it
  ["pässword", "pässword"],
  ["", ""],
  ["x".repeat(limits.passwordBytesMax), "x".repeat(limits.passwordBytesMax)],
])("a file of one line is a password", async ([text = "", password]) => {
  const file = join(folder(), "password");
  writeFileSync(file, text);
  symlinkSync(file, `${file}.link`); // as mounted secrets are
  expect(await readPassword(`${file}.link`)).toBe(password);
});

test("S6: a file of several lines is not read out", async () => {
  await expect(readPassword("/etc/passwd")).rejects.toThrow("more than one line");
});

test("a file in another encoding than UTF-8 is refused: a service would be told another password", async () => {
  const file = join(folder(), "password");
  for (const bytes of [Buffer.from("pässword", "latin1"), Buffer.from("\ufeffone", "utf16le")]) {
    writeFileSync(file, bytes);
    await expect(readPassword(file)).rejects.toThrow("not UTF-8");
  }
});

test("S3: a device, a pipe, a folder and a large file are refused at once", async () => {
  const dir = folder();
  const pipe = join(dir, "pipe");
  execFileSync("mkfifo", [pipe]);
  const large = join(dir, "large");
  writeFileSync(large, "x".repeat(limits.passwordBytesMax + 1));
  await expect(readPassword("/dev/zero")).rejects.toThrow("not a file");
  await expect(readPassword(pipe)).rejects.toThrow("not a file");
  await expect(readPassword(dir)).rejects.toThrow(/not a file|EISDIR/);
  await expect(readPassword(large)).rejects.toThrow("more than 4096 bytes");
  await expect(readPassword(join(dir, "none"))).rejects.toThrow("ENOENT");
});
