/** Loads against reference models: small networks of every shape, written in every way a CSV may be written. */
import { stringify } from "csv-stringify/sync";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { systemClock } from "../../adapters/clock/system.ts";
import { openSqliteTopology } from "../../adapters/topology/sqlite.ts";
import type { TopologyDatabase } from "../../adapters/topology/topology.ts";
import { folder, writeFiles } from "./files.ts";

const never = new AbortController().signal;
const runs = { numRuns: 60 };

/** As a spreadsheet or a database may write it. */
interface Manner {
  readonly delimiter: ";" | ",";
  readonly record_delimiter: "\n" | "\r\n";
  readonly quoted: boolean;
  readonly bom: boolean;
}
const manner: fc.Arbitrary<Manner> = fc.record({
  delimiter: fc.constantFrom(";", ","),
  record_delimiter: fc.constantFrom("\n", "\r\n"),
  quoted: fc.boolean(),
  bom: fc.boolean(),
});
const csv = (rows: readonly (readonly string[])[], how: Manner) =>
  Buffer.from(
    stringify(
      rows.map((row) => [...row]),
      { ...how, quoted_match: /["\r\n;,]/ },
    ),
  );

const hostile = fc.constantFrom(
  "a;b",
  "a,b",
  'say "x"',
  "'; --",
  "%",
  "__proto__",
  "constructor",
  "Ä€𝄞",
  "0",
  "-1",
  "=1+1",
);
const id = fc
  .oneof(
    hostile,
    fc
      .string({ unit: "grapheme", minLength: 1, maxLength: 8 })
      .map((text) => text.replaceAll(/[\p{Cc}\u2028\u2029]/gu, "").trim()),
  )
  .filter((text) => text !== "" && !text.includes("\ufeff"));
const ids = (most: number) => fc.uniqueArray(id, { minLength: 1, maxLength: most });

async function pathsOf(
  topology: TopologyDatabase,
  elements: readonly string[],
): Promise<Record<string, unknown>> {
  const paths = new Map<string, unknown>();
  for (const elementId of elements) {
    const answer = await topology.path({ elementId, signal: never });
    paths.set(
      elementId,
      answer.kind === "found" ? [...answer.path.hops.map((hop) => hop.elementId), answer.path.end] : answer,
    );
  }
  return Object.fromEntries(paths);
}

test("elements and paths: each path is the given one, else the way by parents", async () => {
  const topology = openSqliteTopology({ file: `${folder()}/t.db`, clock: systemClock });
  const dir = folder();
  const network = ids(14).chain((elements) =>
    fc.record({
      elements: fc.constant(elements),
      // of one earlier in the list, so that there is no loop; −1: none
      parents: fc.tuple(...elements.map((_, n) => fc.integer({ min: -1, max: n - 1 }))),
      given: fc.array(
        fc.record({
          owner: fc.nat(elements.length - 1),
          hops: fc.uniqueArray(fc.nat(elements.length - 1), { minLength: 1, maxLength: 5 }),
          from: fc.constantFrom(0, 1),
        }),
        { maxLength: 5 },
      ),
      order: fc.shuffledSubarray(elements, { minLength: elements.length }),
      how: manner,
    }),
  );
  await fc.assert(
    fc.asyncProperty(network, async ({ elements, parents, given, order, how }) => {
      const parentOf = new Map(elements.map((one, n) => [one, elements[parents[n] ?? -1] ?? ""]));
      const rows = order.map((one) => [one, parentOf.get(one) ?? ""]);
      const hops = given.map(({ owner, hops: along, from }) => ({
        owner: elements[owner] ?? "",
        from,
        hops: along.filter((hop) => hop !== owner).map((hop) => elements[hop] ?? ""),
      }));
      const hopRows = hops.flatMap(({ owner, hops: along, from }, path) =>
        along.map((hop, n) => [`P${path}`, owner, String(n + from), hop]),
      );
      const files = { "e.csv": csv([["ne_id", "parent_ne_id"], ...rows], how) };
      const paths = {
        "h.csv": csv([["path_id", "ne_id", "hop_no", "hop_ne_id"], ...hopRows.toReversed()], how),
      };
      const outcome = await topology.load({
        files: writeFiles(dir, hopRows.length === 0 ? files : { ...files, ...paths }),
        acceptDrop: true,
      });
      expect(outcome).toMatchObject({
        kind: "loaded",
        summary: { elements: elements.length, hops: hopRows.length },
      });

      const expected = elements.map((one): [string, string[]] => {
        const own = hops.find(({ owner, hops: along }) => owner === one && along.length > 0);
        const way: string[] = [];
        for (let at = one; at !== ""; at = parentOf.get(at) ?? "") way.push(at);
        return [one, [...(own === undefined ? way : [one, ...own.hops]), "root"]];
      });
      expect(await pathsOf(topology, elements)).toEqual(Object.fromEntries(expected));
    }),
    runs,
  );
  await topology.close();
});

test("links: the root has the most links, every other is a link nearer to it, and the order of rows is nothing", async () => {
  const topology = openSqliteTopology({ file: `${folder()}/t.db`, clock: systemClock });
  const dir = folder();
  const pair = fc.tuple(fc.nat(9), fc.nat(9)).filter(([a, b]) => a !== b);
  const network = fc.record({
    elements: fc.uniqueArray(id, { minLength: 10, maxLength: 10 }),
    links: fc.uniqueArray(pair, {
      minLength: 1,
      maxLength: 16,
      selector: ([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`,
    }),
    how: manner,
  });
  await fc.assert(
    fc.asyncProperty(network, async ({ elements, links, how }) => {
      const rows = links.map(([a, b]) => [elements[a] ?? "", elements[b] ?? ""]);
      const used = [...new Set(rows.flat())];
      const expected = Object.fromEntries(used.map((one) => [one, [...wayOf(one, rows), "root"]]));
      const header = ["device_a", "device_b"];
      for (const written of [rows, rows.toReversed().map((ends) => ends.toReversed())]) {
        const files = writeFiles(dir, { "l.csv": csv([header, ...written], how) });
        expect(await topology.load({ files, acceptDrop: true })).toMatchObject({ kind: "loaded" });
        expect(await pathsOf(topology, used)).toEqual(expected);
      }
    }),
    runs,
  );
  await topology.close();
});

/** The rule as it reads, without a thought of speed. */
function wayOf(one: string, links: readonly (readonly string[])[]): string[] {
  const neighbours = (of: string) =>
    links.flatMap(([a = "", b = ""]) => (a === of ? [b] : b === of ? [a] : [])).toSorted(byText);
  const within = (from: string) => {
    const part = new Set([from]);
    for (const reached of part) for (const next of neighbours(reached)) part.add(next);
    return [...part];
  };
  const distance = (from: string, to: string) => {
    let steps = 0;
    for (let ring = [from]; !ring.includes(to); steps += 1) ring = [...new Set(ring.flatMap(neighbours))];
    return steps;
  };
  const [root = ""] = within(one).toSorted(
    (a, b) => neighbours(b).length - neighbours(a).length || byText(a, b),
  );
  const way = [one];
  for (let at = one; at !== root; way.push(at))
    at = neighbours(at).find((next) => distance(next, root) < distance(at, root)) ?? root;
  return way;
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

test("whatever bytes a file holds, a load ends with an answer and changes nothing unless it is loaded", async () => {
  const topology = openSqliteTopology({ file: `${folder()}/t.db`, clock: systemClock });
  const dir = folder();
  await topology.load({ files: writeFiles(dir, { "e.csv": ["ne_id;ne_name", "a;b"] }) });
  const piece = fc.constantFrom(
    '"',
    ";",
    ",",
    "\n",
    "\r\n",
    "a",
    "b",
    "\0",
    "\ufeff",
    "ne_id;ne_name\n",
    "ä",
    "1",
    " ",
  );
  const row = fc.constantFrom("a;\n", "b;a\n", "c;b\n", '"d";""\n');
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 60 }).map((some) => Buffer.from(some)),
    fc.array(piece, { maxLength: 30 }).map((some) => Buffer.from(some.join(""))),
    fc
      .array(fc.oneof({ weight: 3, arbitrary: row }, piece), { maxLength: 6 })
      .map((some) => Buffer.from(`ne_id;parent_ne_id\n${some.join("")}`)),
  );
  let loads = 0;
  let refusals = 0;
  await fc.assert(
    fc.asyncProperty(bytes, async (content) => {
      const before = await topology.loaded();
      const outcome = await topology.load({ files: writeFiles(dir, { "x.csv": content }), acceptDrop: true });
      if (outcome.kind === "loaded") {
        loads += 1;
        expect(await topology.loaded()).toEqual(outcome.summary);
      } else {
        refusals += 1;
        expect(outcome).toMatchObject({ kind: "refused" });
        expect(outcome.kind === "refused" && outcome.complaints.length).toBeGreaterThan(0);
        expect(await topology.loaded()).toEqual(before);
      }
    }),
    { numRuns: 300 },
  );
  expect({ loads: loads > 0, refusals: refusals > 0 }).toEqual({ loads: true, refusals: true });
  await topology.close();
});
