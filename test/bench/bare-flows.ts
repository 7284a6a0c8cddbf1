/**
 * The ceiling of durable flows: nothing but XState and SQLite, with the durability that the engine promises.
 * A client of five states and five events a flow, a flow actor spawned under it; three commits a flow of one
 * row each (locked, sending, ended), grouped as the ledger groups them: all appends of one turn are one
 * transaction and one sync (WAL, synchronous=FULL). "Sending" is held by one request at a time (G1, G2).
 * No decision, no fold, no hash chain, no rows to show, no queue but the one for sending.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { assign, createActor, setup, stopChild, type AnyActorRef } from "xstate";
import { warmUp, type FlowFigures, type FlowLoad } from "./engine-flows.ts";

type ClientEvent =
  | { readonly type: "client.lock" }
  | { readonly type: "client.search" }
  | { readonly type: "client.forward" }
  | { readonly type: "client.close" }
  | { readonly type: "client.closed" };

interface Ports {
  readonly append: (body: string) => Promise<void>;
  /** Appends when it is this request's turn; the next one's turn comes when that is durable. */
  readonly appendAlone: (body: string) => Promise<void>;
  readonly onIdle: (client: AnyActorRef) => void;
}

const flowMachine = setup({
  types: {
    context: {} as { readonly client: AnyActorRef },
    events: {} as { readonly type: "flow.found" } | { readonly type: "flow.forwarded" },
    input: {} as { readonly client: AnyActorRef },
  },
  actions: {
    askSearch: ({ context }) => context.client.send({ type: "client.search" }),
    askForward: ({ context }) => context.client.send({ type: "client.forward" }),
    askClose: ({ context }) => context.client.send({ type: "client.close" }),
  },
}).createMachine({
  id: "bareFlow",
  initial: "searching",
  context: ({ input }) => ({ client: input.client }),
  states: {
    searching: { entry: "askSearch", on: { "flow.found": "forwarding" } },
    forwarding: { entry: "askForward", on: { "flow.forwarded": "ended" } },
    ended: { type: "final", entry: "askClose" },
  },
});

function clientMachine({ append, appendAlone, onIdle }: Ports) {
  return setup({
    types: { context: {} as { readonly flows: number }, events: {} as ClientEvent },
    actors: { flow: flowMachine },
    actions: {
      spawnFlow: assign(({ context, spawn, self }) => {
        spawn("flow", { id: "flow", input: { client: self } });
        return { flows: context.flows + 1 };
      }),
      stopFlow: stopChild("flow"),
      search: ({ self }) =>
        void Promise.resolve().then(() => self.getSnapshot().children["flow"]?.send({ type: "flow.found" })),
      forward: ({ self }) =>
        void appendAlone(row).then(() =>
          self.getSnapshot().children["flow"]?.send({ type: "flow.forwarded" }),
        ),
      close: ({ self }) => void append(row).then(() => self.send({ type: "client.closed" })),
      announceIdle: ({ self }) => onIdle(self),
    },
  }).createMachine({
    id: "bareClient",
    initial: "idle",
    context: { flows: 0 },
    states: {
      idle: {
        entry: ["stopFlow", "announceIdle"],
        on: { "client.lock": { target: "locked", actions: "spawnFlow" } },
      },
      locked: { on: { "client.search": "searching" } },
      searching: { entry: "search", on: { "client.forward": "forwarding" } },
      forwarding: { entry: "forward", on: { "client.close": "closing" } },
      closing: { entry: "close", on: { "client.closed": "idle" } },
    },
  });
}

/** As long as the shortest fact of the engine. */
const row = JSON.stringify({
  requestId: crypto.randomUUID(),
  key: "node-1234",
  lockGuid: crypto.randomUUID(),
});

export async function bareFlows(load: FlowLoad): Promise<FlowFigures> {
  await run({ ...load, ...warmUp });
  return run(load);
}

async function run({ parent, clients, keys, secondsMax }: FlowLoad): Promise<FlowFigures> {
  const dir = mkdtempSync(join(parent, "bench-bare-"));
  const db = new DatabaseSync(join(dir, "bare.db"));
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE rows (position INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT`);
  try {
    const figures = await settleAll(db, { clients, flows: keys * 2, secondsMax });
    const { rows } = db.prepare("SELECT count(*) AS rows FROM rows").get() ?? {};
    if (figures.flows === keys * 2 && rows !== figures.flows * 3)
      throw new Error(`Expected three rows a flow, found ${Number(rows)} for ${figures.flows} flows.`);
    return figures;
  } finally {
    db.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

interface BareLoad {
  readonly clients: number;
  readonly flows: number;
  readonly secondsMax: number;
}

async function settleAll(db: DatabaseSync, { clients, flows, secondsMax }: BareLoad): Promise<FlowFigures> {
  const append = groupedAppends(db);
  const done = Promise.withResolvers<void>();
  let started = 0;
  let ended = 0;
  let running = false;

  function startFlow(client: AnyActorRef): void {
    if (started === flows) return;
    started += 1;
    void append(row).then(() => client.send({ type: "client.lock" }));
  }

  const machine = clientMachine({
    append,
    appendAlone: oneAtATime(append),
    onIdle(client) {
      if (!running) return;
      ended += 1;
      if (ended === flows) done.resolve();
      startFlow(client);
    },
  });
  const actors = Array.from({ length: clients }, () => createActor(machine).start());
  running = true;

  const cpuFrom = process.cpuUsage();
  const from = performance.now();
  for (const actor of actors) startFlow(actor);
  const timer = setTimeout(() => done.resolve(), secondsMax * 1_000);
  await done.promise;
  clearTimeout(timer);
  const settled = ended;
  const seconds = (performance.now() - from) / 1_000;
  const cpu = process.cpuUsage(cpuFrom);
  for (const actor of actors) actor.stop();
  return { flows: settled, seconds, cpuSeconds: (cpu.user + cpu.system) / 1e6 };
}

/** All appends of one turn of the event loop are one transaction and one sync. */
function groupedAppends(db: DatabaseSync): Ports["append"] {
  const begin = db.prepare("BEGIN IMMEDIATE");
  const insert = db.prepare("INSERT INTO rows (body) VALUES (?)");
  const commit = db.prepare("COMMIT");
  let pending: { readonly body: string; readonly resolve: () => void }[] = [];

  function flush(): void {
    if (!db.isOpen) return; // cut off
    const group = pending;
    pending = [];
    begin.run();
    for (const { body } of group) insert.run(body);
    commit.run();
    for (const { resolve } of group) resolve();
  }

  return (body) =>
    new Promise((resolve) => {
      if (pending.length === 0) setImmediate(flush);
      pending.push({ body, resolve });
    });
}

function oneAtATime(append: Ports["append"]): Ports["appendAlone"] {
  const waiting: (() => void)[] = [];
  let taken = false;
  return async (body) => {
    if (taken) await new Promise<void>((resolve) => waiting.push(resolve));
    taken = true;
    await append(body);
    const next = waiting.shift();
    if (next === undefined) taken = false;
    else next();
  };
}
