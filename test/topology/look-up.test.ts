/** What hangs on moments and borders that a whole load does not meet by itself. */
import { expect, test } from "vitest";
import { createUtf8Check } from "../../adapters/topology/encoding.ts";
import { lookUpDetails, type SqlRow } from "../../adapters/topology/look-up.ts";
import { createMemoryTopology } from "../../adapters/topology/memory.ts";
import { ManualClock } from "../alarms/manual-clock.ts";
import { folder, writeFiles } from "./files.ts";
import { names } from "./topology-contract.ts";

const never = new AbortController().signal;

test("details are of one load: when one comes between two statements, all are asked again", async () => {
  let load = 1;
  let asked = 0;
  const ask = async (statement: string): Promise<readonly SqlRow[]> => {
    asked += 1;
    if (asked === 2) load = 2; // after the path, before the element
    if (statement.includes("WITH RECURSIVE")) {
      return [
        { part: "load", hop_no: 0, ne_id: String(load), held_id: null },
        { part: "parents", hop_no: 0, ne_id: "a", held_id: "a", name: `name of ${load}` },
      ];
    }
    if (statement.includes("topology_load")) return [{ loaded_at: load, files: "[]" }];
    return statement.includes("FROM address") ? [] : [{ ne_id: "a", ne_name: `name of ${load}` }];
  };
  const answer = await lookUpDetails(ask, "a", never);
  expect(answer).toMatchObject({
    kind: "found",
    details: { element: { name: "name of 2" }, path: { loadedAt: 2, hops: [{ name: "name of 2" }] } },
  });
  expect(asked).toBe(8);
});

test("UTF-8 is known as such wherever it is cut, and a character cut off at the end is noticed", () => {
  const text = Buffer.from("aä€𝄞z");
  for (let first = 0; first <= text.length; first += 1) {
    for (let second = first; second <= text.length; second += 1) {
      const check = createUtf8Check();
      for (const part of [text.subarray(0, first), text.subarray(first, second), text.subarray(second)])
        check.add(part);
      expect(check.end(), `cut at ${first} and ${second}`).toBe(true);
    }
  }
  for (const [bytes, valid] of [
    [[0x61, 0xc3], false],
    [[0xe2, 0x82], false],
    [[0xf0, 0x9d, 0x84], false],
    [[0xe4, 0x3b, 0x61], false],
    [[0x80], false],
    [[0xff], false],
    [[0xed, 0xa0, 0x80], false], // half of a pair
    [[0x61], true],
    [[], true],
  ] as const) {
    const check = createUtf8Check();
    check.add(Uint8Array.from(bytes));
    expect(check.end(), String(bytes)).toBe(valid);
  }
});

test("rows and characters that lie across the parts in which a file is read come out whole", async () => {
  const clock = new ManualClock();
  const part = 262_144;
  const header = "ne_id;ne_name\r\n";
  for (let shift = 0; shift < 12; shift += 1) {
    const filler = `${"x".repeat(20)};"${"y".repeat(200)}"\r\n`;
    const count = Math.floor((part - header.length - 30) / filler.length);
    const rows = Array.from({ length: count }, (_, n) =>
      filler.replace("x".repeat(20), String(n).padStart(20, "0")),
    );
    const before = header + rows.join("");
    const pad = part - before.length - shift - "p;\r\n".length;
    const content = Buffer.from(
      `${before}p${"q".repeat(Math.max(0, pad % 200))};\r\n${"\r\n".repeat(Math.floor(Math.max(0, pad - (pad % 200)) / 2))}ä€;"𝄞 ""Ä"""\r\nlast;row`,
    );
    const topology = createMemoryTopology({ clock });
    const outcome = await topology.load({ files: writeFiles(folder(), { "e.csv": content }) });
    expect(outcome).toMatchObject({
      kind: "loaded",
      summary: { elements: count + 3, files: [{ encoding: "utf-8", rows: count + 3 }] },
    });
    expect(await names(topology.path({ elementId: "ä€", signal: never }))).toEqual(['𝄞 "Ä"']);
    expect(await names(topology.path({ elementId: "last", signal: never }))).toEqual(["row"]);
  }
});
