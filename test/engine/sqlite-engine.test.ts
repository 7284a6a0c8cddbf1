/** A few whole runs on the real ledger: what holds in memory holds on the disk. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Ledger } from "../../actors/ports.ts";
import { makeLedgerDirectory, type LedgerDirectory } from "../ledger/ledger-directory.ts";
import { World } from "./engine-under-test.ts";
import { acceptAll, clear, notification } from "./notifications.ts";

let directory: LedgerDirectory;
const open: Ledger[] = [];

beforeEach(async () => {
  directory = await makeLedgerDirectory();
});
afterEach(async () => {
  for (const ledger of open.splice(0)) await ledger.close();
  await directory.dispose();
});

async function openLedger(): Promise<Ledger> {
  const ledger = await directory.open();
  open.push(ledger);
  return ledger;
}

function burst(count: number) {
  const keys = Array.from({ length: count }, (_, index) => `node-${index}`);
  return keys.flatMap((key) => [
    notification(`${key} up`, { key }),
    notification(`${key} fan`, { key, alarm: `${key}/fan` }),
    clear(`${key} down`, { key }),
  ]);
}

test("A1, A2, R1: a burst on the SQLite ledger settles, and the live state is the fold of the file", async () => {
  const world = new World({ openLedger, config: { clients: 8, coalesce: false } });
  const engine = await world.open();
  await acceptAll(engine, ...burst(40));
  await engine.settled();
  expect(engine.supervisor.counters().outcomes).toEqual({ created: 40, adopted: 40, stopped: 40 });
  expect(world.service.truth()).toMatchObject({ open: 40, duplicateOpen: 0 });
  expect(await engine.broken()).toEqual([]);
  await engine.supervisor.stop();
});

test("A4, R1, R2: stopped and opened again from its snapshot, the engine knows every alarm and goes on", async () => {
  const world = new World({ openLedger, config: { clients: 2, coalesce: false } });
  const first = await world.open();
  await acceptAll(first, ...burst(5));
  await first.settled();
  await first.supervisor.stop();
  const second = await world.open();
  const again = await Promise.all(burst(5).map((one) => second.supervisor.accept(one, JSON.stringify(one))));
  expect(again.every((one) => one.kind === "accepted" && one.duplicate)).toBe(true);
  await acceptAll(second, clear("last", { key: "node-0", alarm: "node-0/fan" }));
  await second.settled();
  expect((await second.outcomes())["last"]).toBe("closed");
  expect(second.supervisor.counters()).toMatchObject({ accepted: 16, settled: 16, openTickets: 4 });
  expect(await second.broken()).toEqual([]);
});

test("G2, T1: a process that died while sending a create finds its ticket after the restart and makes no second one", async () => {
  const world = new World({ openLedger, idempotency: "settles", config: { clients: 2 } });
  const first = await world.open();
  world.onSend = () => ({ hold: new Promise(() => undefined) });
  await acceptAll(first, notification("1"));
  await first.quiet();
  first.kill();
  await first.ledger.close();
  world.onSend = () => undefined;
  const second = await world.open();
  await second.settled();
  expect(await second.outcomes()).toEqual({ 1: "created" });
  expect(world.service.truth()).toMatchObject({ requests: 1, creates: 1, duplicateOpen: 0 });
  expect(await second.broken()).toEqual([]);
});

test("R4 T1: a create whose sending is in the ledger's lost end is in doubt, and makes no second ticket", async () => {
  const world = new World({ openLedger, config: { clients: 2 } });
  world.onSearch = ({ criteria }) =>
    criteria.requestedBy === undefined
      ? { answer: { kind: "found", tickets: [], truncated: false } } // its index lags
      : undefined;
  const first = await world.open();
  await acceptAll(first, notification("1"));
  await first.settled();
  const [planned] = await first.facts("request.planned");
  first.kill();
  await first.ledger.close();
  directory.tamper(`DELETE FROM facts WHERE position > ${planned?.position}`);
  const second = await world.open({
    openLedger: async () => {
      const ledger = await directory.open({ acceptShortened: true });
      open.push(ledger);
      return ledger;
    },
  });
  await second.settled();
  expect(await second.outcomes()).toEqual({ 1: "created" });
  expect(world.service.truth()).toMatchObject({ creates: 1, duplicateOpen: 0 });
});

test("R3: a disk that is full stops the engine once, and what was acknowledged is there after room was made", async () => {
  const openFull = async (): Promise<Ledger> => {
    const ledger = await directory.open({ pagesMax: 60 });
    open.push(ledger);
    return ledger;
  };
  const world = new World({ openLedger: openFull, config: { clients: 2 } });
  const first = await world.open();
  const acknowledged: string[] = [];
  for (let count = 0; first.failures.length === 0 && count < 2_000; count += 1) {
    const one = notification(`${count}`, { key: `node-${count}`, details: "x".repeat(2_000) });
    // oxlint-disable-next-line no-await-in-loop -- until the disk is full
    const told = await first.supervisor.accept(one, one.id).catch(() => null);
    if (told?.kind === "accepted") acknowledged.push(one.id);
  }
  expect(first.failures).toHaveLength(1);
  expect(acknowledged.length).toBeGreaterThan(5);
  first.kill();
  await first.ledger.close();
  const second = await world.open({ openLedger });
  await second.settled();
  const outcomes = await second.outcomes();
  for (const id of acknowledged) expect(outcomes[id]).toBe("created");
  expect(world.service.truth().duplicateOpen).toBe(0);
  expect(await second.broken()).toEqual([]);
});
