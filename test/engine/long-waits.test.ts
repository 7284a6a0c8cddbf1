/** Waits longer than Node's timers can count, 24.8 days. */
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../adapters/clock/system.ts";
import { World } from "./engine-under-test.ts";

const waits = [30 * 86_400, Infinity];

async function heldByHand() {
  const world = new World({ config: { clients: 1 }, more: { clock: systemClock } });
  const { supervisor } = await world.open();
  onTestFinished(() => supervisor.stop({ drainSeconds: 0 }));
  return { supervisor, held: await supervisor.lock() };
}

test.each(waits)(
  "L1: a hand that waits %s s for a client waits until one is idle",
  async (timeoutSeconds) => {
    const { supervisor, held } = await heldByHand();
    const next = supervisor.lock({ timeoutSeconds });
    expect(await Promise.race([next, aMoment()])).toBe("waits");
    await held.close();
    expect((await next).clientId).toBe(held.clientId);
  },
);

test.each(waits)("a stop that lets flows end for %s s does not cut them off", async (drainSeconds) => {
  const { supervisor, held } = await heldByHand();
  const stopping = supervisor.stop({ drainSeconds });
  expect(await Promise.race([stopping, aMoment()])).toBe("waits");
  expect(await held.close()).toMatchObject({ ok: true });
  await stopping;
});

function aMoment(): Promise<"waits"> {
  return new Promise((resolve) => systemClock.setTimeout(() => resolve("waits"), 50));
}
