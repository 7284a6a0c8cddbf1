import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { createConnection } from "mysql2/promise";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { openTopology } from "../../adapters/topology/open.ts";
import { ManualClock } from "../alarms/manual-clock.ts";
import { elementLines, folder, tree, writeFiles } from "./files.ts";
import { type Mariadb, noMariadb, password, startMariadb } from "./mariadb.ts";
import { describeTopology, names } from "./topology-contract.ts";
import { isMissing } from "../needs.ts";

describe.skipIf(isMissing("MariaDB: apt install mariadb-server", noMariadb === null))(
  `topology in MariaDB (${noMariadb ?? "its own server"})`,
  () => {
    let server: Mariadb;
    beforeAll(async () => {
      server = await startMariadb();
    }, 120_000);
    afterAll(() => server?.stop());

    const never = new AbortController().signal;
    const open = (url: string, clock: ManualClock) =>
      openTopology({ dataDir: "unused", topology: { kind: "mysql", url } }, clock);

    describeTopology("in MariaDB", async () => {
      const url = await server.makeDatabase();
      const config = { dataDir: "unused", topology: { kind: "mysql", url } } as const;
      return { config, open: (clock) => openTopology(config, clock), dispose: () => Promise.resolve() };
    });

    test("S4: a wrong password is an error that names the server and not the password", async () => {
      const url = await server.makeDatabase();
      const wrong = url.replace("topology:", "topology:X");
      const topology = open(wrong, new ManualClock());
      const answer = await topology.path({ elementId: "a", signal: never });
      expect(answer).toMatchObject({ kind: "error", code: "TOPOLOGY_UNAVAILABLE" });
      const failed = await topology
        .load({ files: writeFiles(folder(), { "e.csv": elementLines({ a: "" }) }) })
        .then(
          () => "loaded",
          (error: unknown) => String(error),
        );
      for (const text of [JSON.stringify(answer), failed]) {
        expect(text).toContain(`mysql://topology@127.0.0.1:${server.port}/topology_`);
        expect(text).toContain("Access denied");
        expect(text).not.toContain(password);
        expect(text).not.toContain(encodeURIComponent(password));
      }
      await topology.close();
    });

    test("a server that hangs is given up after topologyTimeoutMs, and asked again when it is back", async () => {
      const clock = new ManualClock();
      const topology = open(await server.makeDatabase(), clock);
      onTestFinished(() => topology.close());
      await topology.load({ files: writeFiles(folder(), { "e.csv": elementLines({ a: "" }) }) });
      expect(await names(topology.path({ elementId: "a", signal: never }))).toEqual(["name a"]);
      server.process.kill("SIGSTOP");
      onTestFinished(() => void server.process.kill("SIGCONT"));
      const hanging = topology.path({ elementId: "a", signal: never });
      const stop = new AbortController();
      const givenUp = topology.details({ elementId: "a", signal: stop.signal });
      stop.abort();
      expect(await givenUp).toMatchObject({ kind: "error", code: "CANCELLED" });
      clock.advance(2_000);
      expect(await hanging).toMatchObject({ kind: "error", code: "TOPOLOGY_TIMEOUT" });
      server.process.kill("SIGCONT");
      expect(await names(topology.path({ elementId: "a", signal: never }))).toEqual(["name a"]);
    });

    test("a server that is not there is an error of its own", async () => {
      const listener = createServer().listen(0, "127.0.0.1");
      await once(listener, "listening");
      const address = listener.address();
      const port = typeof address === "object" ? address?.port : 0;
      listener.close();
      await once(listener, "close");
      const topology = open(`mysql://u:p@127.0.0.1:${port}/d`, new ManualClock());
      const answer = await topology.path({ elementId: "a", signal: never });
      expect(answer).toMatchObject({ kind: "error", code: "TOPOLOGY_UNAVAILABLE" });
      expect(JSON.stringify(answer)).toContain("ECONNREFUSED");
      await topology.close();
    });

    test("the connection may be cut at any time: the next look-up makes a new one", async () => {
      const topology = open(await server.makeDatabase(), new ManualClock());
      onTestFinished(() => topology.close());
      await topology.load({ files: writeFiles(folder(), { "e.csv": elementLines({ a: "" }) }) });
      await topology.path({ elementId: "a", signal: never });
      const list = await server.run("SELECT id FROM information_schema.processlist WHERE user = 'topology'");
      await server.run(...list.map(({ id }) => `KILL ${Number(id)}`));
      const after = await topology.path({ elementId: "a", signal: never });
      if (after.kind === "error") expect(after.code).toBe("TOPOLOGY_UNAVAILABLE");
      expect(await names(topology.path({ elementId: "a", signal: never }))).toEqual(["name a"]);
    });

    test("S10: look-ups cannot write, and the server stops the ones we no longer wait for", async () => {
      const url = await server.makeDatabase();
      const topology = open(url, new ManualClock());
      onTestFinished(() => topology.close());
      await topology.load({ files: writeFiles(folder(), { "e.csv": elementLines({ a: "" }) }) });
      await topology.path({ elementId: "a", signal: never });
      await server.run(
        "SET GLOBAL general_log = 'ON', GLOBAL log_output = 'TABLE'",
        "TRUNCATE mysql.general_log",
      );
      const fresh = open(url, new ManualClock());
      await fresh.path({ elementId: "a", signal: never });
      await fresh.close();
      const log = await server.run(
        "SET GLOBAL general_log = 'OFF'",
        "SELECT argument FROM mysql.general_log",
      );
      const said = log.map(({ argument }) => String(argument));
      expect(said).toContain("SET SESSION TRANSACTION READ ONLY");
      expect(said).toContain("SET SESSION max_statement_time = 2");
    });

    test("a second load is refused while one is under way, and one cut off before leaves nothing in its way", async () => {
      const url = await server.makeDatabase();
      const name = url.slice(url.lastIndexOf("/") + 1);
      const topology = open(url, new ManualClock());
      onTestFinished(() => topology.close());
      const files = writeFiles(folder(), { "e.csv": elementLines(tree(10)) });
      await server.run(
        `USE ${name}`,
        "CREATE TABLE new_address (x INT)",
        "CREATE TABLE old_network_element (x INT)",
      );
      const holder = await holdLock(url, name);
      await expect(topology.load({ files })).rejects.toMatchObject({ failure: { code: "TOPOLOGY_BUSY" } });
      await holder();
      expect(await topology.load({ files })).toMatchObject({ kind: "loaded" });
      const left = await server.run(`SHOW TABLES FROM ${name}`);
      expect(left.map((row) => String(Object.values(row)[0]))).toEqual([
        "address",
        "network_element",
        "network_path",
        "topology_load",
      ]);
    });

    test("a load does not wait for ever for somebody's transaction, and look-ups go on", async () => {
      const url = await server.makeDatabase();
      const topology = open(url, new ManualClock());
      onTestFinished(() => topology.close());
      const [old = "", fresh = ""] = writeFiles(folder(), {
        "old.csv": elementLines({ a: "" }, "old"),
        "new.csv": elementLines({ a: "" }, "new"),
      });
      await topology.load({ files: [old] });
      const person = await createConnection(url);
      await person.query("START TRANSACTION");
      await person.query("SELECT * FROM network_element");
      await expect(topology.load({ files: [fresh] })).rejects.toMatchObject({
        failure: {
          code: "TOPOLOGY_BUSY",
          detail: expect.stringContaining("open in a transaction") as string,
        },
      });
      expect(await names(topology.path({ elementId: "a", signal: never }))).toEqual(["old a"]);
      await person.end();
      expect(await topology.load({ files: [fresh] })).toMatchObject({ kind: "loaded" });
      expect(await names(topology.path({ elementId: "a", signal: never }))).toEqual(["new a"]);
    });

    test("rows beyond one insert and one transaction of the server all arrive", async () => {
      const topology = open(await server.makeDatabase(), new ManualClock());
      onTestFinished(() => topology.close());
      const files = writeFiles(folder(), { "e.csv": elementLines(tree(41_234)) });
      expect(await topology.load({ files })).toMatchObject({ kind: "loaded", summary: { elements: 41_234 } });
      for (const n of [0, 999, 1_000, 19_999, 20_000, 40_000, 41_233])
        expect(await topology.path({ elementId: `NE-${n}`, signal: never })).toMatchObject({ kind: "found" });
    });

    test("a server that accepts and never speaks is given up", async () => {
      const clock = new ManualClock();
      const listener = createServer().listen(0, "127.0.0.1");
      onTestFinished(() => void listener.close());
      await once(listener, "listening");
      const address = listener.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      const accepted = once(listener, "connection");
      const topology = open(`mysql://u:p@127.0.0.1:${port}/d`, clock);
      const answer = topology.path({ elementId: "a", signal: never });
      const [socket] = (await accepted) as [Socket];
      clock.advance(2_000);
      expect(await answer).toMatchObject({ kind: "error", code: "TOPOLOGY_TIMEOUT" });
      socket.destroy();
      await topology.close();
    });

    async function holdLock(url: string, database: string): Promise<() => Promise<void>> {
      const connection = await createConnection(url);
      await connection.query("SELECT GET_LOCK(?, 0)", [`topology ${database}`]);
      return () => connection.end();
    }
  },
);
