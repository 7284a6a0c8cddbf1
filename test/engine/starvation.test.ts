/** R6: keys whose search keeps failing, and the others. */
import { expect, test } from "vitest";
import { World } from "./engine-under-test.ts";
import { acceptAll, notification } from "./notifications.ts";

const timeout = { kind: "error", code: "TIMEOUT", cause: "no answer", permanent: false } as const;

test("R6: eight keys whose searches are never answered in time do not keep twenty others from their tickets", async () => {
  const world = new World({ config: { clients: 4 } });
  world.onSearch = ({ criteria }) =>
    JSON.stringify(criteria).includes("sick")
      ? {
          answer: timeout,
          hold: new Promise<void>((resolve) => void world.clock.setTimeout(resolve, 30_000)),
        }
      : undefined;
  const engine = await world.open();
  const named = (name: string, count: number) =>
    Array.from({ length: count }, (_, n) => notification(`${name}${n} up`, { key: `${name}${n}` }));
  await acceptAll(engine, ...named("sick", 8));
  await engine.pass(30);
  await acceptAll(engine, ...named("well", 20));
  await engine.pass(3_600);
  expect(engine.supervisor.counters().outcomes).toEqual({ created: 20 });
});
