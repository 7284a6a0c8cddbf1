/**
 * L4, L6 exhaustively: each force, in each state of a client and of its request, naming the lock that is held, the one
 * before or one that never was, once, twice, and twice at the same time.
 */
import { describe, expect, test } from "vitest";
import type { ClientView, ForceOptions } from "../../actors/supervisor.ts";
import type { Batch, Ledger } from "../../actors/ports.ts";
import { createMemoryLedger, createMemoryStorage } from "../../adapters/ledger/memory.ts";
import { turn, World, type EngineUnderTest } from "./engine-under-test.ts";
import { acceptAll, notification } from "./notifications.ts";
import { slowToTell } from "./slow-ledger.ts";

const forces = ["forceUnlock", "forceNotBusy"] as const;
type Force = (typeof forces)[number];
const named = ["held", "old", "never"] as const;
type Named = (typeof named)[number];
const timesOf = ["once", "twice", "together"] as const;
type Times = (typeof timesOf)[number];

const places = [
  "idle",
  "locked",
  "searching",
  "forwarding, planned",
  "forwarding, sending",
  "forwarding, answered just after",
  "forwarding, answered just before",
  "closing",
] as const;
type Place = (typeof places)[number];

/**
 * What is told when the lock that is held is named; `/` parts the first from the second. Any other lock: STALE_GUID,
 * and where nothing is locked NOT_LOCKED.
 */
const table: Readonly<Record<Place, Readonly<Record<Force, Readonly<Record<Times, string>>>>>> = {
  idle: both("NOT_LOCKED"),
  locked: {
    forceUnlock: { once: "ok", twice: "ok / NOT_LOCKED", together: "ok / NOT_LOCKED" },
    forceNotBusy: always("NOT_BUSY"),
  },
  searching: {
    forceUnlock: { once: "ok", twice: "ok / NOT_LOCKED", together: "ok / NOT_LOCKED" },
    forceNotBusy: { once: "ok", twice: "ok / NOT_BUSY", together: "ok / NOT_BUSY" },
  },
  "forwarding, planned": {
    forceUnlock: { once: "ok", twice: "ok / NOT_LOCKED", together: "ok / NOT_LOCKED" },
    forceNotBusy: { once: "ok", twice: "ok / NOT_LOCKED", together: "ok / NOT_BUSY" },
  },
  "forwarding, sending": {
    forceUnlock: { once: "ok", twice: "ok / NOT_LOCKED", together: "ok / NOT_LOCKED" },
    forceNotBusy: { once: "ok", twice: "ok / NOT_LOCKED", together: "ok / NOT_BUSY" },
  },
  "forwarding, answered just after": {
    forceUnlock: { once: "ok", twice: "ok / NOT_LOCKED", together: "ok / NOT_LOCKED" },
    forceNotBusy: { once: "ok", twice: "ok / NOT_LOCKED", together: "ok / NOT_BUSY" },
  },
  "forwarding, answered just before": {
    forceUnlock: { once: "ok", twice: "ok / NOT_LOCKED", together: "ok / NOT_LOCKED" },
    forceNotBusy: { once: "ok", twice: "ok / NOT_LOCKED", together: "ok / NOT_BUSY" },
  },
  closing: {
    forceUnlock: always("NOT_LOCKED"),
    forceNotBusy: always("NOT_BUSY"),
  },
};

function always(told: string): Readonly<Record<Times, string>> {
  return { once: told, twice: `${told} / ${told}`, together: `${told} / ${told}` };
}
/** Of a lock that is not held. */
function refusal(place: Place, times: Times): string {
  if (place === "idle") return always("NOT_LOCKED")[times];
  // The second time the flow has ended by itself.
  if (place.includes("answered") && times === "twice") return "STALE_GUID / NOT_LOCKED";
  return always("STALE_GUID")[times];
}
function both(told: string) {
  return { forceUnlock: always(told), forceNotBusy: always(told) };
}

const clientId = "client-01";
const operator = { by: "ann", reason: "it hangs" };

/** A client in its place. `release` lets go what holds it there; `answer` what a request in flight is told. */
interface Scene {
  readonly world: World;
  readonly engine: EngineUnderTest;
  readonly batches: readonly Batch[];
  /** Every view of the client that was told since the scene began, with how many facts were durable then. */
  readonly views: { readonly view: ClientView; readonly durable: number }[];
  readonly heldGuid: string;
  readonly oldGuid: string;
  release(): void;
}

async function scene(place: Place): Promise<Scene> {
  const storage = createMemoryStorage();
  const batches: Batch[] = [];
  const told = Promise.withResolvers<void>();
  // The end of the scene's flow is durable, and nobody has heard of it yet.
  const holdsEnd = place === "closing";
  let isFirst = true;
  const world = new World({
    config: { clients: place === "forwarding, planned" ? 2 : 1 },
    openLedger: () => {
      const inner = createMemoryLedger(storage);
      const ledger: Ledger = {
        ...inner,
        append(batch) {
          batches.push(batch);
          return inner.append(batch);
        },
      };
      return Promise.resolve(
        slowToTell(ledger, ({ facts }) => {
          if (!holdsEnd || !facts.some(({ fact }) => fact.type === "client.unlocked")) return null;
          if (isFirst) {
            isFirst = false; // of the lock before
            return null;
          }
          return told.promise;
        }),
      );
    },
  });
  const engine = await world.open();
  const before = await engine.supervisor.lock();
  expect(before.clientId).toBe(clientId);
  await before.close();
  const gate = Promise.withResolvers<void>();
  const state = place.split(",")[0];
  if (place === "locked") await engine.supervisor.lock();
  else if (place === "searching") {
    world.onSearch = () => ({ hold: gate.promise });
    await acceptAll(engine, notification("1"));
  } else if (place !== "idle") {
    if (place !== "closing") world.onSend = () => ({ hold: gate.promise });
    if (place === "forwarding, planned") {
      // client-02, which has rested longer, comes first with a request that is being sent; client-01's waits behind it.
      await acceptAll(engine, notification("0", { key: "node-0" }));
      await engine.quiet();
    }
    await acceptAll(engine, notification("1"));
  }
  if (place === "closing") while (clientOf(engine).state !== "closing") await turn();
  else await engine.quiet();
  const view = clientOf(engine);
  expect(view.state).toBe(state);
  const views: Scene["views"] = [];
  engine.supervisor.onClient((one) => {
    if (one.clientId === clientId) views.push({ view: one, durable: storage.facts.length });
  });
  return {
    world,
    engine,
    batches,
    views,
    heldGuid: view.lockGuid ?? before.lockGuid,
    oldGuid: before.lockGuid,
    release() {
      world.onSearch = () => undefined;
      world.onSend = () => undefined;
      gate.resolve();
      told.resolve();
    },
  };
}

function clientOf(engine: EngineUnderTest): ClientView {
  const view = engine.supervisor.snapshot().clients.find((one) => one.clientId === clientId);
  if (view === undefined) throw new Error(`no ${clientId}`);
  return view;
}

async function forced(
  { engine, heldGuid, release }: Scene,
  place: Place,
  { force, times, lockGuid }: { readonly force: Force; readonly times: Times; readonly lockGuid: string },
): Promise<string[]> {
  const options: ForceOptions = { lockGuid, ...operator };
  const once = async (): Promise<string> => {
    const result = await engine.supervisor[force](clientId, options);
    return result.ok ? "ok" : result.failure.code;
  };
  if (place === "forwarding, answered just before") release();
  const first = once();
  const second = times === "together" ? once() : null;
  if (place === "forwarding, answered just after") release();
  if (place === "closing" && force === "forceUnlock" && lockGuid === heldGuid) {
    // The ledger answers in order: the end of the flow is heard of first.
    await turn();
    release();
  }
  const told = [await first];
  if (second !== null) told.push(await second);
  if (times === "twice") {
    // By then the client has done what it does at once; one that is held in `closing` does nothing.
    if (place !== "closing") await engine.quiet();
    told.push(await once());
  }
  return told;
}

describe.each(places)("L4 L6: %s:", (place) => {
  describe.each(forces)("%s", (force) => {
    test.each(named.flatMap((guid) => timesOf.map((times) => ({ guid, times }))))(
      "names the $guid lock, $times",
      async ({ guid, times }) => {
        const at = await scene(place);
        const { world, engine } = at;
        const lockGuid = { held: at.heldGuid, old: at.oldGuid, never: "never" }[guid satisfies Named];
        const before = clientOf(engine);
        const position = engine.supervisor.state.position;

        const told = await forced(at, place, { force, times, lockGuid });

        expect(told.join(" / ")).toBe(guid === "held" ? table[place][force][times] : refusal(place, times));
        const done = told.filter((one) => one === "ok").length;
        await expectRecorded(at, place, { force, lockGuid, done });
        if (done > 0) await expectFreed(at, place, force);
        else if (isStill(place, force, guid)) {
          // A refusal leaves no fact, and the lock as it was.
          expect(engine.supervisor.state.position).toBe(position);
          expect(clientOf(engine)).toEqual(before);
        }
        await expectGoesOn(at, place, { force, done });
        expect(await engine.broken()).toEqual([]);
        expect(world.broken).toEqual([]);
      },
    );
  });
});

/** Nothing but the force happens meanwhile. */
function isStill(place: Place, force: Force, guid: Named): boolean {
  if (place === "closing") return force === "forceNotBusy" || guid !== "held";
  return !place.includes("answered");
}

/** L6: a record for each force that was carried out, which names the lock, who and why, and is durable before the effect. */
async function expectRecorded(
  { engine, views, heldGuid }: Scene,
  place: Place,
  { force, lockGuid, done }: { readonly force: Force; readonly lockGuid: string; readonly done: number },
): Promise<void> {
  const facts = await engine.facts(force === "forceUnlock" ? "client.lockForced" : "client.notBusyForced");
  expect(facts).toHaveLength(done);
  const other = await engine.facts(force === "forceUnlock" ? "client.notBusyForced" : "client.lockForced");
  expect(other).toEqual([]);
  for (const { body, position } of facts) {
    expect(body).toMatchObject({ clientId, lockGuid, ...operator });
    if (place.includes("answered")) continue; // the answer had that effect
    const effect = views.find(({ view }) =>
      force === "forceUnlock" ? view.lockGuid !== heldGuid : view.busyStatus === "notBusy",
    );
    expect(effect?.durable ?? Number.NaN).toBeGreaterThanOrEqual(position);
  }
}

/** L4: what was not yet being sent is cancelled in the commit of the force; what is, is not. */
async function expectFreed({ engine, batches }: Scene, place: Place, force: Force): Promise<void> {
  const record = force === "forceUnlock" ? "client.lockForced" : "client.notBusyForced";
  const commit = batches.findLast(({ facts }) => facts.some(({ fact }) => fact.type === record));
  const cancelled = commit?.facts.filter(({ fact }) => fact.type === "request.settled") ?? [];
  expect(cancelled).toHaveLength(place === "forwarding, planned" ? 1 : 0);
  if (place !== "forwarding, sending") return;
  // The client is free for others, the key is not.
  await engine.quiet();
  expect(clientOf(engine)).toMatchObject({ state: "idle", lockStatus: "unlocked" });
  const started = (await engine.facts("flow.started")).length;
  await acceptAll(engine, notification("2", { alarm: "node-1/fan" }), notification("3", { key: "node-2" }));
  await engine.quiet();
  const keys = (await engine.facts("flow.started")).slice(started).map(({ body }) => body.key);
  expect(keys).toEqual(["node-2"]);
}

/** Everything that was accepted settles, once, as the service knows it; and the client serves the next alarm. */
async function expectGoesOn(
  { world, engine, release }: Scene,
  place: Place,
  { force, done }: { readonly force: Force; readonly done: number },
): Promise<void> {
  release();
  if (place === "locked" && (force === "forceNotBusy" || done === 0)) {
    // Its holder is this test: it ends by the deadline.
    await engine.pass(300);
  }
  await engine.settled();
  await acceptAll(engine, notification("9", { key: "node-9" }));
  await engine.settled();
  const outcomes = await engine.outcomes();
  expect(outcomes["9"]).toBe("created");
  const aborts =
    done > 0 && ((place === "searching" && force === "forceUnlock") || place === "forwarding, planned");
  if ("1" in outcomes) expect(outcomes["1"]).toBe(aborts ? "aborted" : "created");
  expect(world.service.truth().creates).toBe(
    Object.values(outcomes).filter((one) => one === "created").length,
  );
  expect(world.service.truth().duplicateOpen).toBe(0);
  expect(clientOf(engine)).toMatchObject({ state: "idle", lockStatus: "unlocked", lockGuid: null });
}
