/** Flows and decision records: what happened, and why there is (no) ticket. */
import { z } from "zod";
import {
  explainQuerySchema,
  explanationsSchema,
  flowDetailSchema,
  flowQuerySchema,
  flowsQuerySchema,
  flowsSchema,
} from "../../../actors/api-records.ts";
import type { Explanation } from "../../../actors/explain.ts";
import type { Supervisor } from "../../../actors/supervisor.ts";
import { fail, ok } from "../../../machines/failure.ts";
import { limits } from "../../../machines/limits.ts";
import { operation, type Operation } from "./operation.ts";

export function flowOperations(supervisor: Supervisor): readonly Operation[] {
  const { reader } = supervisor;
  return [
    operation({
      method: "GET",
      path: "/flows",
      id: "listFlows",
      summary: "Automatic flows, newest first",
      role: "viewer",
      query: flowsQuerySchema,
      answer: flowsSchema,
      handle: async ({ query }) => ok(await reader.flows(query.limit, query.before)),
    }),
    operation({
      method: "GET",
      path: "/flows/{lockGuid}",
      id: "getFlow",
      summary: "One flow with every fact of it, for a sequence diagram",
      role: "viewer",
      params: z.object({ lockGuid: z.string() }),
      query: flowQuerySchema,
      answer: flowDetailSchema,
      refusals: ["UNKNOWN_FLOW"],
      async handle({ params: { lockGuid }, query }) {
        const flow = await reader.flow(lockGuid, query.key ?? null);
        if (flow !== null) return ok(flow);
        return fail(
          "UNKNOWN_FLOW",
          `${lockGuid} is not among the newest ${limits.flowsKept} flows, or its key has had over ` +
            `${limits.explainFactsMax} facts since. Add key=… to look for an older flow among its key's; ` +
            "`ticket-client ledger export` writes every fact.",
        );
      },
    }),
    operation({
      method: "GET",
      path: "/explain",
      id: "explain",
      summary: "Decision records of one alarm (source and id), of a key's newest alarms, or of what is found",
      role: "viewer",
      query: explainQuerySchema,
      answer: explanationsSchema,
      refusals: ["UNKNOWN_ALARM"],
      async handle({ query: { source = "", id = "", key, find, limit } }) {
        const found =
          find !== undefined
            ? await reader.findAlarms(find, limit)
            : key !== undefined
              ? await supervisor.explainKey(key, limit)
              : await supervisor.explain({ source, id });
        const explanations = found === null ? [] : Array.isArray(found) ? found : [found];
        if (explanations.length > 0) return ok({ explanations: explanations.map(asMessage) });
        if (find !== undefined)
          return fail(
            "UNKNOWN_ALARM",
            `Nothing is known of ${find}: no alarm has this id, and no element, key or ticket this name.`,
          );
        const what = key === undefined ? `source ${source}, id ${id}` : `key ${key}`;
        return fail("UNKNOWN_ALARM", `No alarm of ${what} was accepted.`);
      },
    }),
  ];
}

type ExplanationMessage = z.output<typeof explanationsSchema>["explanations"][number];

function asMessage(record: Explanation): ExplanationMessage {
  return {
    ...record,
    flows: [...record.flows],
    decisions: record.decisions.map((one) => ({ ...one, tickets: [...one.tickets], path: [...one.path] })),
    requests: record.requests.map((one) => ({ ...one, attempts: [...one.attempts] })),
  };
}
