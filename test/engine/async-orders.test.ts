/**
 * Async results in every order: what the service says of one create, enumerated and not drawn. The acknowledgement, the
 * results (OK, ERROR, each up to twice) and the end of the time that a result may take come in every order there is.
 *   G5 a result settles at most one request and none is dropped without a row.  A2 one current outcome an alarm.
 *   A8 where the service says OK and nothing else, the alarm ends with that ticket and no other.
 */
import { describe, expect, test } from "vitest";
import { readResponses } from "../../actors/response-rows.ts";
import { turn, World } from "./engine-under-test.ts";
import { acceptAll, notification } from "./notifications.ts";

type Step = "ack" | "ok" | "error" | "late";

/** Every order of the steps, each order once. */
function orders(steps: readonly Step[]): Step[][] {
  if (steps.length === 0) return [[]];
  return [...new Set(steps)].flatMap((first) => {
    const rest = [...steps];
    rest.splice(rest.indexOf(first), 1);
    return orders(rest).map((order) => [first, ...order]);
  });
}

const results: readonly (readonly Step[])[] = [
  [],
  ["ok"],
  ["error"],
  ["ok", "ok"],
  ["error", "error"],
  ["ok", "error"],
  ["ok", "ok", "error"],
  ["ok", "error", "error"],
];
/** `late`: the time that a result may take is over; it begins with the acknowledgement. */
const all = results.flatMap((some) =>
  orders(["ack", "late", ...some]).filter((order) => order.indexOf("late") > order.indexOf("ack")),
);

describe.each(["requestId", "settles", "none"] as const)("G5 A2: promise %s", (idempotency) => {
  test.each(all.map((order) => [order.join(", "), order] as const))("%s", async (_, order) => {
    const world = new World({ idempotency, row: { asyncSeconds: 30 }, config: { clients: 1 } });
    const engine = await world.open();
    const gate = Promise.withResolvers<void>();
    const ids: string[] = [];
    world.onSend = ({ request }) => {
      ids.push(request.requestId);
      // The first attempt is held until the order says so; what is sent again is answered at once.
      return ids.length === 1
        ? { hold: gate.promise, answer: { kind: "ack", ticketId: null } }
        : { answer: { kind: "ack", ticketId: null } };
    };
    await acceptAll(engine, notification("1"));
    await engine.until(() => ids.length === 1);
    const [requestId = ""] = ids;
    const texts: string[] = [];
    for (const step of order) {
      if (step === "ack") gate.resolve();
      // oxlint-disable-next-line no-await-in-loop -- one after the other is what this is about
      else if (step === "late") await engine.pass(31);
      else {
        texts.push(`${step}, result no ${texts.length}`);
        // oxlint-disable-next-line no-await-in-loop -- the same
        await engine.supervisor.deliverAsync({
          requestId,
          result: step === "ok" ? "OK" : "ERROR",
          ticketId: step === "ok" ? "MEM-1" : null,
          code: step === "ok" ? null : "REFUSED",
          cause: null,
          text: texts.at(-1) ?? "",
        });
      }
      // oxlint-disable-next-line no-await-in-loop -- the same
      for (let turns = 0; turns < 5; turns += 1) await turn();
    }
    // What was planned anew meanwhile is confirmed, so that everything comes to rest.
    for (let times = 0; times < 8; times += 1) {
      // oxlint-disable-next-line no-await-in-loop -- each needs the one before
      await engine.pass(20);
      const later = [...engine.supervisor.state.requests.keys()].filter(
        (id) => id !== requestId && ids.includes(id),
      );
      for (const id of later)
        // oxlint-disable-next-line no-await-in-loop -- the same
        await engine.supervisor.deliverAsync({
          requestId: id,
          result: "OK",
          ticketId: "MEM-2",
          code: null,
          cause: null,
          text: "ok",
        });
    }
    await engine.pass(600);
    const heard = await engine.facts("request.async");
    const told = order.filter((step) => step === "ok" || step === "error");
    const first = heard.filter(({ body }) => body.requestId === requestId);
    expect(first.map(({ body }) => body.result)).toEqual(
      told.map((step) => (step === "ok" ? "OK" : "ERROR")),
    );
    // As operators read it: none is hidden by what came after.
    const { rows } = await readResponses(engine.ledger, engine.supervisor.state, { limit: 1_000 });
    const shown = rows.map((row) => row.answer);
    for (const text of texts) expect(shown).toContain(text);
    const ends = (await engine.facts("request.settled")).filter(({ body }) => body.requestId === requestId);
    const confirmed = ends.filter(({ body }) => body.result === "ok").length;
    if (told.includes("ok")) expect(confirmed).toBe(1);
    // A search finds it by its id, for the service made it.
    else expect(confirmed).toBeLessThanOrEqual(1);
    const settled = await engine.facts("alarm.settled");
    expect(settled.filter(({ body }) => body.supersedes === null)).toHaveLength(1);
    expect(engine.supervisor.counters().unsettled).toBe(0);
    expect(engine.supervisor.state.requests.size).toBe(0);
    const { 1: outcome } = await engine.outcomes();
    if (told.includes("ok") && !told.includes("error")) {
      expect(outcome).toBe("created");
      const open = [...engine.supervisor.state.keys.values()].flatMap((key) => [...key.open.keys()]);
      expect(open).toEqual(["MEM-1"]);
    }
    expect(["created", "adopted", "failed", "unknown"]).toContain(outcome);
    expect(await engine.broken()).toEqual([]);
  });
});
