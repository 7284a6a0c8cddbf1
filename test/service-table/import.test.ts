/** Import, export and selection in a running engine: all or nothing, and never under a request's feet. */
import { describe, expect, test } from "vitest";
import type { SupervisorOptions } from "../../actors/supervisor.ts";
import { csvCodec } from "../../adapters/service-table/csv.ts";
import { faultLine, type ServiceCells } from "../../machines/service-table.ts";
import { turn, World, type WorldOptions } from "../engine/engine-under-test.ts";
import { acceptAll, clear, notification, oneByOne } from "../engine/notifications.ts";
import { badTables, row, table } from "./tables.ts";

const by = "operator";
const more: Partial<SupervisorOptions> = { serviceTableCodec: csvCodec, spokenProtocols: ["osb"] };

async function rig(options: WorldOptions = {}) {
  const world = new World({ more, ...options });
  const engine = await world.open();
  const { supervisor } = engine;
  const imported = (...rows: readonly string[]) => supervisor.importServices(table(...rows), { by });
  return { world, engine, supervisor, imported };
}
/** The row that the world begins with, as text. */
const osb = (cells: Partial<ServiceCells> = {}) => row(cells);
const second = (cells: Partial<ServiceCells> = {}) => row({ name: "OSB-2", port: "8651", ...cells });
const reset = { kind: "inDoubt", code: "RESET", cause: "connection reset" } as const;

describe("all or nothing", () => {
  test("a bad CSV of any kind is refused SERVICES_INVALID and changes nothing", async () => {
    const { engine, supervisor } = await rig();
    const before = supervisor.exportServices();
    const { position } = supervisor.state;
    for (const { what, csv, line, column } of badTables) {
      const told = await supervisor.importServices(csv, { by });
      expect(told, what).toMatchObject({ ok: false, failure: { code: "SERVICES_INVALID" } });
      const places = told.ok ? [] : told.preview.errors.map((one) => `${one.line} ${one.column}`);
      expect(places, what).toContain(`${line} ${column}`);
      expect(told.ok ? null : told.preview, what).toMatchObject({ added: [], changed: [], applied: false });
    }
    await engine.quiet();
    expect([supervisor.exportServices(), supervisor.state.position]).toEqual([before, position]);
  });

  test("one bad row keeps the good ones out", async () => {
    const { supervisor, imported } = await rig();
    expect(await imported(osb(), second(), row({ name: "C", port: "0" }))).toMatchObject({ ok: false });
    expect(supervisor.state.services).toHaveLength(1);
  });

  test("a dry run says what the import then does, and is no fact", async () => {
    const { engine, supervisor } = await rig();
    await supervisor.importServices(table(osb(), second(), row({ name: "C" })), { by });
    const csv = table(row({ name: "D" }), second({ port: "9", notes: "x" }), osb());
    const { position } = supervisor.state;
    const dry = await supervisor.importServices(csv, { by, dryRun: true });
    const change = {
      added: ["D"],
      changed: [{ name: "OSB-2", columns: ["port", "notes"] }],
      removed: ["C"],
      unchanged: ["OSB"],
      errors: [],
    };
    expect(dry).toEqual({ ok: true, value: { ...change, applied: false } });
    expect(supervisor.state.position).toBe(position);
    expect(await supervisor.importServices(csv, { by })).toEqual({
      ok: true,
      value: { ...change, applied: true },
    });
    const acted = (await engine.facts("operator.acted")).at(-1);
    const done = (await engine.facts("services.imported")).at(-1);
    expect(acted).toMatchObject({
      stream: "services",
      body: { by, action: "services.import", reason: "1 added, 1 changed, 1 removed, 1 unchanged" },
    });
    expect(done).toMatchObject({ stream: "services", position: (acted?.position ?? 0) - 1, body: { by } });
  });

  test.each([
    ["adds", table(osb(), second(), row({ name: "C" }))],
    ["changes", table(osb(), second({ notes: "x" }))],
    ["removes", table(osb())],
    ["leaves all as it is", table(osb(), second())],
  ])("a dry run that only %s is no fact either", async (_what, csv) => {
    const { engine, supervisor, imported } = await rig();
    await imported(osb(), second());
    const before = [supervisor.state.position, supervisor.exportServices()];
    const dry = await supervisor.importServices(csv, { by, dryRun: true });
    expect(dry).toMatchObject({ ok: true, value: { applied: false } });
    await engine.quiet();
    expect([supervisor.state.position, supervisor.exportServices()]).toEqual(before);
  });

  test("S9: what was exported is imported without a change, whatever the names", async () => {
    const { supervisor, imported } = await rig();
    const names = ['"a,b"', '"say ""x"""', '"two\nlines"', "'=1+1", "'''=x", "' x"];
    expect(await imported(osb(), ...names.map((name) => row({ name, notes: name })))).toMatchObject({
      ok: true,
    });
    const before = supervisor.state.services;
    expect(before.map(({ name }) => name)).toEqual([
      "OSB",
      "a,b",
      'say "x"',
      "two\nlines",
      "=1+1",
      "''=x",
      "' x",
    ]);
    const again = await supervisor.importServices(supervisor.exportServices(), { by });
    expect(again).toMatchObject({ ok: true, value: { added: [], changed: [], removed: [] } });
    expect(supervisor.state.services).toEqual(before);
  });

  test("R1: after a restart the ledger's table counts, not the first start's", async () => {
    const { world, engine, supervisor, imported } = await rig();
    await imported(osb({ port: "9" }), second());
    await supervisor.selectService("OSB-2", { by });
    engine.kill();
    const next = await world.open();
    expect(next.supervisor.snapshot().services).toMatchObject({
      rows: [{ port: 9 }, { name: "OSB-2" }],
      selected: "OSB-2",
      mismatch: null,
    });
  });
});

describe("a row in use by an unsettled request is neither changed nor removed", () => {
  /** How a request comes to rest unsettled, and what settles it. */
  const stages: Record<string, (made: Awaited<ReturnType<typeof rig>>) => Promise<() => void>> = {
    sending: async ({ world, engine }) => {
      const gate = Promise.withResolvers<void>();
      world.onSend = () => ({ hold: gate.promise });
      await acceptAll(engine, notification("1"));
      return () => gate.resolve();
    },
    "planned behind another": async ({ world, engine }) => {
      const gate = Promise.withResolvers<void>();
      world.onSend = () => ({ hold: gate.promise });
      await acceptAll(engine, notification("1"), notification("2", { key: "node-2" }));
      return () => gate.resolve();
    },
    "to be tried again": async ({ world, engine }) => {
      let calls = 0;
      world.onSend = () =>
        (calls += 1) === 1
          ? { answer: { kind: "refused", code: "UNAVAILABLE", cause: "later", retryAfterMs: null } }
          : undefined;
      await acceptAll(engine, notification("1"));
      return () => undefined;
    },
    "in doubt": async ({ world, engine }) => {
      let calls = 0;
      world.onSend = () => ((calls += 1) === 1 ? { answer: reset } : undefined);
      await acceptAll(engine, notification("1"));
      return () => undefined;
    },
  };

  test.for(Object.keys(stages))("%s", async (name) => {
    const made = await rig({ idempotency: "settles" });
    const { engine, supervisor, imported } = made;
    const base = osb({ idempotency: "settles" });
    await imported(base, second());
    const settle = await stages[name]?.(made);
    await engine.quiet();
    const [requestId = ""] = supervisor.state.requests.keys();
    expect(requestId).not.toBe("");

    const moved = osb({ idempotency: "settles", port: "9", timeoutSeconds: "31" });
    const told = await imported(moved, second(), row({ name: "C" }));
    expect(told).toMatchObject({ ok: false, failure: { code: "SERVICE_IN_USE" } });
    expect(told.ok ? [] : told.preview.errors.map(faultLine)).toEqual([
      `line 2, column port: expected no change of this row before request ${requestId} is settled; got 9`,
      `line 2, column timeoutSeconds: expected no change of this row before request ${requestId} is settled; got 31`,
    ]);
    await supervisor.selectService("OSB-2", { by });
    const removed = await imported(second());
    expect(removed).toMatchObject({ ok: false, failure: { code: "SERVICE_IN_USE" } });
    expect(removed.ok ? [] : removed.preview.errors.map(faultLine)).toEqual(
      expect.arrayContaining([expect.stringContaining(`because request ${requestId} is not settled`)]),
    );
    expect(supervisor.state.services).toHaveLength(2);
    // Rows that nothing holds on to are free.
    expect(await imported(base, second({ port: "10" }))).toMatchObject({ ok: true });

    settle?.();
    await engine.settled();
    expect(await imported(moved, second())).toMatchObject({ ok: true });
    expect(await engine.broken()).toEqual([]);
  });

  test("async: until the result is in", async () => {
    const { world, engine, supervisor, imported } = await rig({ row: { asyncSeconds: 30 } });
    world.onSend = () => ({ answer: { kind: "ack", ticketId: null } });
    await acceptAll(engine, notification("1"));
    await engine.quiet();
    const changed = osb({ asyncSeconds: "60" });
    expect(await imported(changed)).toMatchObject({ failure: { code: "SERVICE_IN_USE" } });
    const [requestId = ""] = supervisor.state.requests.keys();
    await supervisor.deliverAsync({
      requestId,
      result: "OK",
      ticketId: "T-1",
      code: null,
      cause: null,
      text: "",
    });
    await engine.settled();
    expect(await imported(changed)).toMatchObject({ ok: true });
  });

  test("a row that open tickets live in may move, but not go", async () => {
    const { engine, supervisor, imported } = await rig();
    await imported(osb(), second());
    await oneByOne(engine, notification("1"));
    await supervisor.selectService("OSB-2", { by });
    const told = await imported(second());
    expect(told.ok ? "" : told.failure.detail).toContain("1 open ticket lives there");
    expect(await imported(osb({ port: "9" }), second())).toMatchObject({ ok: true });
    await oneByOne(engine, clear("2"));
    expect(await engine.outcomes()).toMatchObject({ 1: "created", 2: "closed" });
    expect(await imported(second())).toMatchObject({ ok: true, value: { removed: ["OSB"] } });
  });

  test("a row that an unknown request is looked up in may not go", async () => {
    const { world, engine, supervisor, imported } = await rig({ idempotency: "none" });
    await imported(osb({ idempotency: "none" }), second());
    world.onSend = () => ({ answer: reset, applied: false });
    await oneByOne(engine, notification("1"));
    expect(await engine.outcomes()).toEqual({ 1: "unknown" });
    await supervisor.selectService("OSB-2", { by });
    const told = await imported(second());
    expect(told.ok ? "" : told.failure.detail).toContain("1 request is unknown there");
  });
});

describe("selection", () => {
  test("the running request stays on the old service, the next flow goes to the new one, a close where its ticket lives", async () => {
    const { world, engine, supervisor, imported } = await rig();
    await imported(osb(), second());
    const gate = Promise.withResolvers<void>();
    const sent: string[] = [];
    world.onSend = ({ request, service }) => {
      sent.push(`${request.payload.command} ${request.key} at ${service.name}:${service.port}`);
      return sent.length === 1 ? { hold: gate.promise } : undefined;
    };
    await acceptAll(engine, notification("1"));
    await engine.quiet();
    expect(await supervisor.selectService("OSB-2", { by })).toEqual({ ok: true, value: null });
    await acceptAll(engine, notification("2", { key: "node-2" }));
    await engine.quiet();
    gate.resolve();
    await engine.settled();
    await oneByOne(engine, clear("3"), clear("4", { key: "node-2" }));
    expect(sent).toEqual([
      "create node-1 at OSB:8650",
      "create node-2 at OSB-2:8651",
      "close node-1 at OSB:8650",
      "close node-2 at OSB-2:8651",
    ]);
    expect(await engine.broken()).toEqual([]);
  });

  test("refused: a name that is not in the table, a protocol that is not spoken; nothing is written", async () => {
    const { supervisor, imported } = await rig();
    await imported(osb(), row({ name: "B", protocol: "rt" }));
    const { position } = supervisor.state;
    const unknown = await supervisor.selectService("nobody", { by });
    expect(unknown).toMatchObject({ ok: false, failure: { code: "UNKNOWN_SERVICE" } });
    expect(unknown.ok ? "" : unknown.failure.detail).toBe(
      "There is no service nobody; the table has OSB, B.",
    );
    expect(await supervisor.selectService("B", { by })).toMatchObject({
      failure: { code: "SERVICES_INVALID" },
    });
    expect(await supervisor.selectService("OSB", { by })).toEqual({ ok: true, value: null });
    expect(supervisor.state.position).toBe(position);
  });

  test("S5: a row whose host is no longer listed is not selected", async () => {
    const { world, engine, imported } = await rig({
      config: { allowedServiceHosts: ["127.0.0.1", "b.example"] },
    });
    await imported(osb(), row({ name: "B", host: "b.example" }));
    engine.kill();
    const { supervisor } = await world.open({ config: { allowedServiceHosts: ["127.0.0.1"] } });
    const told = await supervisor.selectService("B", { by });
    expect(told.ok ? "" : told.failure.detail).toBe("B: b.example is not among allowedServiceHosts.");
  });

  test("is recorded with who and when", async () => {
    const { engine, supervisor, imported } = await rig();
    await imported(osb(), second());
    await supervisor.selectService("OSB-2", { by });
    expect((await engine.facts("operator.acted")).at(-1)?.body).toEqual({
      by,
      action: "services.select",
      target: "OSB-2",
      reason: "OSB was selected.",
    });
  });
});

describe("races", () => {
  test("import while a flow searches: its plan keeps the row it began with, to its last attempt", async () => {
    const { world, engine, imported } = await rig({ idempotency: "settles" });
    const gate = Promise.withResolvers<void>();
    world.onSearch = () => ({ hold: gate.promise });
    const ports: number[] = [];
    world.onSend = ({ service }) => {
      ports.push(service.port);
      return ports.length === 1 ? { answer: reset, applied: false } : undefined;
    };
    await acceptAll(engine, notification("1"));
    await engine.quiet();
    expect(await imported(osb({ idempotency: "settles", port: "9" }))).toMatchObject({ ok: true });
    world.onSearch = () => undefined;
    gate.resolve();
    await engine.settled();
    expect(ports).toEqual([8650, 8650]);
    const [planned] = await engine.facts("request.planned");
    expect(planned?.body.service.port).toBe(8650);
    await oneByOne(engine, notification("2", { key: "node-2" }));
    expect(ports).toEqual([8650, 8650, 9]);
    expect(await engine.broken()).toEqual([]);
  });

  test("import in every turn from an alarm to its ticket: refused, or the plan keeps one row throughout", async () => {
    const seen = new Set<string>();
    for (let turns = 0; turns < 12; turns += 1) {
      const { world, engine, imported } = await rig();
      const rows = new Set<number>();
      world.onSend = ({ service }) => void rows.add(service.port);
      const accepting = acceptAll(engine, notification("1"));
      for (let n = 0; n < turns; n += 1) await turn();
      const told = await imported(osb({ port: "9" }));
      await accepting;
      await engine.settled();
      expect(await engine.outcomes()).toEqual({ 1: "created" });
      expect(rows.size).toBe(1);
      const [planned] = await engine.facts("request.planned");
      expect([...rows]).toEqual([planned?.body.service.port]);
      expect(await engine.broken()).toEqual([]);
      seen.add(`${told.ok ? "imported" : told.failure.code} ${[...rows].join()}`);
    }
    // A run that never met one of them proves nothing.
    expect([...seen].sort()).toEqual(["SERVICE_IN_USE 8650", "imported 8650", "imported 9"]);
  });

  test("two imports in one turn: the later one is judged by what the earlier one left", async () => {
    const { engine, supervisor, imported } = await rig();
    const [first, last] = await Promise.all([imported(osb(), second()), imported(osb(), row({ name: "C" }))]);
    expect(first).toMatchObject({ ok: true, value: { added: ["OSB-2"], removed: [] } });
    expect(last).toMatchObject({ ok: true, value: { added: ["C"], removed: ["OSB-2"] } });
    expect(supervisor.state.services.map(({ name }) => name)).toEqual(["OSB", "C"]);
    expect(await engine.facts("services.imported")).toHaveLength(3);
  });

  test("a selection and the removal of its row in one turn: the selected service stays in the table", async () => {
    const { supervisor, imported } = await rig();
    await imported(osb(), second());
    const [selected, removed] = await Promise.all([
      supervisor.selectService("OSB-2", { by }),
      imported(osb()),
    ]);
    expect([selected.ok, removed.ok]).toEqual([true, false]);
    const { rows, selected: name } = supervisor.snapshot().services;
    expect(rows.map((one) => one.name)).toContain(name);
  });

  test("a row is not removed while a flow that began with it has yet to plan", async () => {
    const { world, engine, supervisor, imported } = await rig();
    await imported(osb(), second());
    const gate = Promise.withResolvers<void>();
    world.onSearch = () => ({ hold: gate.promise });
    await acceptAll(engine, notification("1"));
    await engine.quiet();
    await supervisor.selectService("OSB-2", { by });
    const told = await imported(second());
    expect(told.ok ? "" : told.failure.detail).toContain("until the flow of client-01, which began with it");
    world.onSearch = () => undefined;
    gate.resolve();
    await engine.settled();
    expect(supervisor.state.keys.get("node-1")?.open.values().next().value?.service).toBe("OSB");
    expect(await imported(second())).toMatchObject({ failure: { code: "SERVICE_IN_USE" } });
  });
});
