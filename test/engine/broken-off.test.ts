/** A gateway that crashes while an exchange is under way: the exchange ends with it. */
import type { AnyActorRef } from "xstate";
import { expect, test } from "vitest";
import { gatewayChild } from "../../machines/supervisor.machine.ts";
import { turn, World } from "./engine-under-test.ts";
import { acceptAll, notification } from "./notifications.ts";

/** Turns of the event loop between the signal and the end of the exchange. */
const late = [0, 1, 2, 3, 5, 8];

test.each(late)(
  "G1 G2: what a crashed gateway was sending is broken off and in doubt, its end seen %i turns later",
  async (turns) => {
    let isHeld = true;
    const world = new World({
      config: { clients: 2 },
      wrap: (service) => ({
        ...service,
        async send(call) {
          const answer = await service.send(call);
          if (call.signal.aborted)
            // oxlint-disable-next-line no-await-in-loop -- turns follow each other
            for (let passed = 0; passed < turns; passed += 1) await turn();
          return answer;
        },
      }),
    });
    const never = new Promise<never>(() => undefined);
    world.onSend = () => {
      if (!isHeld) return undefined;
      isHeld = false;
      return { hold: never };
    };
    const engine = await world.open();
    await acceptAll(engine, notification("1"));
    await engine.quiet();
    expect(world.sends).toBe(1);
    const children = engine.supervisor.root.getSnapshot().children as Record<string, AnyActorRef>;
    children[gatewayChild("OSB")]?.send({ type: "gateway.enqueue", item: null }); // a defect: it throws at it
    await acceptAll(engine, notification("2", { key: "node-2" }));
    await engine.settled();
    expect(engine.logged).toEqual(["child.crashed"]);
    expect(await engine.outcomes()).toEqual({ 1: "created", 2: "created" });
    expect(world.service.truth()).toMatchObject({ open: 2, duplicateOpen: 0 });
    const doubts = (await engine.facts("request.answered")).filter(({ body }) => body.answer === "inDoubt");
    expect(doubts.map(({ body }) => body.attempt)).toEqual([1]);
    expect(await engine.broken()).toEqual([]);
  },
);
