/** The driver is loaded at the first look-up, which may fail: too many files are open. */
import { once } from "node:events";
import { createServer } from "node:net";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { openMysqlTopology } from "../../adapters/topology/mysql.ts";
import { ManualClock } from "../alarms/manual-clock.ts";
import { elementLines, folder, writeFiles } from "./files.ts";

const driver = { canBeLoaded: false };
vi.mock("mysql2/promise", (importOriginal) => {
  if (!driver.canBeLoaded) throw new Error("EMFILE: too many open files");
  return importOriginal();
});

const never = new AbortController().signal;
let url: string;
beforeEach(async () => {
  const listener = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
  onTestFinished(() => void listener.close());
  await once(listener, "listening");
  const address = listener.address();
  url = `mysql://u:p@127.0.0.1:${typeof address === "object" ? address?.port : 0}/d`;
  driver.canBeLoaded = false;
});
afterEach(() => vi.resetModules());

function openUnloaded() {
  const topology = openMysqlTopology({ url, clock: new ManualClock() });
  const lookUp = async () => JSON.stringify(await topology.path({ elementId: "a", signal: never }));
  return { topology, lookUp };
}

test("a driver that could not be loaded is loaded by the next look-up", async () => {
  const { topology, lookUp } = openUnloaded();
  expect(await lookUp()).not.toContain("PROTOCOL_CONNECTION_LOST");
  driver.canBeLoaded = true;
  const [second, third] = await Promise.all([lookUp(), lookUp()]);
  for (const answer of [second, third]) expect(answer).toContain("PROTOCOL_CONNECTION_LOST");
  await topology.close();
});

test("closing after a driver that could not be loaded, and while it is being loaded, is no failure", async () => {
  const { topology, lookUp } = openUnloaded();
  const answer = lookUp();
  await topology.close();
  expect(await answer).toContain("TOPOLOGY_UNAVAILABLE");
  await lookUp();
  await topology.close();
});

test("a load without its driver is refused as one without its server is", async () => {
  const { topology } = openUnloaded();
  const files = writeFiles(folder(), { "e.csv": elementLines({ a: "" }) });
  await expect(topology.load({ files })).rejects.toMatchObject({ failure: { code: "TOPOLOGY_UNAVAILABLE" } });
  await topology.close();
});
