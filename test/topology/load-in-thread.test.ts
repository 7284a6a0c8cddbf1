import { expect, test } from "vitest";
import { systemClock } from "../../adapters/clock/system.ts";
import { loadTopologyInThread } from "../../adapters/topology/load-in-thread.ts";
import { openTopology } from "../../adapters/topology/open.ts";
import type { LoadProgress } from "../../adapters/topology/topology.ts";
import { elementLines, folder, meanwhile, tree, writeFiles } from "./files.ts";
import { names } from "./topology-contract.ts";

test(
  "a load in a thread holds up nothing here: look-ups go on, on the old data, then on the new",
  { timeout: 60_000 },
  async () => {
    const config = { dataDir: folder(), topology: { kind: "sqlite", file: "topology.db" } } as const;
    const topology = openTopology(config, systemClock);
    const look = () => names(topology.path({ elementId: "NE-1", signal: new AbortController().signal }));
    const [old = "", large = "", bad = ""] = writeFiles(folder(), {
      "old.csv": elementLines({ "NE-0": "", "NE-1": "NE-0" }, "old"),
      "new.csv": elementLines(tree(60_000), "new"),
      "bad.csv": ["ne_id;ne_name", "a"],
    });
    expect(await loadTopologyInThread(config, { files: [old] })).toMatchObject({ kind: "loaded" });
    const phases = new Set<LoadProgress["phase"]>();
    let turns = 0;
    const seen = new Set<string>();
    const outcome = await meanwhile(
      loadTopologyInThread(config, { files: [large], onProgress: ({ phase }) => void phases.add(phase) }),
      () => {
        turns += 1;
        void look().then((told) => seen.add(String(told)));
      },
    );
    expect(outcome).toMatchObject({ kind: "loaded", summary: { elements: 60_000 } });
    expect([...phases]).toEqual(["reading", "checking", "storing"]);
    expect(turns).toBeGreaterThan(100); // of the event loop, while 60,000 rows were loaded
    expect(seen.has("old NE-1,old NE-0")).toBe(true);
    expect(await look()).toEqual(["new NE-1", "new NE-0"]);

    expect(await loadTopologyInThread(config, { files: [bad], dryRun: true })).toMatchObject({
      kind: "refused",
      complaints: [{ line: 2, column: "ne_name" }],
    });
    await topology.close();
  },
);

test("what a load rejects with comes out of its thread; one that dies changes nothing", async () => {
  const files = writeFiles(folder(), { "e.csv": elementLines({ a: "" }) });
  const nowhere = { dataDir: files[0] ?? "", topology: { kind: "sqlite", file: "topology.db" } } as const;
  await expect(loadTopologyInThread(nowhere, { files })).rejects.toMatchObject({
    failure: { code: "TOPOLOGY_UNAVAILABLE" },
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what makes the thread throw
  const broken = { dataDir: folder(), topology: null } as unknown as typeof nowhere;
  await expect(loadTopologyInThread(broken, { files })).rejects.toMatchObject({
    failure: {
      code: "TOPOLOGY_UNAVAILABLE",
      detail: expect.stringContaining("thread of the load died") as string,
    },
  });
});
