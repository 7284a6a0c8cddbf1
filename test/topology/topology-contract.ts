/** What every topology database must do, run against each of them. A harness keeps one storage. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Config } from "../../actors/config.ts";
import type { PathAnswer } from "../../actors/ports.ts";
import type { LoadProgress, TopologyDatabase } from "../../adapters/topology/topology.ts";
import { limits } from "../../machines/limits.ts";
import { ManualClock } from "../alarms/manual-clock.ts";
import { addressHeader, elementLines, folder, hopHeader, meanwhile, tree, writeFiles } from "./files.ts";
import type { LoadUntilKilled } from "./load-until-killed.ts";

export interface TopologyHarness {
  open(clock: ManualClock): TopologyDatabase;
  /** What another process opens the same with; null: it lives in this one. */
  readonly config: Pick<Config, "topology" | "dataDir"> | null;
  dispose(): Promise<void>;
}

const loaderScript = fileURLToPath(new URL("load-until-killed.ts", import.meta.url));

export function describeTopology(name: string, makeHarness: () => Promise<TopologyHarness>): void {
  describe(name, () => {
    let harness: TopologyHarness;
    let topology: TopologyDatabase;
    let clock: ManualClock;
    let dir: string;
    beforeEach(async () => {
      harness = await makeHarness();
      clock = new ManualClock();
      topology = harness.open(clock);
      dir = folder();
    });
    afterEach(async () => {
      await topology.close();
      await harness.dispose();
    });

    const never = new AbortController().signal;
    const look = (elementId: string, at = topology) => at.path({ elementId, signal: never });
    const load = (files: Readonly<Record<string, readonly string[] | Buffer>>, how = {}) =>
      topology.load({ files: writeFiles(dir, files), ...how });

    test("before the first load every look-up is absent, with no age", async () => {
      const absent = { kind: "absent", loadedAt: null };
      expect(await look("NE-1")).toEqual(absent);
      expect(await topology.details({ elementId: "NE-1", signal: never })).toEqual(absent);
      expect(await topology.loaded()).toBeNull();
    });

    test("paths are those of network_path.csv where given, else by parents to the root; the data's age is told", async () => {
      clock.advance(1_234);
      const outcome = await load({
        "b.csv": elementLines({ root: "", hub: "root", "cpe-1": "hub", "cpe-2": "hub" }),
        "c.csv": [hopHeader, "P2;cpe-1;0;root;;;", "P1;cpe-1;2;root;core;;", "P1;cpe-1;1;hub;;eth0;S 1"],
        "a.csv": [addressHeader, "A2;cpe-1;U2;High Street;2;1000;Brussels", "A1;cpe-1;;;;;"],
      });
      const loadedAt = clock.now();
      const summary = {
        elements: 4,
        roots: 1,
        addresses: 2,
        hops: 3,
        loadedAt,
        files: [
          { name: "b.csv", form: "network_element", rows: 4, encoding: "utf-8" },
          { name: "a.csv", form: "address", rows: 2, encoding: "utf-8" },
          { name: "c.csv", form: "network_path", rows: 3, encoding: "utf-8" },
        ],
      };
      expect(outcome).toEqual({ kind: "loaded", summary });
      expect(await topology.loaded()).toEqual(summary);
      clock.advance(60_000);
      const plain = { name: null, type: "hub", interface: null, networkService: null };
      const root = { ...plain, elementId: "root", name: "name root" };
      const hub = { ...plain, elementId: "hub", name: "name hub" };
      const path = {
        elementId: "cpe-1",
        hops: [
          { ...plain, hopNo: 0, elementId: "cpe-1", name: "name cpe-1" },
          { ...hub, hopNo: 1, interface: "eth0", networkService: "S 1" },
          { ...root, hopNo: 2, type: "core" },
        ],
        end: "root",
        loadedAt,
      };
      expect(await look("cpe-1")).toEqual({ kind: "found", path });
      expect(await look("cpe-2")).toEqual({
        kind: "found",
        path: {
          elementId: "cpe-2",
          hops: [
            { ...plain, hopNo: 0, elementId: "cpe-2", name: "name cpe-2" },
            { ...hub, hopNo: 1 },
            { ...root, hopNo: 2 },
          ],
          end: "root",
          loadedAt,
        },
      });
      expect(await topology.details({ elementId: "cpe-1", signal: never })).toEqual({
        kind: "found",
        details: {
          element: {
            elementId: "cpe-1",
            name: "name cpe-1",
            type: "hub",
            parentId: "hub",
            region: "North",
            headend: "H1",
            chassis: "C1",
            slot: "1",
            port: "2",
            node: "N1",
            ipAddress: "10.0.0.1",
            mac: "00:11:22:33:44:55",
            vendor: "V",
            model: "M",
            status: "up",
          },
          addresses: [
            { addressId: "A1", uau: null, street: null, houseNo: null, postcode: null, city: null },
            {
              addressId: "A2",
              uau: "U2",
              street: "High Street",
              houseNo: "2",
              postcode: "1000",
              city: "Brussels",
            },
          ],
          path,
        },
      });
    });

    test("S10: an id is compared character by character, and is never a piece of a statement", async () => {
      const id = `'; DROP TABLE network_element; -- "%\\`;
      await load({
        "e.csv": ["ne_id,ne_name", `"${id.replaceAll('"', '""')}",odd`, "NE-1,plain", "ne-1,small"],
      });
      expect(await names(look(id))).toEqual(["odd"]);
      expect(await names(look("NE-1"))).toEqual(["plain"]);
      expect(await names(look("ne-1"))).toEqual(["small"]);
      for (const other of ["Ne-1", "NE-1 ", " NE-1", "NE-1\u0000", "%", "", "né-1", "𝄞".repeat(300)]) {
        expect(await look(other)).toEqual({ kind: "absent", loadedAt: clock.now() });
      }
    });

    test("text comes back as it was, in UTF-8 with and without BOM and in windows-1252", async () => {
      const text = "Ünïon € “quoted” straße Œ";
      const windows = Buffer.concat([
        Buffer.from("ne_id;ne_name;vendor\r\nNE-1;", "latin1"),
        Buffer.from([0xdc, 0x6e, 0xef, 0x6f, 0x6e, 0x20, 0x80, 0x20, 0x93]),
        Buffer.from("quoted", "latin1"),
        Buffer.from([0x94]),
        Buffer.from(" stra\u00dfe ", "latin1"),
        Buffer.from([0x8c]),
        Buffer.from(";x\r\n", "latin1"),
      ]);
      expect(await load({ "e.csv": windows })).toMatchObject({
        summary: { files: [{ encoding: "windows-1252" }] },
      });
      expect(await names(look("NE-1"))).toEqual([text]);
      await load({ "e.csv": ["\ufeffne_id;ne_name", `NE-1;"${text} 𝄞 ""two\nlines"""`] });
      expect(await names(look("NE-1"))).toEqual([`${text} 𝄞 "two\nlines"`]);
    });

    test("the empty rows that a spreadsheet leaves at the end are passed over", async () => {
      const lines = [...elementLines({ a: "" }), ";;;;;;;;;;;;;;", '"";" ";;;;;;;;;;;;;', ";;;"];
      expect(await load({ "e.csv": lines })).toMatchObject({ kind: "loaded", summary: { elements: 1 } });
      expect(await names(look("a"))).toEqual(["name a"]);
    });

    test("a load replaces everything, and is seen by who had the database open before", async () => {
      const other = harness.config === null ? topology : harness.open(clock);
      await load({ "e.csv": elementLines({ a: "", b: "a" }, "old"), "a.csv": [addressHeader, "A1;b;;;;;"] });
      expect(await names(look("b", other))).toEqual(["old b", "old a"]);
      clock.advance(5_000);
      await load({ "e.csv": elementLines({ b: "", c: "b" }, "new") });
      expect(await names(look("b", other))).toEqual(["new b"]);
      expect(await names(look("c", other))).toEqual(["new c", "new b"]);
      expect(await look("a", other)).toEqual({ kind: "absent", loadedAt: clock.now() });
      expect(await other.loaded()).toMatchObject({ elements: 2, addresses: 0, loadedAt: clock.now() });
      await other.close();
    });

    test.each([
      ["a double", { "e.csv": elementLines({ a: "", b: "a" }).concat("a;again;;;;;;;;;;;;;") }],
      ["a dangling parent", { "e.csv": elementLines({ a: "gone" }) }],
      ["a loop", { "e.csv": elementLines({ a: "b", b: "a" }) }],
      ["a row of another width", { "e.csv": [...elementLines({ a: "" }), "b;b"] }],
      ["no row", { "e.csv": elementLines({}) }],
      ["a hop to nowhere", { "e.csv": elementLines({ a: "" }), "h.csv": [hopHeader, "P;a;1;gone;;;"] }],
    ])("a load with %s is refused, and what was there stays", async (_, files) => {
      await load({ "e.csv": elementLines({ a: "", z: "a" }, "old") });
      const before = await topology.loaded();
      clock.advance(1_000);
      expect(await load(files)).toMatchObject({ kind: "refused", count: 1 });
      expect(await names(look("z"))).toEqual(["old z", "old a"]);
      expect(await topology.loaded()).toEqual(before);
      // and nothing of it stands in the way of the next
      expect(await load({ "e.csv": elementLines({ y: "" }) })).toMatchObject({ kind: "loaded" });
    });

    test("a dry run finds what a load finds and writes nothing", async () => {
      expect(await load({ "e.csv": elementLines({ a: "" }) }, { dryRun: true })).toMatchObject({
        kind: "checked",
        summary: { elements: 1 },
      });
      expect(await topology.loaded()).toBeNull();
      await load({ "e.csv": elementLines(tree(2_000)) });
      const refused = await load({ "e.csv": elementLines(tree(1_000)) }, { dryRun: true });
      expect(refused).toMatchObject({ kind: "refused", count: 1 });
      expect(await topology.loaded()).toMatchObject({ elements: 2_000 });
    });

    test("a load that would lose more rows than the limit is refused, unless somebody says it is right", async () => {
      const many = 1_000;
      await load({ "e.csv": elementLines(tree(many)) });
      const kept = many * (1 - limits.topologyDropShareMax);
      const cut = await load({ "e.csv": elementLines(tree(kept - 1)) });
      expect(cut).toMatchObject({ kind: "refused", count: 1 });
      expect(cut.kind === "refused" && cut.complaints[0]?.detail).toMatch(
        /^799 elements, where 1000 are in place: 20 % fewer; expected at most 20 % fewer\. .*--accept-drop$/,
      );
      expect(await load({ "e.csv": elementLines(tree(kept - 1)) }, { acceptDrop: true })).toMatchObject({
        kind: "loaded",
      });
      expect(await load({ "e.csv": elementLines(tree(many)) })).toMatchObject({ kind: "loaded" });
      expect(await load({ "e.csv": elementLines(tree(kept)) })).toMatchObject({ kind: "loaded" });
    });

    test("a path of pathHopsMax hops is whole; a longer one is cut there and says so", async () => {
      const chain = (length: number) =>
        Object.fromEntries(Array.from({ length }, (_, n) => [`n${n}`, n === 0 ? "" : `n${n - 1}`]));
      await load({ "e.csv": elementLines(chain(limits.pathHopsMax + 1)) });
      const whole = await look(`n${limits.pathHopsMax - 1}`);
      const long = await look(`n${limits.pathHopsMax}`);
      expect(whole).toMatchObject({ path: { end: "root", hops: { length: limits.pathHopsMax } } });
      expect(long).toMatchObject({ path: { end: "limit", hops: { length: limits.pathHopsMax } } });
    });

    test("who gives up gets an answer at once; after the close there is none", async () => {
      await load({ "e.csv": elementLines({ a: "" }) });
      const given = await topology.path({ elementId: "a", signal: AbortSignal.abort() });
      expect(given).toMatchObject({ kind: "error", code: "CANCELLED" });
      expect(await names(look("a"))).toEqual(["name a"]);
      expect(clock.nextInMs).toBeNull(); // no timer is left of any of them
      await topology.close();
      expect(await look("a")).toMatchObject({ kind: "error", code: "TOPOLOGY_UNAVAILABLE" });
      topology = harness.open(clock);
    });

    test("look-ups during a load are answered from the old data, whole, until the new is whole", async () => {
      const parents = tree(20_000);
      await load({ "e.csv": elementLines(parents, "old") });
      const answers: Promise<PathAnswer>[] = [];
      const loading = load(
        { "e.csv": elementLines(parents, "new") },
        { onProgress: () => void answers.push(look("NE-19999"), look("NE-7777")) },
      );
      let underWay = 0;
      const outcome = await meanwhile(loading, () => {
        if (underWay >= 4) return;
        underWay += 1;
        const answer = look("NE-12345").finally(() => (underWay -= 1));
        answers.push(answer);
      });
      expect(outcome).toMatchObject({ kind: "loaded" });
      const tags = new Set<string>();
      for (const answer of await Promise.all(answers)) {
        if (answer.kind !== "found") throw new Error(JSON.stringify(answer));
        const ofOne = new Set(answer.path.hops.map((hop) => hop.name?.split(" ")[0] ?? ""));
        expect([ofOne.size, answer.path.end]).toEqual([1, "root"]);
        for (const tag of ofOne) tags.add(tag);
      }
      expect(tags.has("old")).toBe(true);
      expect(await names(look("NE-1"))).toEqual(["new NE-1", "new NE-0"]);
    });

    const kills: readonly (readonly [LoadProgress["phase"], number])[] = [
      ["reading", 1],
      ["reading", 8],
      ["checking", 1],
      ["storing", 1],
    ];
    test.each(kills)(
      "A load that is killed while %s (report %i) never was, and the next one goes through",
      { timeout: 60_000 },
      async (phase, report) => {
        if (harness.config === null) return expect(name).toBe("in memory"); // it dies with the process
        const files = writeFiles(dir, {
          "e.csv": elementLines(tree(30_000), "new"),
          "a.csv": [addressHeader, ...Object.keys(tree(30_000)).map((id) => `A-${id};${id};;;;;`)],
        });
        await load({ "old.csv": elementLines({ a: "", b: "a" }, "old") });
        const before = await topology.loaded();
        const child = startLoader({ config: harness.config, files, phase, report });
        const [, signal] = (await once(child, "exit")) as unknown[];
        expect(signal).toBe("SIGKILL");
        expect(await names(look("b"))).toEqual(["old b", "old a"]);
        expect(await topology.loaded()).toEqual(before);
        const reopened = harness.open(clock);
        expect(await names(look("b", reopened))).toEqual(["old b", "old a"]);
        await reopened.close();
        expect(await topology.load({ files })).toMatchObject({
          kind: "loaded",
          summary: { addresses: 30_000 },
        });
        expect(await names(look("NE-1"))).toEqual(["new NE-1", "new NE-0"]);
      },
    );
  });
}

function startLoader(order: LoadUntilKilled): ChildProcess {
  return spawn(process.execPath, [loaderScript, JSON.stringify(order)], {
    stdio: ["ignore", "ignore", "inherit"],
  });
}

/** Names along a path; the answer itself where there is none. */
export async function names(answer: Promise<PathAnswer>): Promise<unknown> {
  const told = await answer;
  return told.kind === "found" ? told.path.hops.map((hop) => hop.name) : told;
}
