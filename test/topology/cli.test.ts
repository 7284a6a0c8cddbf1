/** `topology load` and `topology path` as a person types them: processes of their own. */
import { once } from "node:events";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { expect, test, vi } from "vitest";
import { resolveConfig } from "../../actors/config.ts";
import { withEnvironment } from "../../actors/environment.ts";
import { systemClock } from "../../adapters/clock/system.ts";
import { openTopology } from "../../adapters/topology/open.ts";
import { file, folder, run, start } from "../cli/command-line.ts";
import { addressHeader, elementLines, hopHeader, tree, writeFiles } from "./files.ts";
import { names } from "./topology-contract.ts";

vi.setConfig({ testTimeout: 120_000 });

const shipped = fileURLToPath(
  new URL("../../adapters/alarms/huawei-neurips2023/topology_edges.csv", import.meta.url),
);

test("the shipped topology loads, and an engine that has it open sees the load", async () => {
  const dataDir = join(folder(), "data");
  const engine = openTopology({ dataDir, topology: { kind: "sqlite", file: "topology.db" } }, systemClock);
  const look = () => engine.path({ elementId: "7", signal: new AbortController().signal });
  expect(await look()).toEqual({ kind: "absent", loadedAt: null });
  const { code, stdout, stderr } = await run(["topology", "load", "--json", "--data-dir", dataDir, shipped]);
  expect({ code, stderr, lines: stdout.trim().split("\n").length }).toEqual({
    code: 0,
    stderr: "",
    lines: 1,
  });
  const told = JSON.parse(stdout) as Record<string, unknown>;
  expect(told).toMatchObject({
    kind: "loaded",
    elements: 45,
    roots: 1,
    addresses: 0,
    hops: 0,
    files: [{ name: "topology_edges.csv", form: "link", rows: 166, encoding: "utf-8" }],
  });
  expect(await look()).toMatchObject({ kind: "found", path: { end: "root", loadedAt: told["loadedAt"] } });
  await engine.close();

  const path = JSON.parse(
    (await run(["topology", "path", "7", "--json", "--data-dir", dataDir])).stdout,
  ) as object;
  expect(path).toMatchObject({
    element: { elementId: "7" },
    addresses: [],
    path: { hops: [{ elementId: "7" }, {}] },
  });
  const gone = await run(["topology", "path", "NE-9", "--data-dir", dataDir]);
  expect({ code: gone.code, stdout: gone.stdout }).toEqual({ code: 1, stdout: "" });
  expect(gone.stderr).toMatch(
    /^ticket-client: The topology in .*topology\.db holds no element NE-9; its data was loaded .* ago/,
  );
});

test("for people: what was read, what was loaded, the element with its path and the age of the data", async () => {
  const dir = folder();
  const files = writeFiles(dir, {
    "network_element.csv": elementLines({ "HE-1": "", "HUB-2": "HE-1", "CPE-3": "HUB-2" }),
    "address.csv": [addressHeader, "A1;CPE-3;U1;High Street;5;1000;Brussels"],
    "network_path.csv": [hopHeader, "P1;CPE-3;1;HUB-2;hub;eth\u001b[31m0;S1", "P1;CPE-3;2;HE-1;;;"],
  });
  const words = ["--data-dir", dir];
  const dry = await run(["topology", "load", "--dry-run", ...words, ...files]);
  expect(dry.code).toBe(0);
  expect(dry.stdout).toContain("1 address, 2 hops: fit to be loaded;");
  const never = await run(["topology", "path", "CPE-3", ...words]);
  expect([never.code, never.stderr]).toEqual([
    1,
    expect.stringContaining("No topology was ever loaded into"),
  ]);

  const loaded = await run(["topology", "load", ...words, ...files]);
  expect(loaded.code).toBe(0);
  expect(loaded.stdout).toMatch(/^\d rows read$/m);
  expect(loaded.stdout).toContain("network_element.csv: network_element, 3 rows, utf-8\n");
  expect(loaded.stdout).toMatch(
    /^3 elements under 1 root, 1 address, 2 hops loaded into .*topology\.db in \d+\.\d s\.$/m,
  );

  const { code, stdout } = await run(["topology", "path", "CPE-3", ...words]);
  expect(code).toBe(0);
  const [first, ...lines] = stdout.trimEnd().split("\n");
  expect(first).toMatch(/^CPE-3, under HUB-2; its data was loaded \d+ seconds? ago, at \d{4}-/);
  expect(lines).toEqual([
    "  name name CPE-3 · type hub · region North · headend H1 · chassis C1 · slot 1 · port 2 · node N1 · IP 10.0.0.1 · MAC 00:11:22:33:44:55 · vendor V · model M · status up",
    "  address A1 (UAU U1), High Street 5, 1000 Brussels",
    "",
    "  0  CPE-3  hub  name CPE-3",
    "  1  HUB-2  hub  name HUB-2  eth?[31m0, S1",
    "  2  HE-1   hub  name HE-1",
  ]);
});

test("bad files: every error on stderr with its place, nothing loaded, exit 1; wrong words exit 2", async () => {
  const dir = folder();
  const bad = file(dir, "bad.csv", `ne_id;parent_ne_id\n${"a;b;c\n".repeat(25)}`);
  const { code, stdout, stderr } = await run(["topology", "load", bad, "--data-dir", dir]);
  expect({ code, stdout }).toEqual({
    code: 1,
    stdout: expect.stringMatching(/^25 rows read\n$/m) as string,
  });
  const lines = stderr.trim().split("\n");
  expect(lines).toHaveLength(22);
  expect(lines[0]).toBe(
    `ticket-client: ${bad}, line 2, column 3: the row has 3 cells; expected 2, as many as the header`,
  );
  expect(lines[20]).toBe("ticket-client: … and 5 more.");
  expect(lines[21]).toMatch(/Nothing is loaded; .*topology\.db is as it was\.$/);
  const json = await run(["topology", "load", bad, "--json", "--data-dir", dir]);
  expect(json.code).toBe(1);
  expect(JSON.parse(json.stdout)).toMatchObject({ kind: "refused", count: 25 });
  expect((await run(["topology", "load"])).code).toBe(2);
  expect((await run(["topology", "lod", bad])).code).toBe(2);
});

test("a load killed from outside in the middle leaves the old data, and the next one goes through", async () => {
  const dir = folder();
  const [old = "", large = ""] = writeFiles(dir, {
    "old.csv": elementLines({ a: "", b: "a" }, "old"),
    "large.csv": elementLines(tree(400_000), "new"),
  });
  expect((await run(["topology", "load", old, "--data-dir", dir])).code).toBe(0);
  const loading = start(["topology", "load", large, "--data-dir", dir]);
  expect(await loading.line()).toMatch(/rows read$/); // a fifth is read, and some of it written
  loading.child.kill("SIGKILL");
  await once(loading.child, "exit");
  const topology = openTopology(
    { dataDir: dir, topology: { kind: "sqlite", file: "topology.db" } },
    systemClock,
  );
  const look = (elementId: string) =>
    names(topology.path({ elementId, signal: new AbortController().signal }));
  expect(await look("b")).toEqual(["old b", "old a"]);
  const db = new DatabaseSync(join(dir, "topology.db"), { readOnly: true });
  expect(db.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
  db.close();
  expect((await run(["topology", "load", large, "--data-dir", dir])).code).toBe(0);
  expect(await look("NE-1")).toEqual(["new NE-1", "new NE-0"]);
  await topology.close();
});

test("S4: the password of topology.url stands in no message, whatever is wrong", async () => {
  const dir = folder();
  const csv = file(dir, "e.csv", "ne_id;ne_name\na;b\n");
  const urls = [
    "mysql://u:se-kret@127.0.0.1:1/db", // nobody listens
    "mysql://u:se-kret@/db",
    "mysql://u:se-kret@127.0.0.1/db?sll=1",
    "postgres://u:se-kret@127.0.0.1/db",
    "mysql://u:se-kret@127.0.0.1/",
    "mysql://u:se-kret%@127.0.0.1/db",
  ];
  for (const url of urls) {
    const environment = { TICKET_CLIENT_TOPOLOGY_KIND: "mysql", TICKET_CLIENT_TOPOLOGY_URL: url };
    const words = url === urls[1] ? ["path", "a"] : ["load", csv];
    const { code, stdout, stderr } = await run(["topology", ...words, "--data-dir", dir], environment);
    expect(code, url).toBe(url === urls[0] ? 1 : 2);
    expect(stderr).toMatch(
      url === urls[0] ? /ECONNREFUSED/ : /topology\.url: expected mysql:\/\/user:password@host/,
    );
    expect(stdout + stderr).not.toContain("se-kret");
  }
});

test("configuration: the file of SQLite lies in dataDir unless it is absolute; the environment names both kinds", () => {
  expect(resolveConfig({})).toMatchObject({ value: { topology: { kind: "sqlite", file: "topology.db" } } });
  const url = "mysql://u:p@h/d";
  const merged = withEnvironment(
    {},
    { TICKET_CLIENT_TOPOLOGY_KIND: "mysql", TICKET_CLIENT_TOPOLOGY_URL: url },
  );
  expect(resolveConfig(merged)).toMatchObject({ value: { topology: { kind: "mysql", url } } });
  for (const [topology, says] of [
    [{ kind: "sqlite", fil: "x" }, "topology.fil is not a setting; did you mean file?"],
    [{ kind: "oracle" }, 'topology.kind: expected "kind": "sqlite" or "mysql"'],
    [
      { kind: "mysql", url: "mysql://u:p@h" },
      "topology.url: expected mysql://user:password@host:port/database",
    ],
  ] as const) {
    const refused = resolveConfig({ topology });
    expect(refused.ok ? "" : refused.failure.detail).toContain(says);
  }
});

test("a topology that would lie in the ledger's file is refused by every command, and the ledger is left alone", async () => {
  const dataDir = join(folder(), "data");
  const links = file(folder(), "link.csv", "ne_a;ne_b\na;b\n");
  const first = start(["serve", "--json", "--port", "0", "--data-dir", dataDir, "--log-level", "error"]);
  await first.line();
  const set = { TICKET_CLIENT_TOPOLOGY_KIND: "sqlite", TICKET_CLIENT_TOPOLOGY_FILE: "ledger.db" };
  const load = await run(["topology", "load", links, "--data-dir", dataDir], set);
  expect(load).toMatchObject({
    code: 2,
    stdout: "",
    stderr: expect.stringContaining("topology.file: ") as string,
  });
  const db = new DatabaseSync(join(dataDir, "ledger.db"), { readOnly: true });
  expect(db.prepare("SELECT name FROM sqlite_master WHERE name = 'network_element'").all()).toEqual([]);
  db.close();
  first.child.kill("SIGTERM");
  expect(await first.ended).toMatchObject({ code: 0 });
  for (const words of [
    ["serve", "--port", "0"],
    ["topology", "path", "a"],
  ])
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    expect(await run([...words, "--data-dir", dataDir], set)).toMatchObject({ code: 2, stdout: "" });
});
