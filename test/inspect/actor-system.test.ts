/** F4: hearing the actors of a system, with and without what XState keeps to itself. */
import { createActor, createMachine } from "xstate";
import { expect, test } from "vitest";
import { type ActorEvent, observeActors } from "../../actors/actor-system.ts";

const machine = createMachine({
  initial: "on",
  states: { on: { on: { toggle: "off" } }, off: { on: { toggle: "on" } } },
});

test("every event and state is heard, also by XState's own inspectors, until the end", () => {
  const theirs: ActorEvent[] = [];
  const [first, second]: [ActorEvent[], ActorEvent[]] = [[], []];
  const actor = createActor(machine, { inspect: (event) => void theirs.push(event) }).start();
  const before = theirs.length;
  const endFirst = observeActors(actor, (event) => void first.push(event));
  const endSecond = observeActors(actor, (event) => void second.push(event));
  actor.send({ type: "toggle" });
  const types = first.map(({ type }) => type);
  expect(types).toContain("@xstate.event");
  expect(types).toContain("@xstate.snapshot");
  expect(second.map(({ type }) => type)).toEqual(types);
  expect(theirs.slice(before).map(({ type }) => type)).toEqual(types);
  endFirst(); // not the last that came
  actor.send({ type: "toggle" });
  expect(first).toHaveLength(types.length);
  expect(second).toHaveLength(2 * types.length);
  endSecond();
  actor.send({ type: "toggle" });
  expect(first).toHaveLength(types.length);
  expect(second).toHaveLength(2 * types.length);
  expect(theirs).toHaveLength(before + 3 * types.length);
});

test("nothing of us stays in the system when the only one that hears has ended", () => {
  const actor = createActor(machine).start();
  const own: unknown = Reflect.get(actor.system, "_sendInspectionEvent");
  for (let times = 0; times < 3; times += 1) observeActors(actor, () => undefined)();
  expect(own).toBeTypeOf("function");
  expect(Reflect.get(actor.system, "_sendInspectionEvent")).toBe(own);
});

test("a version of XState that keeps its events elsewhere is observed as it offers", () => {
  const actor = createActor(machine).start();
  const heard: ActorEvent[] = [];
  const { inspect } = actor.system;
  const ref = { system: { inspect: inspect.bind(actor.system) } } as unknown as typeof actor;
  const end = observeActors(ref, (event) => void heard.push(event));
  actor.send({ type: "toggle" });
  const { length } = heard;
  expect(heard.map(({ type }) => type)).toContain("@xstate.snapshot");
  end();
  actor.send({ type: "toggle" });
  expect(heard).toHaveLength(length);
});
