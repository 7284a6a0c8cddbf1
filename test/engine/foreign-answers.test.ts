/** Answers that name a ticket which nobody asked about, and what a refusal says of an attempt before it. */
import { expect, test } from "vitest";
import type { Ticket } from "../../machines/vocabulary.ts";
import { asyncWorld, result } from "./async-world.ts";
import { World } from "./engine-under-test.ts";
import { acceptAll, clear, notification } from "./notifications.ts";

const reset = { kind: "inDoubt", code: "RESET", cause: "connection reset" } as const;
type Engine = Awaited<ReturnType<World["open"]>>;

const linked = ({ supervisor }: Engine) => [...(supervisor.state.keys.get("node-1")?.open.keys() ?? [])];

/** MEM-1, as a search shows it. */
function openOf(key: string): Ticket {
  return {
    ticketId: "MEM-1",
    kind: "MO",
    status: "acknowledged",
    severity: "major",
    clientReference: key,
    networkElements: [key],
  };
}

async function closes(engine: Engine): Promise<string[]> {
  const planned = await engine.facts("request.planned");
  return planned.flatMap(({ body: { payload } }) => (payload.command === "close" ? [payload.ticketId] : []));
}

test.each(["settles", "none"] as const)(
  "T1: a service that shows another key's ticket for a request id has not found it, and that ticket is not closed (%s)",
  async (idempotency) => {
    const world = new World({ idempotency });
    const engine = await world.open();
    await acceptAll(engine, notification("0", { key: "node-2" }));
    await engine.settled();
    world.onSearch = ({ criteria }) =>
      criteria.requestedBy === undefined
        ? undefined
        : { answer: { kind: "found", tickets: [openOf("node-2")], truncated: false } };
    world.onSend = () => ({ answer: reset, applied: false });
    await acceptAll(engine, notification("1"));
    await engine.until(() => engine.supervisor.state.requests.size === 1);
    await engine.quiet();
    world.onSend = () => undefined;
    await engine.settled();
    await acceptAll(engine, notification("2", { alarm: "node-1/fan" }));
    await engine.settled();
    expect(linked(engine)).not.toContain("MEM-1");
    // Where nothing is promised nobody can say yet whether it made one: there is no second.
    expect(await engine.outcomes()).toMatchObject(
      idempotency === "none" ? { 1: "unknown", 2: "unknown" } : { 1: "created", 2: "adopted" },
    );
    await acceptAll(engine, clear("3"), clear("4", { alarm: "node-1/fan" }));
    await engine.settled();
    expect(await closes(engine)).not.toContain("MEM-1");
  },
);

test("A8: a close whose ACK names a record of its own has closed its ticket", async () => {
  const world = new World();
  const engine = await world.open();
  await acceptAll(engine, notification("1"));
  await engine.settled();
  world.onSend = ({ request }) =>
    request.payload.command === "close" ? { answer: { kind: "ack", ticketId: "CHG-77" } } : undefined;
  await acceptAll(engine, clear("2"));
  await engine.settled();
  expect(await engine.outcomes()).toEqual({ 1: "created", 2: "closed" });
  expect(linked(engine)).toEqual([]);
  expect(engine.supervisor.counters().openTickets).toBe(0);
});

test("T1: an update whose result names another ticket links none, and the clear closes the key's", async () => {
  const { engine, last } = await asyncWorld();
  await acceptAll(engine, notification("1"));
  await engine.quiet();
  await engine.supervisor.deliverAsync(result(last()));
  await engine.settled();
  await acceptAll(engine, notification("2", { kind: "change", severity: "critical" }));
  await engine.quiet();
  await engine.supervisor.deliverAsync(result(last(), { ticketId: "OTHER-9" }));
  await engine.settled();
  expect(linked(engine)).toEqual(["MEM-1"]);
  await acceptAll(engine, clear("3"));
  await engine.quiet();
  expect(await closes(engine)).toEqual(["MEM-1"]);
});

test("T1: a create that is sent again and refused as a duplicate may be its own: its ticket is looked up", async () => {
  const world = new World({ idempotency: "settles" });
  const engine = await world.open();
  let sent = 0;
  // Until the refusal the index lags.
  world.onSearch = () =>
    sent < 2 ? { answer: { kind: "found", tickets: [], truncated: false } } : undefined;
  const duplicate = { kind: "nack", code: "DUPLICATE", cause: "MEM-1 is open", ticketId: "MEM-1" } as const;
  world.onSend = () => {
    sent += 1;
    return sent === 1 ? { answer: reset } : { answer: duplicate, applied: false };
  };
  await acceptAll(engine, notification("1"));
  await engine.settled();
  expect(await engine.outcomes()).toEqual({ 1: "created" });
  expect(linked(engine)).toEqual(["MEM-1"]);
});

test.each(["ALREADY_CLOSED", "UNKNOWN_TICKET"])(
  "A8: the result of an update that says %s is believed, as a NACK that says so, though the index still shows the ticket",
  async (code) => {
    const { world, engine, sent, last } = await asyncWorld();
    await acceptAll(engine, notification("1"));
    await engine.quiet();
    await engine.supervisor.deliverAsync(result(last()));
    await engine.pass(300);
    world.onSearch = () => ({ answer: { kind: "found", tickets: [openOf("node-1")], truncated: false } });
    await acceptAll(engine, notification("2", { kind: "change", severity: "critical" }));
    await engine.quiet();
    await engine.supervisor.deliverAsync(
      result(last(), { result: "ERROR", ticketId: null, code, cause: "gone" }),
    );
    await engine.quiet();
    expect(sent).toHaveLength(3);
    await engine.supervisor.deliverAsync(result(last(), { ticketId: "MEM-2" }));
    await engine.settled();
    expect(await engine.outcomes()).toEqual({ 1: "created", 2: "created" });
    const commands = (await engine.facts("request.planned")).map(({ body }) => body.payload.command);
    expect(commands).toEqual(["create", "update", "create"]);
    expect(linked(engine)).toEqual(["MEM-2"]);
    expect(await engine.broken()).toEqual([]);
  },
);

test("G5: the result of a close that says ALREADY_CLOSED is done, as a NACK that says so", async () => {
  const { world, engine, last } = await asyncWorld();
  await acceptAll(engine, notification("1"));
  await engine.quiet();
  await engine.supervisor.deliverAsync(result(last()));
  await engine.settled();
  // The index shows it open still.
  world.onSearch = () => ({ answer: { kind: "found", tickets: [openOf("node-1")], truncated: false } });
  await acceptAll(engine, clear("2"));
  while (engine.supervisor.counters().settled < 2) {
    await engine.quiet();
    await engine.supervisor.deliverAsync(
      result(last(), { result: "ERROR", ticketId: null, code: "ALREADY_CLOSED", cause: "is closed" }),
    );
  }
  expect(await engine.outcomes()).toEqual({ 1: "created", 2: "closed" });
  expect(linked(engine)).toEqual([]);
});
