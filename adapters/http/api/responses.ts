/** The response table: pages of rows, and clearing what is settled (G6). */
import {
  clearedSchema,
  clearResponsesQuerySchema,
  responsesQuerySchema,
  responsesSchema,
} from "../../../actors/api-messages.ts";
import type { Supervisor } from "../../../actors/supervisor.ts";
import { ok } from "../../../machines/failure.ts";
import { operation, type Operation } from "./operation.ts";

export function responseOperations(supervisor: Supervisor): readonly Operation[] {
  const { reader } = supervisor;
  return [
    operation({
      method: "GET",
      path: "/responses",
      id: "listResponses",
      summary: "Searches and requests with their answers, newest first",
      role: "viewer",
      query: responsesQuerySchema,
      answer: responsesSchema,
      handle: async ({ query }) => ok(await reader.responses(query)),
    }),
    operation({
      method: "DELETE",
      path: "/responses",
      id: "clearResponses",
      summary: "Settled rows leave the table; unsettled ones stay",
      role: "operator",
      isCommand: true,
      query: clearResponsesQuerySchema,
      answer: clearedSchema,
      refusals: ["UNKNOWN_CLIENT"],
      async handle({ query, by }) {
        const done = await supervisor.operators.clearResponses(query.client ?? null, by);
        return done.ok ? ok({ cleared: done.value.cleared, position: reader.position }) : done;
      },
    }),
  ];
}
