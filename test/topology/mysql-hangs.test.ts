/** A server that stops answering, with a limit that a test can wait for. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { openMysqlTopology } from "../../adapters/topology/mysql.ts";
import { ManualClock } from "../alarms/manual-clock.ts";
import { limits } from "../../machines/limits.ts";
import { isMissing } from "../needs.ts";
import { elementLines, folder, tree, writeFiles } from "./files.ts";
import { type Mariadb, noMariadb, startMariadb } from "./mariadb.ts";

vi.mock("../../machines/limits.ts", async (importOriginal) => {
  const own = await importOriginal<typeof import("../../machines/limits.ts")>();
  return { limits: { ...own.limits, topologyStatementMs: 300 } };
});

describe.skipIf(isMissing("MariaDB: apt install mariadb-server", noMariadb === null))(
  `a MariaDB that stops answering (${noMariadb ?? "its own server"})`,
  () => {
    let server: Mariadb;
    beforeAll(async () => {
      server = await startMariadb();
    }, 120_000);
    afterAll(() => server?.stop());

    async function place() {
      const clock = new ManualClock();
      const topology = openMysqlTopology({ url: await server.makeDatabase(), clock });
      onTestFinished(() => void server.process.kill("SIGCONT"));
      return { clock, topology };
    }

    test("a load ends after topologyStatementMs, and the next one is not kept out when the server is back", async () => {
      const { topology } = await place();
      await topology.loaded(); // from now on a look-up's connection is there
      const before = sockets();
      const files = writeFiles(folder(), { "e.csv": elementLines(tree(3_000)) });
      const load = topology.load({
        files,
        onProgress: ({ phase }) => void (phase === "storing" && server.process.kill("SIGSTOP")),
      });
      await expect(load).rejects.toMatchObject({ failure: { code: "TOPOLOGY_UNAVAILABLE" } });
      await expect.poll(sockets).toBe(before);
      server.process.kill("SIGCONT");
      expect(await topology.load({ files })).toMatchObject({ kind: "loaded" });
      await topology.close();
    });

    test("look-ups that are given up leave no socket open, however long it hangs", async () => {
      const { clock, topology } = await place();
      const before = sockets();
      await topology.load({ files: writeFiles(folder(), { "e.csv": elementLines({ a: "" }) }) });
      const look = () => topology.path({ elementId: "a", signal: new AbortController().signal });
      await Promise.all(Array.from({ length: 8 }, look));
      server.process.kill("SIGSTOP");
      const hanging = Promise.all(Array.from({ length: 8 }, look));
      await new Promise(setImmediate);
      clock.advance(limits.topologyTimeoutMs);
      expect((await hanging).map((answer) => answer.kind === "error" && answer.code)).toEqual(
        Array.from({ length: 8 }, () => "TOPOLOGY_TIMEOUT"),
      );
      await expect.poll(sockets).toBe(before);
      await topology.close();
    });
  },
);

function sockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length;
}
