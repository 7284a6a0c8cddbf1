/** `settings`: what can be set, what is set and where, and whether `serve` would take it. S4: no secret is shown. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { configSettings, resolveConfig } from "../../actors/config.ts";
import { withEnvironment } from "../../actors/environment.ts";
import { valueAt } from "../../actors/settings-list.ts";
import { row, table } from "../service-table/tables.ts";
import { file, folder, run, start } from "./command-line.ts";

// Processes of their own: on a busy machine each takes seconds to start.
vi.setConfig({ testTimeout: 120_000 });

interface Shown {
  readonly name: string;
  readonly value?: unknown;
  readonly from: string;
  readonly secret?: boolean;
}

async function shown(words: readonly string[], environment?: Readonly<Record<string, string>>) {
  const { code, stdout, stderr } = await run(["settings", "--json", ...words], environment);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const { settings } = JSON.parse(stdout) as { readonly settings: readonly Shown[] };
  return { stdout, of: (name: string) => settings.find((one) => one.name === name) };
}

describe("each setting", () => {
  const all = configSettings();

  test("there are as many as there were", () => expect(all.length).toBeGreaterThanOrEqual(39));

  test.each(all.map((one) => [one.name, one] as const))("%s says what it is for", (_name, one) => {
    expect(one.about).toMatch(/^[A-Z].*\.$/);
    expect(one.expected).not.toBe("");
  });

  test("is taken from its variable", () => {
    for (const { path, variable, expected, name } of all) {
      const value = expected.startsWith("list of") ? ["x"] : "x";
      expect(valueAt(withEnvironment({}, { [variable]: JSON.stringify(value) }), path), name).toEqual(value);
    }
  });

  test("misspelt is told by the name that was meant, one that has no default too", () => {
    const told = [{ auth: { tokenFile: "x" } }, { listen: { tls: { certt: "x", key: "y" } } }].map((input) =>
      resolveConfig(input),
    );
    expect(JSON.stringify(told)).toContain("did you mean tokensFile?");
    expect(JSON.stringify(told)).toContain("did you mean cert?");
  });
});

test("the file, the environment, an option: each value is shown with where it comes from", async () => {
  const dir = folder();
  const config = file(dir, "engine.json", JSON.stringify({ clients: 9, listen: { port: 1, host: "::1" } }));
  const { of } = await shown(["--config", config, "--data-dir", dir], { TICKET_CLIENT_LISTEN_PORT: "9000" });
  expect(of("clients")).toMatchObject({ value: 9, from: "file" });
  expect(of("listen.port")).toMatchObject({ value: 9000, from: "environment" });
  expect(of("listen.host")).toMatchObject({ value: "::1", from: "file" });
  expect(of("dataDir")).toMatchObject({ value: dir, from: "option" });
  expect(of("dedupDays")).toMatchObject({ value: 7, from: "default" });
});

test("a file with a byte order mark, as editors of Windows write it, is read", async () => {
  const config = file(folder(), "engine.json", `\uFEFF${JSON.stringify({ clients: 9 })}`);
  expect((await shown(["--config", config])).of("clients")).toMatchObject({ value: 9, from: "file" });
});

test("S4: what holds a password is said to be set, and not shown", async () => {
  const topology = { kind: "mysql", url: "mysql://ann:hunter2@db.example:3306/topology" };
  const config = file(folder(), "engine.json", JSON.stringify({ topology }));
  const environment = { TICKET_CLIENT_HEARTBEAT_URL: "https://ann:hunter2@beats.example/hunter2" };
  const { stdout, of } = await shown(["--config", config], environment);
  expect(stdout).not.toContain("hunter2");
  for (const [name, from] of [
    ["topology.url", "file"],
    ["heartbeat.url", "environment"],
  ] as const)
    expect(of(name)).toMatchObject({ from, secret: true });
  const { stdout: lines } = await run(["settings", "--config", config], environment);
  expect(lines).not.toContain("hunter2");
  expect(lines).toContain("* topology.url = a secret  (file)");
});

describe("what serve would refuse is refused, with 2 and its sentence", () => {
  const refused = async (input: unknown, dir = folder()) => {
    const config = file(dir, "engine.json", JSON.stringify(input));
    const { code, stdout, stderr } = await run(["settings", "--config", config, "--data-dir", dir]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    return stderr;
  };

  test.each([
    [{ clients: 0 }, "clients: "],
    [{ correlationKey: "{alarmedObject.name}" }, "correlationKey "],
    [{ listen: { host: "0.0.0.0" } }, "no tokens are set"],
    [{ auth: { tokensFile: "/nowhere/tokens" } }, "auth.tokensFile: /nowhere/tokens cannot be read (ENOENT)"],
    [
      { callback: { secretFile: "/nowhere/secrets" } },
      "callback.secretFile: /nowhere/secrets cannot be read",
    ],
    [
      { listen: { tls: { cert: "package.json", key: "package.json" } } },
      "listen.tls: the certificate and the key",
    ],
    [{ topology: { kind: "sqlite", file: "ledger.db" } }, "topology.file: ledger.db is the ledger's"],
    [
      { gateway: { offloadFile: "./x/../ledger.lock" } },
      "gateway.offloadFile: ./x/../ledger.lock is the ledger's",
    ],
    [{ topology: { kind: "mysql", url: "mysql://ann:x@db/topology?ssl=true" } }, "topology.url: expected "],
    [{ topology: { kind: "mysql", url: "mysql://ann:50%off@db/topology" } }, "topology.url: expected "],
  ])("%j", async (input, sentence) => expect(await refused(input)).toContain(sentence));

  test("the Service Info Table's file, until a first start has read it: not one that was refused", async () => {
    const dir = folder();
    const services = join(dir, "services.csv");
    const input = { listen: { port: 0 }, services: { file: services } };
    writeFileSync(services, "name,host\nOSB,127.0.0.1\n");
    const config = file(dir, "engine.json", JSON.stringify(input));
    const at = ["--config", config, "--data-dir", dir];
    for (let times = 0; times < 2; times += 1) {
      // oxlint-disable no-await-in-loop -- one start after the other
      expect(await refused(input, dir)).toContain("services.csv: line 1");
      const serve = await run(["serve", ...at]);
      expect(serve).toMatchObject({ code: 2, stderr: expect.stringContaining("services.csv: line 1") });
      // oxlint-enable no-await-in-loop
    }
    writeFileSync(services, table(row()));
    const engine = start(["serve", "--json", ...at]);
    await engine.line();
    engine.child.kill("SIGTERM");
    expect(await engine.ended).toMatchObject({ code: 0 });
    writeFileSync(services, "nonsense");
    expect((await run(["settings", ...at])).code).toBe(0);
  });

  test("the password file of the service that is selected, in the table's file or in the ledger", async () => {
    const dir = folder();
    const password = file(dir, "password", "secret\n");
    const services = file(dir, "services.csv", table(row({ user: "ann", passwordFile: password })));
    const input = { listen: { port: 0 }, services: { file: services } };
    const said = `passwordFile of service OSB: ${password} cannot be read (ENOENT)`;
    rmSync(password);
    expect(await refused(input, dir)).toContain(said);
    writeFileSync(password, "secret\n");
    const config = file(dir, "engine.json", JSON.stringify(input));
    const engine = start(["serve", "--json", "--config", config, "--data-dir", dir]);
    await engine.line();
    expect((await run(["settings", "--config", config, "--data-dir", dir])).code).toBe(0);
    engine.child.kill("SIGTERM");
    await engine.ended;
    rmSync(password);
    expect(await refused(input, dir)).toContain(said);
  });
});
