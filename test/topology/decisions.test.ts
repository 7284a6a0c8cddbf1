/** D5 with real parts: a topology in its file, a desk behind a socket, an engine put together as on the command line. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "../../adapters/clock/system.ts";
import { openTopology } from "../../adapters/topology/open.ts";
import type { ApiUnderTest } from "../http/api/rig.ts";
import { startApi } from "../http/api/rig.ts";
import { clear } from "../engine/notifications.ts";
import { elementLines, folder, writeFiles } from "./files.ts";

async function load(api: ApiUnderTest, parents: Readonly<Record<string, string>>): Promise<void> {
  const { dataDir } = api.engine.config;
  // Another process's hands: beside the running engine.
  const topology = openTopology(
    { topology: { kind: "sqlite", file: join(dataDir, "topology.db") }, dataDir },
    systemClock,
  );
  const files = writeFiles(folder(), { "network_element.csv": elementLines(parents) });
  expect((await topology.load({ files })).kind).toBe("loaded");
  await topology.close();
}

const settled = (api: ApiUnderTest, id: string) =>
  api.fact((fact) => fact.type === "alarm.settled" && fact.body.alarm.id === id);

test("D5: a topology loaded while the engine runs holds for the next alarm; the parent's end gives its child a ticket", async () => {
  const api = await startApi();
  await api.raise("before", { key: "modem-0", alarmedObject: "modem-0" });
  await settled(api, "before");
  await load(api, { hub: "", "modem-0": "hub", "modem-1": "hub" });
  await api.raise("hub up", { key: "hub", alarmedObject: "hub" });
  await settled(api, "hub up");
  await api.raise("child", { key: "modem-1", alarmedObject: "modem-1" });
  const { body } = await settled(api, "child");
  expect(body).toMatchObject({ outcome: "adopted", rule: "D5", ticketId: "TCK-000002" });
  const decided = await api.fact((fact) => fact.type === "flow.decided" && fact.body.rule === "D5");
  expect(decided.body).toMatchObject({ key: "modem-1", path: ["modem-1", "hub"] });

  await api.engine.supervisor.raise(clear("hub down", { key: "hub", alarmedObject: "hub" }));
  await api.fact((fact) => fact.type === "request.settled" && fact.body.key === "modem-1");
  const truth = api.desk.truth();
  expect(truth).toMatchObject({ creates: 3, closes: 1, open: 2, duplicateOpen: 0 });
});
