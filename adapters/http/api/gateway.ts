/** The gateway's requests, and an operator's verdict on those that nobody can say the fate of (A2). */
import { z } from "zod";
import {
  auditQuerySchema,
  auditSchema,
  gatewaySchema,
  resolvedSchema,
  verdictSchema,
} from "../../../actors/api-records.ts";
import type { Supervisor } from "../../../actors/supervisor.ts";
import { ok } from "../../../machines/failure.ts";
import { operation, type Operation } from "./operation.ts";

export function gatewayOperations(supervisor: Supervisor): readonly Operation[] {
  const { reader } = supervisor;
  return [
    operation({
      method: "GET",
      path: "/gateway",
      id: "getGateway",
      summary: "What waits, what is in flight, what is in doubt, what waits for a verdict",
      role: "viewer",
      answer: gatewaySchema,
      handle: () => ok(reader.gateway()),
    }),
    operation({
      method: "POST",
      path: "/gateway/requests/{id}/resolve",
      id: "resolveRequest",
      summary: "Verdict on an unknown request: the service did it, or it did not",
      role: "operator",
      isCommand: true,
      params: z.object({ id: z.string().meta({ description: "requestId" }) }),
      body: verdictSchema,
      answer: resolvedSchema,
      refusals: ["UNKNOWN_REQUEST", "NOT_UNKNOWN", "INVALID"],
      async handle({ params: { id }, body: { verdict, ticketId, reason }, by }) {
        const done = await supervisor.resolve(id, { verdict, ticketId: ticketId ?? null, by, reason });
        return done.ok ? ok({ requestId: id, key: done.value.key, position: reader.position }) : done;
      },
    }),
    operation({
      method: "GET",
      path: "/audit",
      id: "listActs",
      summary: "Who did what, when and why, newest first",
      role: "viewer",
      query: auditQuerySchema,
      answer: auditSchema,
      handle: async ({ query }) => ok(await reader.audit(query.limit, query.before)),
    }),
  ];
}
