/** Folders that commands make: where none can be made, that is said. */
import { existsSync, mkdirSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { makeFolder } from "../../adapters/folder.ts";
import { isMissing } from "../needs.ts";
import { file, folder, run } from "./command-line.ts";

vi.setConfig({ testTimeout: 60_000 });

describe("a folder", () => {
  test("is made with all that is missing above it, for its user alone, and left as it is where it is there", () => {
    const dir = join(folder(), "a", "b", "..", "c");
    makeFolder(dir, 0o700);
    makeFolder(`${dir}/`, 0o700);
    expect(existsSync(join(dir, "..", "b"))).toBe(false);
    for (const made of [dir, join(dir, "..")]) expect(statSync(made).mode & 0o777).toBe(0o700);
    mkdirSync(join(dir, "kept"));
    symlinkSync(dir, join(dir, "link"));
    makeFolder(join(dir, "link"));
    expect(existsSync(join(dir, "kept"))).toBe(true);
  });

  test("is not made where a file is", () => {
    const path = file(folder(), "file", "");
    expect(() => makeFolder(path)).toThrow("EEXIST");
    expect(() => makeFolder(join(path, "a", "b"))).toThrow("ENOTDIR");
  });
});

describe("a file that cannot be had is told in a sentence", () => {
  test("the alarms of the demo", async () => {
    const missing = join(folder(), "none.csv");
    const words = ["demo", "--once", "--port", "0", "--desk-port", "0", "--alarms", missing];
    expect(await run(words)).toEqual({
      code: 1,
      stdout: "",
      stderr: `ticket-client: The recording ${missing} cannot be read (ENOENT).\n`,
    });
  });

  test("a drawing where a folder has its name", async () => {
    const dir = folder();
    const taken = join(dir, "ticket-client.mmd");
    mkdirSync(taken);
    expect(await run(["diagram", "--out", dir])).toEqual({
      code: 1,
      stdout: "",
      stderr: `ticket-client: The file ${taken} cannot be written (EISDIR). Name another folder with --out.\n`,
    });
  });
});

describe.skipIf(isMissing("/proc, as Linux has it", existsSync("/proc/self")))(
  "where the system makes none, and says that there is no such folder: a sentence, and no wait for ever",
  () => {
    test.each([
      [
        "serve --port 0 --data-dir /proc/none",
        /^ticket-client: Could not open the ledger in \/proc\/none: ENOENT/,
      ],
      [
        "serve --port 0 --data-dir /proc/none/deeper",
        /^ticket-client: Could not open the ledger in .*ENOENT/,
      ],
      ["desk --port 0 --data-dir /proc/none", /^ticket-client: The desk cannot start: ENOENT.*--data-dir/],
      [
        "demo --once --port 0 --desk-port 0 --data-dir /proc/none",
        /^ticket-client: The desk cannot start: ENOENT/,
      ],
      ["diagram --out /proc/none", /^ticket-client: The folder \/proc\/none cannot be made \(ENOENT\)/],
    ])("%s", async (words, sentence) => {
      const { code, stdout, stderr } = await run(words.split(" "));
      expect([code, stdout]).toEqual([1, ""]);
      expect(stderr).toMatch(sentence);
      expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    });

    test.each(["topology load", "ledger restore"])("%s", async (words) => {
      const dir = folder();
      const csv = file(dir, "link.csv", "ne_a;ne_b\nroot;hub-12\n");
      const { code, stdout, stderr } = await run([...words.split(" "), csv, "--data-dir", "/proc/none"]);
      expect([code, stdout]).toEqual([1, expect.not.stringContaining("loaded")]);
      expect(stderr).toContain("ENOENT: no such file or directory, mkdir '/proc/none'");
      expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    });
  },
);
