/** Where operators see an async result: law G5, read as the response table shows it. */
import { expect, test } from "vitest";
import { readResponses } from "../../actors/response-rows.ts";
import type { AsyncResult } from "../../actors/ports.ts";
import { limits } from "../../machines/limits.ts";
import { World, type EngineUnderTest } from "./engine-under-test.ts";
import { acceptAll, notification } from "./notifications.ts";

const ack = { kind: "ack", ticketId: null } as const;
const busy = { kind: "nack", code: "BUSY", cause: "too much to do", ticketId: null } as const;
const refused = { kind: "refused", code: "UNAVAILABLE", cause: "503", retryAfterMs: 10_000 } as const;
const lost = { kind: "inDoubt", code: "TIMEOUT", cause: "no answer" } as const;

function result(requestId: string, what: "OK" | "ERROR", text: string): AsyncResult {
  const [ticketId, code] = what === "OK" ? ["MEM-1", null] : [null, "E42"];
  return { requestId, result: what, ticketId, code, cause: null, text };
}

/** Rows of the request, oldest first. */
async function shown(engine: EngineUnderTest, requestId: string) {
  const { rows } = await readResponses(engine.ledger, engine.supervisor.state, { limit: 100 });
  return rows.filter((row) => row.requestId === requestId).reverse();
}

/** Every attempt is answered so; the first one was. */
async function answered(answer: typeof ack | typeof busy | typeof refused | typeof lost) {
  const world = new World({
    row: { asyncSeconds: 30 },
    config: { clients: 1, maxResponseRows: limits.maxResponseRowsLowest },
  });
  const engine = await world.open();
  const sent: string[] = [];
  world.onSend = ({ request }) => {
    sent.push(request.requestId);
    return { answer };
  };
  await acceptAll(engine, notification("1"));
  await engine.quiet();
  const [requestId = ""] = sent;
  return { engine, requestId };
}

test.each([
  ["BUSY", busy],
  ["503", refused],
] as const)("G5: OK after an attempt that was answered %s has a row of its own", async (_, answer) => {
  const { engine, requestId } = await answered(answer);
  await engine.supervisor.deliverAsync(result(requestId, "OK", "<late ok/>"));
  await engine.settled();
  expect(await engine.outcomes()).toEqual({ 1: "created" });
  expect(await shown(engine, requestId)).toMatchObject([
    { attempt: 1, code: answer.code, asyncStatus: null },
    {
      attempt: 0,
      clientId: "gateway",
      service: "OSB",
      command: "create",
      key: "node-1",
      status: "ok",
      code: null,
      asyncStatus: "ok",
      ticketIds: ["MEM-1"],
      answer: "<late ok/>",
    },
  ]);
  expect(await engine.broken()).toEqual([]);
});

test("G5: ERROR after an attempt that was answered BUSY has a row of its own", async () => {
  const { engine, requestId } = await answered(busy);
  await engine.supervisor.deliverAsync(result(requestId, "ERROR", "<error/>"));
  expect((await shown(engine, requestId)).slice(1)).toMatchObject([
    { clientId: "gateway", status: "error", code: "E42", asyncStatus: "error", answer: "<error/>" },
  ]);
});

test.each(["cleared", "evicted"] as const)("G5 G6: OK whose row was %s has a row of its own", async (how) => {
  const { engine, requestId } = await answered(busy);
  if (how === "cleared") await engine.supervisor.operators.clearResponses(null, "ann");
  else {
    const others = Array.from({ length: limits.maxResponseRowsLowest }, (_, index) => `other-${index}`);
    await acceptAll(
      engine,
      ...others.map((key) => notification(key, { key, alarm: key, alarmedObject: key })),
    );
    await engine.quiet();
  }
  expect(await shown(engine, requestId)).toEqual([]);
  await engine.supervisor.deliverAsync(result(requestId, "OK", "<ok/>"));
  expect(await shown(engine, requestId)).toMatchObject([{ clientId: "gateway", answer: "<ok/>" }]);
});

test("G5: a result in time is shown by the row that awaits it", async () => {
  const { engine, requestId } = await answered(ack);
  await engine.supervisor.deliverAsync(result(requestId, "OK", "<ok/>"));
  expect(await shown(engine, requestId)).toMatchObject([
    { attempt: 1, status: "ok", asyncStatus: "ok", ticketIds: ["MEM-1"], answer: "<ok/>" },
  ]);
});

test.each([ack, busy, refused, lost] as const)(
  "G5: a result that came before the answer is shown when $kind has taken its row",
  async (answer) => {
    const world = new World({ row: { asyncSeconds: 30 } });
    const engine = await world.open();
    const gate = Promise.withResolvers<void>();
    let requestId = "";
    world.onSend = ({ request }) => {
      ({ requestId } = request);
      return { answer, hold: gate.promise };
    };
    await acceptAll(engine, notification("1"));
    await engine.until(() => requestId !== "");
    await engine.supervisor.deliverAsync(result(requestId, "OK", "<early/>"));
    gate.resolve();
    await engine.settled();
    expect((await shown(engine, requestId)).map((row) => row.answer)).toContain("<early/>");
  },
);
