/** A search that a person asks for, after everything the gateway has to send. */
import { debugFoundSchema, debugSearchSchema } from "../../../actors/api-look-ups.ts";
import type { Supervisor } from "../../../actors/supervisor.ts";
import { ok } from "../../../machines/failure.ts";
import type { SearchCriteria } from "../../../machines/vocabulary.ts";
import { operation, type Operation } from "./operation.ts";

export function searchOperations(supervisor: Supervisor): readonly Operation[] {
  return [
    operation({
      method: "POST",
      path: "/search",
      id: "search",
      summary: "Searches the selected ticketing service, at low priority and a rate of its own",
      role: "operator",
      body: debugSearchSchema,
      answer: debugFoundSchema,
      refusals: ["OVERLOADED", "BUSY_CLIENT", "BAD_CONFIGURATION", "SEARCH_FAILED"],
      async handle({ body }) {
        const criteria = Object.fromEntries(
          Object.entries(body).filter(([, value]) => value !== undefined),
        ) as SearchCriteria;
        const found = await supervisor.debug.search(criteria);
        if (!found.ok) return found;
        const tickets = found.value.tickets.map((one) => ({
          ...one,
          networkElements: [...one.networkElements],
        }));
        return ok({ ...found.value, tickets });
      },
    }),
  ];
}
