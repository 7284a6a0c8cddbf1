/** A start whose selected service has a password file that cannot be read: refused, and what to mend is named. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { systemIds } from "../../adapters/clock/system.ts";
import { startEngine } from "../../adapters/engine.ts";
import { ManualClock } from "../alarms/manual-clock.ts";
import { header, row } from "./tables.ts";

let dir: string;
let warned: string[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "ticket-client-password-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  warned = [];
});

function start(...rows: readonly Parameters<typeof row>[0][]) {
  return startWith("OSB", ...rows);
}

function startWith(selected: string, ...rows: readonly Parameters<typeof row>[0][]) {
  const table = join(dir, "services.csv");
  writeFileSync(table, [header, ...rows.map((cells) => row(cells)), ""].join("\n"));
  return startEngine({
    config: { listen: { port: 0 }, dataDir: join(dir, "data"), services: { file: table, selected } },
    clock: new ManualClock(),
    ids: systemIds,
    log: {
      info: () => undefined,
      warn: (event, data) => void warned.push(`${event} ${JSON.stringify(data)}`),
      error: () => undefined,
    },
  });
}

function file(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

function refusal(passwordFile: string, reason: string) {
  return {
    failure: {
      code: "CONFIGURATION_INVALID",
      detail: `passwordFile of service OSB: ${passwordFile} cannot be read (${reason}). Mend the file or its rights, or import a table that names another.`,
    },
  };
}

test.each([
  ["is not there", "ENOENT", (path: string) => path],
  ["is a folder", "not a file", (path: string) => (mkdirSync(path), path)],
  ["has several lines", "more than one line", (path: string) => (writeFileSync(path, "a\nb\n"), path)],
])("a password file that %s is refused by its path and the reason", async (_title, reason, make) => {
  const path = make(join(dir, "password"));
  await expect(start({ user: "dma", passwordFile: path })).rejects.toMatchObject(refusal(path, reason));
});

test("at a later start too: the table in the ledger counts", async () => {
  const path = file("password", "secret\n");
  const engine = await start({ user: "dma", passwordFile: path });
  await engine.stop({ drainSeconds: 0 });
  rmSync(path);
  await expect(start({})).rejects.toMatchObject(refusal(path, "ENOENT"));
  file("password", "secret\n");
  const again = await start({});
  await again.stop({ drainSeconds: 0 });
});

test("a row that is not selected, or has no user, stops no start: the log names the first", async () => {
  const engine = await start(
    { passwordFile: "/nowhere/none" },
    { name: "SPARE", user: "dma", passwordFile: "/nowhere/spare" },
  );
  await engine.stop({ drainSeconds: 0 });
  expect(warned).toEqual([
    'services.passwordUnreadable {"service":"SPARE","file":"/nowhere/spare","reason":"ENOENT"}',
  ]);
});

test("a service that is named to be selected, and is not in the table, is refused; no other is taken in its place", async () => {
  await expect(startWith("NROTH", { name: "SOUTH" }, { name: "NORTH" })).rejects.toMatchObject({
    failure: {
      code: "CONFIGURATION_INVALID",
      detail: `services.selected: ${join(dir, "services.csv")} has no service NROTH; expected one of SOUTH, NORTH.`,
    },
  });
  const named = await startWith("NORTH", { name: "SOUTH" }, { name: "NORTH" });
  expect(named.supervisor.state.selectedService).toBe("NORTH");
  await named.stop({ drainSeconds: 0 });
});

test("where none is named to be selected, it is OSB, or else the first", async () => {
  const first = await start({ name: "SOUTH" }, { name: "NORTH" });
  expect(first.supervisor.state.selectedService).toBe("SOUTH");
  await first.stop({ drainSeconds: 0 });
});
