/** The topology and the formats that ship with the product, through a whole engine, SOAP and a desk. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../adapters/clock/system.ts";
import { openTopology } from "../../adapters/topology/open.ts";
import { startApi, type ApiUnderTest } from "../http/api/rig.ts";

const edges = fileURLToPath(
  new URL("../../adapters/alarms/huawei-neurips2023/topology_edges.csv", import.meta.url),
);

/** Element → its ancestors, nearest first; as the topology database has it. */
async function load(api: ApiUnderTest): Promise<Map<string, string[]>> {
  const topology = openTopology(api.engine.config, systemClock);
  onTestFinished(() => topology.close());
  expect(await topology.load({ files: [edges], dryRun: false, acceptDrop: false })).toMatchObject({
    kind: "loaded",
  });
  const elements = new Set(readFileSync(edges, "utf8").trim().split("\n").slice(1).flatMap(ends));
  const ancestors = new Map<string, string[]>();
  for (const elementId of elements) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const answer = await topology.path({ elementId, signal: new AbortController().signal });
    if (answer.kind !== "found") throw new Error(`${elementId}: ${answer.kind}`);
    ancestors.set(
      elementId,
      answer.path.hops.slice(1).map((hop) => hop.elementId),
    );
  }
  return ancestors;
}

function ends(line: string): string[] {
  return line.trim().split(",");
}

/** The element below a root with most beneath it. */
function busiest(ancestors: Map<string, string[]>): { readonly parent: string; readonly beneath: string[] } {
  const beneath = (one: string) => [...ancestors].filter(([, over]) => over.includes(one)).map(([id]) => id);
  const found = [...ancestors.keys()]
    .filter((one) => ancestors.get(one)?.length !== 0)
    .map((parent) => ({ parent, beneath: beneath(parent) }))
    .sort((a, b) => b.beneath.length - a.beneath.length)[0];
  if (found === undefined || found.beneath.length < 2) throw new Error("The shipped topology has no depth.");
  return found;
}

test("D5: with the shipped topology, a storm below one element gives one MO there and `adopted` beneath, naming it", async () => {
  const api = await startApi({ config: { clients: 4, coalesce: false } });
  const { parent, beneath } = busiest(await load(api));
  await api.raise("parent", { key: parent, alarmedObject: parent });
  await api.fact(({ type, body }) => type === "alarm.settled" && body.key === parent);
  const storm = beneath.flatMap((element) =>
    ["link", "power", "fan"].map((alarm) => ({ id: `${element}/${alarm}`, element, alarm })),
  );
  await Promise.all(
    storm.map(({ id, element, alarm }) =>
      api.raise(id, { key: element, alarmedObject: element, alarm: `${element}/${alarm}` }),
    ),
  );
  await api.fact(() => api.engine.supervisor.counters().settled === storm.length + 1);
  expect(api.engine.supervisor.counters().outcomes).toEqual({ created: 1, adopted: storm.length });
  expect(api.desk.truth()).toMatchObject({ tickets: 1, open: 1, duplicateOpen: 0 });
  const told = await api.engine.supervisor.explain({ source: "urn:test", id: storm[0]?.id ?? "" });
  expect(told?.because).toContain(`on ${parent}, one hop upstream of ${beneath[0]}`);
});
