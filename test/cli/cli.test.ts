import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { drawMermaid } from "../../adapters/diagram/mermaid.ts";
import { statecharts } from "../../adapters/diagram/statecharts.ts";
import { file, folder, run, someAlarms, start } from "./command-line.ts";

// Processes of their own, some of them one after the other: on a busy machine each takes seconds to start.
vi.setConfig({ testTimeout: 120_000 });

interface Tally {
  readonly accepted: number;
  readonly settled: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly rows: {
    readonly inserted: number;
    readonly present: number;
    readonly evicted: number;
    readonly cleared: number;
  };
  readonly desk: { readonly tickets: number; readonly open: number; readonly duplicateOpen: number };
  readonly url: string;
}
const parse = (text: string) => JSON.parse(text) as Tally;
const sum = (counts: Readonly<Record<string, number>>) =>
  Object.values(counts).reduce((total, n) => total + n, 0);

describe("whoever read stdout has left, as `| head` does", () => {
  async function unread(words: readonly string[]) {
    const { child, ended } = start(words);
    child.stdout?.destroy();
    const { code, stderr } = await ended;
    return { code, stderr };
  }

  test("the rest of a help is not said, and nothing is wrong", async () => {
    expect(await unread(["serve", "--help"])).toEqual({ code: 0, stderr: "" });
  });

  test("what the command does goes on: the ledger shows it, and is exported to nobody", async () => {
    const dir = folder();
    const dataDir = join(dir, "data");
    const ports = ["--port", "0", "--desk-port", "0"];
    const alarms = someAlarms(dir, 300);
    const words = ["demo", "--once", ...ports, "--data-dir", dataDir, "--alarms", alarms];
    expect(await unread(words)).toEqual({ code: 0, stderr: "" });
    const stats = parse((await run(["ledger", "stats", "--json", "--data-dir", dataDir])).stdout);
    expect(stats).toMatchObject({ accepted: 600, settled: 600 });
    expect(await unread(["ledger", "export", "-", "--data-dir", dataDir])).toEqual({ code: 0, stderr: "" });
  });
});

describe("demo", () => {
  test("A2, G6: --once --json prints one object, and its counts add up with the desk and the ledger", async () => {
    const dir = folder();
    const config = file(dir, "config.json", JSON.stringify({ coalesce: false, maxResponseRows: 20 }));
    const dataDir = join(dir, "data");
    const words = [
      "--once",
      "--json",
      "--port",
      "0",
      "--desk-port",
      "0",
      "--config",
      config,
      "--data-dir",
      dataDir,
    ];
    const { code, stdout, stderr } = await run(["demo", ...words, "--alarms", someAlarms(dir, 300)]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.trim().split("\n")).toHaveLength(1);
    const { accepted, settled, outcomes, rows, desk } = parse(stdout);
    expect({ accepted, settled, sum: sum(outcomes) }).toEqual({ accepted: 600, settled: 600, sum: 600 });
    expect(rows.inserted).toBe(rows.present + rows.evicted + rows.cleared);
    expect(rows.evicted).toBeGreaterThan(0);
    expect(desk).toEqual({ tickets: outcomes["created"], open: 0, duplicateOpen: 0 });

    const stats = parse((await run(["ledger", "stats", "--json", "--data-dir", dataDir])).stdout);
    expect(stats).toMatchObject({ accepted, settled, outcomes, rows });
  });

  test("an intake that refuses the demo's own alarms is told, and is not success", async () => {
    const dir = folder();
    const tokens = file(dir, "tokens", `source:ems-1:${"0".repeat(64)}\n`);
    const config = file(dir, "config.json", JSON.stringify({ auth: { tokensFile: tokens } }));
    const words = ["--port", "0", "--desk-port", "0", "--config", config, "--alarms", someAlarms(dir, 3)];
    const { code, stdout, stderr } = await run(["demo", "--once", ...words]);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: "ticket-client: the replay ended early: the intake refused the connection with HTTP 401.\n",
    });
    expect(stdout).toMatch(/= accepted +0\n/);

    const running = start(["demo", ...words]);
    const lines: string[] = [];
    while (!lines.some((line) => line.includes("Ctrl-C"))) lines.push(await running.line());
    expect(lines.join("\n")).not.toContain("All alarms");
    running.child.kill("SIGTERM");
    expect((await running.ended).code).toBe(1);
  });

  test("a taken port is said with what to do, and nothing is left running", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await once(server, "listening");
    const address = server.address();
    const port = String(typeof address === "object" ? address?.port : 0);
    const { code, stderr } = await run(["demo", "--once", "--port", port, "--desk-port", "0"]);
    expect(code).toBe(1);
    expect(stderr).toContain(`Port ${port} of 127.0.0.1 is taken`);
    expect(stderr).toContain("--port");
  });
});

describe("serve", () => {
  test("takes a replay, is read beside, and ends with 0 at SIGTERM", async () => {
    const dir = folder();
    const dataDir = join(dir, "data");
    const desk = start(["desk", "--json", "--port", "0"]);
    const { url: deskUrl } = parse(await desk.line());
    const header =
      "name,host,port,path,protocol,idempotency,settleSeconds,timeoutSeconds,asyncSeconds,user,passwordFile,notes";
    const services = file(
      dir,
      "services.csv",
      `${header}\nOSB,127.0.0.1,${new URL(deskUrl).port},/TicketService,osb,requestId,60,30,0,,,\n`,
    );
    const environment = { TICKET_CLIENT_SERVICES_FILE: services, TICKET_CLIENT_DATA_DIR: dataDir };
    const engine = start(["serve", "--json", "--port", "0"], environment);
    const { url } = parse(await engine.line());

    const sent = await run(["replay", someAlarms(dir, 20), "--json", "--url", url.replace("http", "ws")]);
    expect(sent.code).toBe(0);
    expect(JSON.parse(sent.stdout)).toMatchObject({ accepted: 40, duplicates: 0, gaveUp: null });

    const verified = await run(["ledger", "verify", "--json"], environment);
    expect(verified).toMatchObject({ code: 0, stderr: "" });
    const stats = await run(["ledger", "stats", "--json"], environment);
    expect(JSON.parse(stats.stdout)).toMatchObject({ accepted: 40 });
    const why = await run(
      ["explain", "--json", "--source", "urn:replay:some.csv", "--id", "1/raise"],
      environment,
    );
    expect(JSON.parse(why.stdout)).toMatchObject({ source: "urn:replay:some.csv", id: "1/raise" });
    const none = await run(["explain", "--source", "urn:replay:some.csv", "--id", "99/raise"], environment);
    expect(none.code).toBe(1);

    engine.child.kill("SIGTERM");
    expect(await engine.ended).toMatchObject({ code: 0 });
    desk.child.kill("SIGTERM");
    expect(await desk.ended).toMatchObject({ code: 0 });
  });

  test("S1: an address that others reach is refused without tokens, and the way out is named", async () => {
    const dir = folder();
    const { code, stderr } = await run(["serve", "--data-dir", join(dir, "data")], {
      TICKET_CLIENT_LISTEN_HOST: "0.0.0.0",
    });
    expect(code).toBe(2);
    expect(stderr).toContain("auth.tokensFile");
    expect(existsSync(join(dir, "data"))).toBe(false);
  });

  test("two engines on one ledger: the second is refused", async () => {
    const dataDir = join(folder(), "data");
    const first = start(["serve", "--json", "--port", "0", "--data-dir", dataDir]);
    await first.line();
    const second = await run(["serve", "--json", "--port", "0", "--data-dir", dataDir]);
    expect(second).toMatchObject({ code: 1, stdout: "" });
    first.child.kill("SIGINT");
    expect(await first.ended).toMatchObject({ code: 0 });
  });
});

test(
  "R4: a ledger whose end was lost is refused with the way out, which is taken once",
  { timeout: 60_000 },
  async () => {
    const dataDir = join(folder(), "data");
    const words = ["serve", "--json", "--port", "0", "--data-dir", dataDir];
    const first = start(words);
    await first.line();
    first.child.kill("SIGTERM");
    await first.ended;
    const head = join(dataDir, "ledger.head");
    const [position = "", hash = ""] = readFileSync(head, "utf8").trim().split(" ");
    writeFileSync(head, `${String(Number(position) + 5).padStart(16, "0")} ${hash}\n`);
    const refused = await run(words);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toContain("serve --accept-shortened");
    for (const more of [["--accept-shortened"], []]) {
      const accepted = start([...words, ...more]);
      expect(await accepted.line()).toContain('"ready":true'); // oxlint-disable-line no-await-in-loop -- one after the other
      accepted.child.kill("SIGTERM");
      expect(await accepted.ended).toMatchObject({ code: 0 }); // oxlint-disable-line no-await-in-loop
    }
  },
);

describe("wrong use ends with 2 and says what was meant", () => {
  test.each([
    [["demo", "--onec"], "--once"],
    [["srve"], "serve"],
    [["replay", "x.csv"], "--url"],
    [["demo", "--speed", "fast"], "max"],
    [["serve", "--port", "65536"], "65535"],
    [["explain", "--id", "1"], "--source"],
    [["explain", "--key", "1", "--id", "1"], "either"],
    [["serve", "--config", "no-such-file.json"], "ENOENT"],
  ])("%j", async (words, said) => {
    const { code, stdout, stderr } = await run(words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(said);
  });

  test("a setting that does not exist, with the one that was meant", async () => {
    const config = file(folder(), "config.json", JSON.stringify({ clinets: 3 }));
    const { code, stderr } = await run(["serve", "--config", config]);
    expect(code).toBe(2);
    expect(stderr).toContain("did you mean clients?");
  });
});

test.each(["-V", "--version"])("%s prints the version of package.json", async (word) => {
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { readonly version: string };
  expect(await run([word])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
});

describe("--help tells the exit codes", () => {
  test.each([
    ["serve"],
    ["demo"],
    ["replay"],
    ["desk"],
    ["explain"],
    ["ledger verify"],
    ["ledger stats"],
    ["ledger export"],
    ["ledger restore"],
    ["diagram"],
    ["clients"],
    ["top"],
  ])("%s", async (words) => {
    const { code, stdout } = await run([...words.split(" "), "--help"]);
    expect(code).toBe(0);
    expect(stdout).toContain("Exit codes: 0 done, 1 failed, 2 wrong use.");
    expect(stdout).toContain("--json");
  });
});

describe("ledger", () => {
  test("no ledger there: 1, with the place", async () => {
    const dir = folder();
    for (const words of [["verify"], ["stats"], ["export", "-"]]) {
      // oxlint-disable-next-line no-await-in-loop -- one process at a time
      const { code, stderr } = await run(["ledger", ...words, "--data-dir", dir]);
      expect(code).toBe(1);
      expect(stderr).toContain(dir);
    }
  });

  test("export, then restore elsewhere: the same facts under a new identity", async () => {
    const dir = folder();
    const from = join(dir, "from");
    const engine = start(["serve", "--json", "--port", "0", "--data-dir", from]);
    await engine.line();
    engine.child.kill("SIGTERM");
    await engine.ended;
    const facts = join(dir, "facts.ndjson");
    expect(await run(["ledger", "export", facts, "--data-dir", from])).toMatchObject({ code: 0 });
    const before = JSON.parse(
      (await run(["ledger", "verify", "--json", "--data-dir", from])).stdout,
    ) as Record<string, unknown>;
    expect(readFileSync(facts, "utf8").trim().split("\n")).toHaveLength(Number(before["facts"]));
    const again = await run(["ledger", "export", facts, "--data-dir", from]);
    expect(again).toMatchObject({ code: 1 });
    const to = join(dir, "to");
    expect(await run(["ledger", "restore", join(from, "ledger.db"), "--data-dir", to])).toMatchObject({
      code: 0,
    });
    const after = JSON.parse((await run(["ledger", "verify", "--json", "--data-dir", to])).stdout) as Record<
      string,
      unknown
    >;
    expect(after["facts"]).toBe(before["facts"]);
    expect(after["ledger"]).not.toBe(before["ledger"]);
  });
});

describe("diagram", () => {
  test("the committed drawings are what the machines say; else run `npm run diagrams`", () => {
    const folderOfDrawings = new URL("../../visualizations/diagrams/", import.meta.url);
    const drawn = readdirSync(folderOfDrawings).filter((name) => name.endsWith(".mmd"));
    expect(drawn.toSorted()).toEqual([...statecharts.keys()].map((name) => `${name}.mmd`).toSorted());
    for (const [name, machine] of statecharts)
      expect(readFileSync(new URL(`${name}.mmd`, folderOfDrawings), "utf8")).toBe(drawMermaid(machine));
  });
});
