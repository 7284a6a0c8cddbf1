/** A6, before anything is refused: a sender waits for its acknowledgement, a flow can wait. */
import { expect, test } from "vitest";
import { AlarmAdmission } from "../../actors/alarm-admission.ts";
import { resolveConfig } from "../../actors/config.ts";
import { Dispatcher } from "../../actors/dispatcher.ts";
import { Journal } from "../../actors/journal.ts";
import { createMemoryLedger, createMemoryStorage } from "../../adapters/ledger/memory.ts";
import { decide } from "../../machines/decision.ts";
import { limits } from "../../machines/limits.ts";
import type { TicketClientRef } from "../../machines/ticket-client.machine.ts";
import type { ServiceInfo } from "../../machines/vocabulary.ts";
import { ManualClock } from "../alarms/manual-clock.ts";
import { turn } from "./engine-under-test.ts";
import { notification } from "./notifications.ts";

const neverBroken = (error: unknown): never => {
  throw error;
};
const most = limits.unacknowledgedCalmMax;

async function openAdmission(onCalm: () => void) {
  const ledger = createMemoryLedger(createMemoryStorage());
  const journal = await Journal.open(ledger, neverBroken);
  const clock = new ManualClock();
  const admission = new AlarmAdmission({ journal, ledger, clock, isStopping: () => false, onCalm });
  return { journal, clock, admission };
}

test("A6: with one alarm more on its way to the disk than a calm intake has, it is hurried until that one is answered", async () => {
  let calmed = 0;
  const { admission } = await openAdmission(() => (calmed += 1));
  const accept = (n: number) => admission.accept(notification(`alarm ${n}`, { key: `k${n}` }), `${n}`);
  const answers = Array.from({ length: most }, (_, n) => accept(n));
  expect(admission.isHurried).toBe(false);
  answers.push(accept(most));
  expect(admission.isHurried).toBe(true);
  await Promise.all(answers);
  expect(admission.isHurried).toBe(false);
  expect(calmed).toBe(1);
});

test("A6: in a hurry flows run one at a time, each as soon as the one before has left its client; then all clients work", async () => {
  const { journal, clock, admission } = await openAdmission(() => undefined);
  const config = resolveConfig({});
  if (!config.ok) throw new Error(config.failure.detail);
  let isHurried = true;
  let ids = 0;
  const begun: string[] = [];
  const clientNamed = (clientId: string) =>
    ({ send: () => void begun.push(clientId) }) as unknown as TicketClientRef;
  const dispatcher = new Dispatcher({
    journal,
    clock,
    ids: { uuid: () => `id-${++ids}`, random: () => 0 },
    config: config.value,
    decide,
    client: clientNamed,
    service: () => ({ name: "OSB" }) as ServiceInfo,
    hurried: () => isHurried,
  });
  for (const clientId of ["client-01", "client-02", "client-03"]) dispatcher.idle(clientId);
  for (const key of ["a", "b", "c", "d"])
    void admission.accept(notification(`${key} up`, { key }), key).catch(neverBroken);
  // What was begun in this turn is durable after the next.
  const settle = async (): Promise<void> => {
    do await turn();
    while (journal.pending > 0);
  };
  await settle();
  expect(begun).toEqual(["client-01"]);
  dispatcher.idle("client-01");
  await settle();
  expect(begun).toHaveLength(2);
  isHurried = false;
  dispatcher.wake();
  await settle();
  expect(begun).toHaveLength(4);
});
