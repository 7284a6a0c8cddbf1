/** What JSON cannot write, handed in by the program around the engine: its asker hears of it, and nobody else. */
import { expect, test } from "vitest";
import { World } from "./engine-under-test.ts";
import { acceptAll, notification } from "./notifications.ts";

interface Cyclic {
  readonly self?: Cyclic;
}
const cycle: { self?: Cyclic } = {};
cycle.self = cycle;

const unwritable: readonly (readonly [string, unknown])[] = [
  ["a BigInt", 10n],
  ["a cycle", cycle],
];

test.each(unwritable)("R6: an alarm with %s is refused, and the next is taken", async (_, value) => {
  const engine = await new World().open();
  const bad = { ...notification("bad"), probableCause: value as string };
  const refused = { failure: { code: "INVALID", detail: expect.stringContaining("alarm.accepted") } };
  await expect(engine.supervisor.accept(bad, "digest")).rejects.toMatchObject(refused);
  await expect(engine.supervisor.raise(bad)).rejects.toThrow(TypeError); // already its digest
  await acceptAll(engine, notification("good"));
  await engine.settled();
  expect(await engine.outcomes()).toEqual({ good: "created" });
  expect(engine.failures).toEqual([]);
  expect(await engine.broken()).toEqual([]);
});

test.each(unwritable)(
  "R6: a flow by hand that asks for %s hears so and keeps its client",
  async (_, value) => {
    const engine = await new World().open();
    const held = await engine.supervisor.lock();
    const text = value as string;
    await expect(held.search({ clientReference: text })).rejects.toThrow(TypeError);
    const payload = { command: "close", ticketId: "T-1", cause: text, resolution: text } as never;
    await expect(held.forward("node-1", payload)).rejects.toThrow(TypeError);
    expect(await held.search({ clientReference: "node-1" })).toMatchObject({
      ok: true,
      value: { tickets: [] },
    });
    expect(await held.close()).toEqual({ ok: true, value: null });
    await engine.quiet();
    expect([engine.failures, engine.logged]).toEqual([[], []]);
    expect(await engine.broken()).toEqual([]);
  },
);

test("R1 A4: a name with half a character is refused, which the ledger would not give back as it was", async () => {
  const engine = await new World().open();
  const half = "node-\ud800";
  const refused = { failure: { code: "INVALID", detail: expect.stringContaining("half a character") } };
  await expect(engine.supervisor.raise(notification("1", { key: half }))).rejects.toMatchObject(refused);
  await expect(engine.supervisor.raise(notification(half))).rejects.toMatchObject(refused);
  const held = await engine.supervisor.lock();
  const close = { command: "close", ticketId: "T-1", endAt: 0, closeCode: "cleared", alarmRefs: [] } as const;
  await expect(held.forward(half, close)).rejects.toThrow(TypeError);
  expect(await held.close()).toEqual({ ok: true, value: null });
  await acceptAll(engine, notification("2", { details: half })); // in a body it is written as it is
  await engine.settled();
  expect([engine.failures, engine.logged]).toEqual([[], []]);
  expect(await engine.broken()).toEqual([]);
});
