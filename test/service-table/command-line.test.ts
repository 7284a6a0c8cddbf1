/** `services` as a person uses it: on the ledger of a stopped engine, and over HTTP of a running one. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { systemClock, systemIds } from "../../adapters/clock/system.ts";
import { createProgram } from "../../adapters/cli/program.ts";
import { startEngine, type Engine, type EngineOptions } from "../../adapters/engine.ts";
import { verifyLedger } from "../../adapters/ledger/inspection.ts";
import { restoreLedger } from "../../adapters/ledger/restore.ts";
import { openSqliteLedger } from "../../adapters/ledger/sqlite.ts";
import { entry } from "../../machines/entry.ts";
import { FailureError } from "../../machines/failure.ts";
import { keyStream } from "../../machines/state.ts";
import { asStranger, file, folder, mayBeStranger, run, start } from "../cli/command-line.ts";
import { quiet } from "../feed/rig.ts";
import { isMissing } from "../needs.ts";
import { badTables, row, table, usualService } from "./tables.ts";

// Processes of their own, some of them one after the other: on a busy machine each takes seconds to start.
vi.setConfig({ testTimeout: 120_000 });

async function engineIn(dataDir: string, more: EngineOptions["config"] = {}): Promise<Engine> {
  const config = { dataDir, listen: { port: 0 }, services: { file: join(dataDir, "none.csv") }, ...more };
  const services = [usualService()];
  const engine = await startEngine({ config, clock: systemClock, ids: systemIds, log: quiet, services });
  onTestFinished(() => engine.stop({ drainSeconds: 0 }));
  return engine;
}

/** A data directory whose engine has run and stopped. */
async function stopped(): Promise<string> {
  const dataDir = join(folder(), "data");
  const engine = await engineIn(dataDir);
  await engine.stop();
  return dataDir;
}

interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The same words in this process: what they print, and how they end. */
async function words(...all: readonly string[]): Promise<Said> {
  const said = { stdout: "", stderr: "" };
  const out = vi
    .spyOn(process.stdout, "write")
    .mockImplementation((text) => ((said.stdout += String(text)), true));
  const err = vi
    .spyOn(process.stderr, "write")
    .mockImplementation((text) => ((said.stderr += String(text)), true));
  try {
    return { code: await createProgram().run(["services", ...all]), ...said };
  } catch (error) {
    if (!(error instanceof FailureError)) throw error;
    return { code: 1, ...said, stderr: `${said.stderr}${error.failure.code} ${error.failure.detail}` };
  } finally {
    out.mockRestore();
    err.mockRestore();
  }
}

describe("on the ledger of a stopped engine", () => {
  test("import of every bad CSV prints line and column and changes nothing, not even the opening", async () => {
    const dataDir = await stopped();
    const before = await verifyLedger(dataDir);
    const path = join(dataDir, "bad.csv");
    for (const { what, csv, line, column } of badTables) {
      writeFileSync(path, csv);
      const { code, stderr, stdout } = await words("import", path, "--data-dir", dataDir);
      expect(code, what).toBe(1);
      expect(stderr, what).toContain(`${path}: line ${line}, column ${column}: expected `);
      expect(stderr, what).toContain("Nothing was changed.");
      expect(stdout, what).toBe("");
    }
    expect(await verifyLedger(dataDir)).toEqual(before);
  });

  test("S9: export → import is lossless; dry run, import and select; the engine goes on with it", async () => {
    const dataDir = await stopped();
    const at = ["--data-dir", dataDir];
    const names = ['"a,b"', '"say ""x"""', '"two\nlines"', "'=1+1"];
    const wanted = file(dataDir, "in.csv", table(row(), ...names.map((name) => row({ name }))));
    const before = await verifyLedger(dataDir);
    const dry = await words("import", wanted, "--dry-run", ...at);
    expect(dry).toMatchObject({ code: 0, stdout: expect.stringContaining("A dry run") as string });
    expect(await verifyLedger(dataDir)).toEqual(before);
    expect(await words("import", wanted, ...at)).toMatchObject({ code: 0 });

    const out = join(dataDir, "out.csv");
    expect(await words("export", out, ...at)).toMatchObject({ code: 0 });
    const again = await words("import", out, "--json", ...at);
    expect(JSON.parse(again.stdout)).toMatchObject({
      ok: true,
      applied: true,
      added: [],
      changed: [],
      removed: [],
      unchanged: ["OSB", "a,b", 'say "x"', "two\nlines", "=1+1"],
    });
    expect((await words("export", "-", ...at)).stdout).toBe(readFileSync(out, "utf8"));
    expect(await words("export", out, ...at)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("exists already") as string,
    });

    expect(await words("select", "=1+1", ...at)).toMatchObject({ code: 0 });
    expect((await words("select", "nobody", ...at)).stderr).toContain(
      "UNKNOWN_SERVICE There is no service nobody",
    );
    const { supervisor } = await engineIn(dataDir);
    expect(supervisor.snapshot().services.selected).toBe("=1+1");
    const acted = [];
    for await (const fact of supervisor.readFacts(0, 1_000))
      if (fact.type === "operator.acted") acted.push(fact.body.action);
    expect(acted).toEqual(["services.import", "services.import", "services.select"]);
  });

  test("a CSV on stdin is waited for as slowly as it comes, and one that never ends is refused", async () => {
    const at = ["services", "import", "-", "--dry-run", "--json", "--data-dir", await stopped()];
    const slow = start(at, {}, "written");
    // More than a pipe holds: once it is written, the command is reading.
    const write = (text: string) =>
      new Promise<void>((resolve) => slow.child.stdin?.write(text, () => resolve()));
    await write("\n".repeat(900_000));
    await write(table(row()));
    slow.child.stdin?.end();
    const { code, stdout, stderr } = await slow.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, unchanged: ["OSB"] });

    const endless = start(at, {}, "written");
    endless.child.stdin?.on("error", () => undefined);
    endless.child.stdin?.write("\n".repeat(2_000_000));
    const refused = await endless.ended;
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("at most 1048576 bytes") as string,
    });
  });

  test("R4: in a restored ledger the first opening puts what was planned in doubt, be it a command's", async () => {
    const dataDir = await stopped();
    const restored = join(folder(), "data");
    const open = (dir: string) =>
      openSqliteLedger({ dir, now: () => systemClock.now(), uuid: () => systemIds.uuid() });
    const ledger = await open(dataDir);
    const planned = entry(keyStream("node-1"), 0, "request.planned", {
      requestId: "request-1",
      key: "node-1",
      clientId: "client-01",
      lockGuid: "guid-1",
      service: usualService(),
      payload: { command: "close", ticketId: "T-1", endAt: 0, closeCode: "cleared", alarmRefs: [] },
      intent: "closed",
      alarms: [],
      rule: "D11",
      plannedAt: 0,
    });
    await ledger.append({ id: "test", facts: [planned] });
    await ledger.close();
    await restoreLedger({ from: dataDir, dir: restored, uuid: () => systemIds.uuid() });
    const wanted = file(dataDir, "in.csv", table(row(), row({ name: "B" })));
    expect(await words("import", wanted, "--data-dir", restored)).toMatchObject({ code: 0 });
    const { supervisor } = await engineIn(restored);
    expect(supervisor.state.keys.get("node-1")?.request?.status).toBe("inDoubt");
    const changed = file(dataDir, "changed.csv", table(row({ port: "9" })));
    expect((await supervisor.importServices(readFileSync(changed), { by: "x" })).ok).toBe(false);
  });

  test("A8: a table imported before the first start, which was refused, has a selected row when it comes", async () => {
    const dataDir = join(folder(), "data");
    const config = {
      dataDir,
      listen: { port: 0 },
      services: { file: file(folder(), "bad.csv", "nonsense") },
    };
    const options = { config, clock: systemClock, ids: systemIds, log: quiet };
    await expect(startEngine(options)).rejects.toMatchObject({ failure: { code: "CONFIGURATION_INVALID" } });
    const foreign = row({ name: "A", protocol: "tmf621v4" });
    const wanted = file(dataDir, "in.csv", table(foreign, row({ name: "B" }), row({ name: "C" })));
    expect(await words("import", wanted, "--data-dir", dataDir)).toMatchObject({ code: 0 });
    await expect(startEngine(options)).rejects.toMatchObject({
      failure: {
        code: "CONFIGURATION_INVALID",
        detail:
          "No service is selected, and A speaks tmf621v4; this engine speaks osb. Select another: ticket-client services select NAME.",
      },
    });
    const services = { ...config.services, selected: "B" };
    for (const wished of [services, config.services]) {
      // oxlint-disable-next-line no-await-in-loop -- one start after the other
      const engine = await startEngine({ ...options, config: { ...config, services: wished } });
      expect(engine.supervisor.state.selectedService).toBe("B");
      await engine.stop({ drainSeconds: 0 }); // oxlint-disable-line no-await-in-loop
    }
  });

  test("A8: an import that was cut off before the first start leaves it the table of its file", async () => {
    const dataDir = join(folder(), "data");
    const ledger = await openSqliteLedger({ dir: dataDir, now: () => 0, uuid: () => systemIds.uuid() });
    const opened = entry("settings", 0, "ledger.opened", { engine: "ticket-client", clients: 0 });
    await ledger.append({ id: "cut off", facts: [opened] });
    await ledger.close();
    const { supervisor } = await engineIn(dataDir);
    expect(supervisor.state.selectedService).toBe("OSB");
  });

  test("settings are left as they are", async () => {
    const dataDir = join(folder(), "data");
    await (await engineIn(dataDir, { maxResponseRows: 7, reopenSeconds: 3 })).stop();
    const wanted = file(dataDir, "in.csv", table(row({ port: "9" })));
    expect(await words("import", wanted, "--data-dir", dataDir)).toMatchObject({ code: 0 });
    const { supervisor } = await engineIn(dataDir, { maxResponseRows: 7, reopenSeconds: 3 });
    const changes = [];
    for await (const fact of supervisor.readFacts(0, 1_000))
      if (fact.type === "settings.changed") changes.push(fact.position);
    expect(changes).toHaveLength(1);
    expect(supervisor.state.services[0]?.port).toBe(9);
  });

  test("no ledger, no file, --url beside --data-dir: said, with what to do", async () => {
    const dir = folder();
    const csv = file(dir, "in.csv", table(row()));
    expect((await words("import", csv, "--data-dir", dir)).stderr).toContain(`There is no ledger in ${dir}`);
    expect((await words("import", join(dir, "x.csv"), "--data-dir", dir)).stderr).toContain("(ENOENT)");
    const both = await run(["services", "export", "-", "--url", "http://127.0.0.1:1", "--data-dir", dir]);
    expect(both).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("expected either --url") as string,
    });
  });
});

test.skipIf(isMissing("root, and a checkout that others may read", mayBeStranger))(
  "a user without a name, as a bare uid in a container has none, imports and selects",
  async () => {
    const dataDir = join(folder(), "data");
    const { url, supervisor } = await engineIn(dataDir);
    const wanted = file(join(dataDir, ".."), "in.csv", table(row(), row({ name: "B" })));
    chmodSync(join(dataDir, ".."), 0o755);
    for (const verb of [`import ${wanted} --dry-run`, `import ${wanted}`, "select B"]) {
      const command = ["services", ...verb.split(" "), "--url", url];
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const ended = await new Promise((resolve) => {
        execFile("env", [...asStranger, ...command], (error, _, stderr) =>
          resolve({ code: error === null ? 0 : error.code, stderr }),
        );
      });
      expect(ended).toEqual({ code: 0, stderr: "" });
    }
    expect(supervisor.state.selectedService).toBe("B");
  },
);

describe("while an engine runs", () => {
  test("its ledger is read beside it; a change is refused with the way to ask it, and done that way", async () => {
    const dataDir = join(folder(), "data");
    const serve = start(["serve", "--json", "--port", "0", "--data-dir", dataDir, "--log-level", "error"]);
    const { url } = JSON.parse(await serve.line()) as { url: string };
    const at = ["--data-dir", dataDir];
    const exported = await run(["services", "export", "-", ...at]);
    expect(exported).toMatchObject({ code: 0, stdout: table(row()) });
    const wanted = file(dataDir, "in.csv", table(row(), row({ name: "B" })).replaceAll(",", ";"));
    expect(await run(["services", "import", wanted, "--dry-run", ...at])).toMatchObject({ code: 0 });
    const refused = await run(["services", "import", wanted, ...at]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("An engine is running on the ledger");
    expect(refused.stderr).toContain("--url http://");

    expect(await run(["services", "import", wanted, "--url", url])).toMatchObject({ code: 0 });
    expect(await run(["services", "select", "B", "--url", url])).toMatchObject({ code: 0 });
    serve.child.kill("SIGTERM");
    expect(await serve.ended).toMatchObject({ code: 0 });
    expect(await run(["services", "import", wanted, ...at])).toMatchObject({ code: 0 });
  });

  test.each([
    [{ host: "::", port: 8641 }, "http://127.0.0.1:8641"],
    [{ host: "::1", port: 8642 }, "http://[::1]:8642"],
    [{ host: "127.0.0.1", port: 8643, tls: { cert: "c.pem", key: "k.pem" } }, "https://127.0.0.1:8643"],
  ])("the address that is named is one that can be asked: listen %j", async (listen, url) => {
    const dataDir = await stopped();
    const ledger = await openSqliteLedger({ dir: dataDir, now: () => 0, uuid: () => systemIds.uuid() });
    onTestFinished(() => ledger.close());
    const config = file(dataDir, "engine.json", JSON.stringify({ listen }));
    const wanted = file(dataDir, "in.csv", table(row(), row({ name: "B" })));
    const { stderr } = await words("import", wanted, "--config", config, "--data-dir", dataDir);
    expect(stderr).toContain(`--url ${url} `);
  });

  test("over HTTP: encodings, faults, dry run and export as on the ledger; nobody without a token", async () => {
    const dir = folder();
    const token = "s3cret-token";
    const digest = createHash("sha256").update(token).digest("hex");
    const tokensFile = file(dir, "tokens", `operator:ann:${digest}\n`);
    const { url, supervisor } = await engineIn(join(dir, "data"), { auth: { tokensFile } });
    const path = join(dir, "in.csv");
    vi.stubEnv("TICKET_CLIENT_TOKEN", token);
    onTestFinished(() => void vi.unstubAllEnvs());
    const at = ["--url", url];

    writeFileSync(path, Buffer.from(`\uFEFF${table(row(), row({ name: "é", notes: "'=1" }))}`, "utf16le"));
    const { position } = supervisor.state;
    expect((await words("import", path, "--dry-run", ...at)).stdout).toContain('added      "é"');
    expect(supervisor.state.position).toBe(position);
    expect(await words("import", path, ...at)).toMatchObject({ code: 0 });
    expect(supervisor.state.services[1]).toMatchObject({ name: "é", notes: "=1" });
    expect((await words("export", "-", ...at)).stdout).toBe(supervisor.exportServices());
    expect(await words("select", "é", ...at)).toMatchObject({ code: 0 });
    expect(supervisor.snapshot().services.selected).toBe("é");

    for (const { what, csv, line, column } of badTables) {
      if (what === "the selected service missing" || what.startsWith("a protocol the selected")) continue;
      writeFileSync(path, csv);
      const { code, stderr } = await words("import", path, ...at);
      expect(code, what).toBe(1);
      expect(stderr, what).toContain(`line ${line}, column ${column}: expected `);
    }
    expect(supervisor.state.services).toHaveLength(2);

    vi.stubEnv("TICKET_CLIENT_TOKEN", "wrong");
    const nobody = await words("select", "OSB", ...at);
    expect(nobody.stderr).toMatch(/refused \(40[13]\).*TICKET_CLIENT_TOKEN/);
    expect(nobody.stderr).not.toContain("wrong");
  });

  test("nothing listens there, or something else: said", async () => {
    expect((await words("export", "-", "--url", "http://127.0.0.1:9")).stderr).toContain(
      "Does an engine run there?",
    );
    expect((await words("export", "-", "--url", "ftp://x")).stderr).toContain("expected http://host:port");
  });
});

test("S5: a first start refuses a services.csv with a host that is not allowed, by line; later starts do not read it", async () => {
  const dataDir = join(folder(), "data");
  const bad = file(folder(), "services.csv", table(row(), row({ name: "B", host: "evil.example" })));
  const options = { clock: systemClock, ids: systemIds, log: quiet };
  const config = { dataDir, listen: { port: 0 }, services: { file: bad } };
  await expect(startEngine({ ...options, config })).rejects.toThrow("line 3, column host: expected one of");
  await (await engineIn(dataDir)).stop();
  const engine = await startEngine({ ...options, config });
  await engine.stop();
  expect(engine.supervisor.state.services).toHaveLength(1);
});
