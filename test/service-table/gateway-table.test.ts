/** The gateway's own table: while it differs nothing is forwarded, it is said why, and all goes on when it is equal. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { resolveConfig, type Config } from "../../actors/config.ts";
import { csvCodec } from "../../adapters/service-table/csv.ts";
import { gatewayTableOf } from "../../adapters/service-table/file.ts";
import { fail, ok, type Result } from "../../machines/failure.ts";
import { limits } from "../../machines/limits.ts";
import { differenceText, tableDifferences } from "../../machines/service-table.ts";
import type { RequestPayload, ServiceInfo } from "../../machines/vocabulary.ts";
import { folder } from "../cli/command-line.ts";
import { World } from "../engine/engine-under-test.ts";
import { acceptAll, clear, notification } from "../engine/notifications.ts";
import { row, table } from "./tables.ts";

const by = "operator";
const create: RequestPayload = {
  command: "create",
  kind: "MO",
  clientReference: "node-9",
  networkElements: [],
  severity: "major",
  summary: "by hand",
  startAt: 0,
  alarmRefs: [],
};

/** A gateway whose table the test writes; readings are given when the test says. */
async function rig(change: (own: ServiceInfo) => Result<readonly ServiceInfo[]>) {
  const world = new World();
  let there = change(world.row);
  let gate: Promise<void> = Promise.resolve();
  const readings = { count: 0 };
  const gatewayTable = {
    read: async () => {
      readings.count += 1;
      await gate;
      return there;
    },
  };
  const engine = await world.open({ more: { serviceTableCodec: csvCodec, gatewayTable } });
  return {
    world,
    engine,
    supervisor: engine.supervisor,
    readings,
    write: (services: Result<readonly ServiceInfo[]>) => void (there = services),
    holdReadings: (until: Promise<void>) => void (gate = until),
  };
}

describe("a difference holds what would be forwarded", () => {
  test("no flow begins, the row and the column are named, and all goes on within a minute of being equal (A8)", async () => {
    const { world, engine, supervisor, readings, write } = await rig((own) => ok([{ ...own, port: 9 }]));
    const atStart = readings.count;
    await acceptAll(engine, notification("1"), notification("2", { key: "node-2" }));
    await engine.pass(600);
    expect([world.searches, world.sends]).toEqual([0, 0]);
    expect(supervisor.snapshot()).toMatchObject({
      queue: { create: 2 },
      services: {
        mismatch: {
          because: "Row OSB, column port: 8650 here, 9 in the gateway's service table.",
          rows: [{ name: "OSB", column: "port", clients: "8650", gateway: "9" }],
        },
      },
    });
    expect(engine.logged.filter((one) => one === "services.mismatch")).toHaveLength(1);
    expect(readings.count - atStart).toBe(600 / limits.gatewayTableSeconds);

    write(ok([world.row]));
    await engine.until(() => supervisor.counters().unsettled === 0, limits.gatewayTableSeconds);
    expect(await engine.outcomes()).toEqual({ 1: "created", 2: "created" });
    expect(supervisor.snapshot().services.mismatch).toBeNull();
    expect(await engine.broken()).toEqual([]);
  });

  test("a table that cannot be read differs, with the reason; so does a row missing on either side", async () => {
    const { world, engine, supervisor, write } = await rig(() =>
      fail("CONFIGURATION_INVALID", "gone (ENOENT)."),
    );
    const because = () => supervisor.snapshot().services.mismatch?.because;
    expect(because()).toBe("gone (ENOENT).");
    write(ok([]));
    await engine.pass(limits.gatewayTableSeconds);
    expect(because()).toBe("The gateway's service table has no row OSB.");
    write(ok([world.row, { ...world.row, name: "B" }]));
    await engine.pass(limits.gatewayTableSeconds);
    expect(because()).toBe("Only the gateway's service table has a row B.");
    expect(engine.logged.filter((one) => one === "services.mismatch")).toHaveLength(3);
  });

  test("an import that parts the tables holds from its commit, one that joins them frees at once", async () => {
    const { world, engine, supervisor, holdReadings } = await rig((own) => ok([own]));
    const slow = Promise.withResolvers<void>();
    holdReadings(slow.promise);
    await supervisor.importServices(table(row({ port: "9" })), { by });
    await acceptAll(engine, notification("1"));
    await engine.quiet();
    expect(world.searches).toBe(0); // not compared yet
    slow.resolve();
    await engine.quiet();
    expect(world.searches).toBe(0);
    expect(supervisor.snapshot().services.mismatch?.because).toContain("column port: 9 here, 8650 in");
    await supervisor.importServices(table(row()), { by });
    await engine.quiet();
    expect(await engine.outcomes()).toEqual({ 1: "created" });
  });

  test("a reading that was begun before an import does not speak for the table after it", async () => {
    const { world, engine, supervisor, holdReadings, write } = await rig((own) => ok([own]));
    const old = Promise.withResolvers<void>();
    holdReadings(old.promise);
    world.clock.advance(limits.gatewayTableSeconds * 1_000);
    holdReadings(Promise.resolve());
    write(ok([{ ...world.row, port: 9 }]));
    await supervisor.importServices(table(row({ port: "9" })), { by });
    await engine.quiet();
    write(ok([world.row]));
    old.resolve();
    await engine.quiet();
    expect(supervisor.snapshot().services.mismatch).toBeNull();
  });

  test("what runs already ends with the row it was planned with; what follows it waits", async () => {
    const { world, engine, supervisor, write } = await rig((own) => ok([own]));
    const gate = Promise.withResolvers<void>();
    world.onSend = () => ({ hold: gate.promise });
    await acceptAll(engine, notification("1"));
    await engine.quiet();
    write(ok([{ ...world.row, port: 9 }]));
    await engine.pass(limits.gatewayTableSeconds / 2);
    world.clock.advance((limits.gatewayTableSeconds / 2) * 1_000);
    gate.resolve();
    await acceptAll(engine, clear("2"));
    await engine.quiet();
    expect(supervisor.snapshot().services.mismatch).not.toBeNull();
    expect(await engine.outcomes()).toEqual({ 1: "created" });
    expect(supervisor.snapshot().queue.close).toBe(1);
    write(ok([world.row]));
    await engine.settled(limits.gatewayTableSeconds);
    expect(await engine.outcomes()).toEqual({ 1: "created", 2: "closed" });
  });

  test("by hand: a client can be locked and searches, but a request is refused TABLES_DIFFER", async () => {
    const { world, supervisor } = await rig((own) => ok([{ ...own, path: "/other" }]));
    const held = await supervisor.lock();
    expect(await held.search({ clientReference: "node-9" })).toMatchObject({ ok: true });
    expect(await held.forward("node-9", create)).toMatchObject({
      ok: false,
      failure: { code: "TABLES_DIFFER", detail: expect.stringContaining("Row OSB, column path") as string },
    });
    expect(world.sends).toBe(0);
    expect(await held.close()).toMatchObject({ ok: true });
  });

  test("after a stop nothing is read any more", async () => {
    const { world, supervisor, readings } = await rig((own) => ok([own]));
    const atStart = readings.count;
    await supervisor.stop();
    world.clock.advance(600_000);
    expect(readings.count).toBe(atStart);
  });
});

describe("two tables, row by row", () => {
  const own: ServiceInfo = { ...new World().row, user: "u" };
  test("order and notes make no difference, everything else does", () => {
    const other = { ...own, name: "B" };
    expect(tableDifferences([own, other], [{ ...other, notes: "x" }, own])).toEqual([]);
    const { user: _user, ...noUser } = own;
    expect(tableDifferences([own], [noUser])).toEqual([
      { name: "OSB", column: "user", clients: "u", gateway: "" },
    ]);
    expect(differenceText(tableDifferences([own], [{ ...noUser, port: 1, timeoutSeconds: 31 }]))).toBe(
      "Row OSB, column port: 8650 here, 1 in the gateway's service table (and 2 more).",
    );
  });
});

describe("gateway.servicesFile", () => {
  function config(input: object): Config {
    const read = resolveConfig(input);
    if (!read.ok) throw new Error(read.failure.detail);
    return read.value;
  }

  test("unset, or the same file by another path: the gateway follows every import", () => {
    expect(gatewayTableOf(config({}))).toBeUndefined();
    expect(gatewayTableOf(config({ gateway: { servicesFile: "./x/../services.csv" } }))).toBeUndefined();
  });

  test("another file is read anew each time; one that is missing or bad is told with its place", async () => {
    const file = join(folder(), "gateway.csv");
    const source = gatewayTableOf(config({ gateway: { servicesFile: file } }));
    const read = async () => {
      const told = await source?.read();
      return told?.ok === true ? told.value.map(({ name }) => name) : told?.failure.detail;
    };
    expect(await read()).toContain(`${file} cannot be read (ENOENT)`);
    writeFileSync(file, table(row(), row({ name: "elsewhere", host: "gateway.example", protocol: "rt" })));
    expect(await read()).toEqual(["OSB", "elsewhere"]);
    writeFileSync(file, table(row({ port: "0" })));
    expect(await read()).toContain(`${file}: line 2, column port: expected a whole number`);
  });
});
