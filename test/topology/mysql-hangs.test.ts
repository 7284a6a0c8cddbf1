/** S10: a server that stops answering. */
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { openMysqlTopology } from "../../adapters/topology/mysql.ts";
import { ManualClock } from "../alarms/manual-clock.ts";
import { limits } from "../../machines/limits.ts";
import { isMissing } from "../needs.ts";
import { elementLines, folder, tree, writeFiles } from "./files.ts";
import { type Mariadb, noMariadb, startMariadb } from "./mariadb.ts";

describe.skipIf(isMissing("MariaDB: apt install mariadb-server", noMariadb === null))(
  `S10: a MariaDB that stops answering (${noMariadb ?? "its own server"})`,
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
      await expect.poll(sockets).toBe(0); // those of the test before are gone
      return { clock, topology };
    }

    // Of 1,500 elements 500 are left for a statement that is not prepared yet; of 10 the first begins a transaction.
    test.each([
      ["is prepared", 1_500],
      ["runs", 10],
    ])(
      "a load ends after topologyStatementMs while a statement %s, and the next one is not kept out when the server is back",
      async (_, elements) => {
        const { clock, topology } = await place();
        await topology.loaded(); // from now on a look-up's connection is there
        expect(sockets()).toBe(1);
        const files = writeFiles(folder(), { "e.csv": elementLines(tree(elements)) });
        const load = topology.load({
          files,
          onProgress: ({ phase }) => void (phase === "storing" && server.process.kill("SIGSTOP")),
        });
        const ended = load.catch((error: unknown) => error);
        await isStopped(server.process.pid);
        await expect.poll(() => clock.nextInMs).toBe(limits.topologyStatementMs);
        clock.advance(limits.topologyStatementMs);
        expect(await ended).toMatchObject({
          failure: {
            code: "TOPOLOGY_UNAVAILABLE",
            detail: expect.stringContaining("took longer than 600000 ms") as string,
          },
        });
        await expect.poll(sockets).toBe(1);
        server.process.kill("SIGCONT");
        expect(await topology.load({ files })).toMatchObject({ kind: "loaded" });
        await topology.close();
      },
    );

    test("look-ups that are given up leave no socket open, however long it hangs", async () => {
      const { clock, topology } = await place();
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
      await expect.poll(sockets).toBe(0);
      await topology.close();
    });
  },
);

function sockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length;
}

/** Once every thread of it has stopped. */
async function isStopped(pid: number | undefined): Promise<void> {
  const tasks = `/proc/${pid}/task`;
  const state = (task: string) =>
    /^State:\s+(\S)/m.exec(readFileSync(`${tasks}/${task}/status`, "utf8"))?.[1];
  await expect.poll(() => readdirSync(tasks).every((task) => state(task) === "T")).toBe(true);
}
