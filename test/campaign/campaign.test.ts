/** The frame of the campaign: what it runs is tested in the rooms it comes from. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { campaignTable, rowsIn, withTable } from "./page.ts";
import { parts, type Part } from "./parts.ts";
import { RecordFolder, recordOf, verdictOf } from "./record.ts";
import { resultIn, runPart } from "./run-part.ts";

const held = { part: "sums", ok: true, figures: { sum: 3 } };
const sums: Part = {
  name: "sums",
  script: "sums",
  words: () => [],
  runs: 2,
  tell: (all) => `${all.length} sums`,
};

describe("a run of a part", () => {
  function node(script: string, signal = new AbortController().signal) {
    const lines: string[] = [];
    const result = runPart({
      command: [process.execPath, "-e", script],
      signal,
      onLine: (line) => void lines.push(line),
    });
    return { lines, result };
  }

  test("its last line is its result, whatever its exit code; the others are told", async () => {
    const { lines, result } = node(
      `console.log("one"); console.log('${JSON.stringify({ ...held, ok: false })}'); process.exitCode = 1`,
    );
    expect(await result).toEqual({ ...held, ok: false });
    expect(lines).toEqual(["one"]);
  });

  test("one that ends without a result is an error that names it", async () => {
    await expect(node("console.log('half'); process.exit(3)").result).rejects.toThrow(
      /ended with 3 and without a result: half/,
    );
  });

  test("one that is ended from outside has no result, and is none that failed", async () => {
    const stop = new AbortController();
    const { result } = node("setInterval(() => {}, 1000)", stop.signal);
    stop.abort();
    expect(await result).toBeNull();
  });

  test.each(["", "{", "[]", '{"part":"x","ok":true}', '{"part":1,"ok":true,"figures":{}}'])(
    "%j is no result",
    (line) => expect(resultIn(line)).toBeNull(),
  );
});

describe("the record", () => {
  let parent: string;
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), "campaign-"));
  });
  afterEach(() => rmSync(parent, { recursive: true }));

  test("goes on where it was; another product begins anew", () => {
    const file = new RecordFolder(parent, "a");
    file.write("sums", { results: [held], seconds: 2, endedAt: "2026-11-26T00:00:00.000Z" });
    const again = new RecordFolder(parent, "a").read();
    expect(recordOf(again, sums).results).toEqual([held]);
    expect(verdictOf(sums, recordOf(again, sums))).toBe("unfinished");
    expect(recordOf(new RecordFolder(parent, "b").read(), sums).results).toEqual([]);
  });

  test("one run that broke is a part that broke, finished or not", () => {
    const broken = { ...held, ok: false };
    expect(verdictOf(sums, { results: [broken], seconds: 0, endedAt: null })).toBe("broken");
    expect(verdictOf(sums, { results: [held, held], seconds: 0, endedAt: null })).toBe("held");
  });
});

describe("the page", () => {
  const record = { sums: { results: [held], seconds: 2, endedAt: "2026-11-26T01:02:03.000Z" } };

  test("says what was run, what is unfinished and what was not run at all", () => {
    const table = campaignTable([sums, { ...sums, name: "products" }], "abc", record);
    expect(table).toContain(
      "| sums | `npm run sums` | 1 of 2 runs; 1 sums | unfinished | abc | 2026-11-26 |",
    );
    expect(table).toContain("| products | `npm run sums` | 0 of 2 runs; not run | unfinished | abc | – |");
    const ofSeveral = campaignTable([{ ...sums, product: "by commit" }], "abc", record);
    expect(ofSeveral).toContain("| unfinished | by commit | 2026-11-26 |");
  });

  test("keeps what stands around its marks, and comes out the same when written again", () => {
    const page = "# Head\n\n<!-- campaign -->\n\nearlier figures\n\n<!-- /campaign -->\n\nfoot\n";
    const once = withTable(page, campaignTable([sums], "abc", record, rowsIn(page)));
    expect(once).toMatch(/^# Head\n\n<!-- campaign -->\n\n\| part/);
    expect(once).toMatch(/<!-- \/campaign -->\n\nfoot\n$/);
    expect(once).not.toContain("earlier");
    expect(withTable(once, campaignTable([sums], "abc", record, rowsIn(once)))).toBe(once);
    expect(() => withTable("no marks", "")).toThrow(/no <!-- campaign -->/);
  });

  test("of a part that this product has not run the row of an earlier one stays, and names it", () => {
    const page = "<!-- campaign -->\n<!-- /campaign -->\n";
    const old = withTable(page, campaignTable([sums], "abc", record));
    const now = withTable(old, campaignTable([sums], "def", {}, rowsIn(old)));
    expect(now).toBe(old);
    expect(now).toContain("| abc | 2026-11-26 |");
    const again = withTable(old, campaignTable([sums], "def", record, rowsIn(old)));
    expect(again).toContain("| def | 2026-11-26 |");
    expect(again).not.toContain("abc");
  });
});

test("every part is a script of package.json, and is told from its figures without a hole", () => {
  const file = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const scripts = Object.keys((JSON.parse(file) as { readonly scripts: object }).scripts);
  expect(parts.map(({ script }) => script).filter((script) => !scripts.includes(script))).toEqual([]);
  expect(new Set(parts.map(({ name }) => name)).size).toBe(parts.length);
});
