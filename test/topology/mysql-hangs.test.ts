/** A server that stops answering. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { openMysqlTopology } from "../../adapters/topology/mysql.ts";
import { ManualClock } from "../alarms/manual-clock.ts";
import { limits } from "../../machines/limits.ts";
import { isMissing } from "../needs.ts";
import { elementLines, folder, writeFiles } from "./files.ts";
import { type Mariadb, noMariadb, startMariadb } from "./mariadb.ts";

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
