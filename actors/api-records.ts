/**
 * What the API says of what happened: flows, decision records, requests, and who did what (L6).
 * Source: wire.md, "HTTP API"; console.md.
 */
import { z } from "zod";
import { limits } from "../machines/limits.ts";
import { next, page, requiredText, text } from "./api-parts.ts";
import {
  instantSchema,
  notificationSchema,
  outcomeSchema,
  parkReasonSchema,
  positionSchema,
  requestCommandSchema,
  tableMismatchSchema,
  ticketSchema,
} from "./vocabulary-schemas.ts";

// --- flows and decision records

const flowDecision = z.object({ rule: text, decision: text, because: text });

export const flowSchema = z
  .object({
    lockGuid: text,
    key: text,
    clientId: text,
    startedAt: instantSchema,
    endedAt: instantSchema.nullable(),
    result: z
      .enum(["settled", "parked", "forced", "expired", "crashed", "abandoned"])
      .nullable()
      .meta({ description: "null: it runs; abandoned: the engine stopped under it" }),
    alarms: z.int(),
    decision: flowDecision.nullable().meta({ description: "its last one" }),
    position: positionSchema.meta({ description: "where it started" }),
  })
  .meta({ id: "Flow" });
export type FlowMessage = z.output<typeof flowSchema>;

export const flowsQuerySchema = z.strictObject(page);
export const flowsSchema = z.object({ flows: z.array(flowSchema), next });

export const flowQuerySchema = z.strictObject({
  key: text.optional().meta({ description: `needed for flows older than the newest ${limits.flowsKept}` }),
});

export const flowFactSchema = z.object({
  position: positionSchema,
  at: instantSchema,
  type: text,
  body: z.looseObject({}),
});
export const flowDetailSchema = flowSchema
  .extend({
    facts: z.array(flowFactSchema).meta({ description: "all that the ledger says of it, in order" }),
  })
  .meta({ id: "FlowDetail" });
export type FlowDetailMessage = z.output<typeof flowDetailSchema>;

export const explanationSchema = z
  .object({
    source: text,
    id: text,
    key: text,
    notification: notificationSchema,
    acceptedAt: instantSchema,
    position: positionSchema,
    outcome: outcomeSchema.nullable(),
    because: text,
    ticketId: text.nullable(),
    settledAt: instantSchema.nullable(),
    flows: z.array(text).meta({ description: "lock GUIDs of those that decided on it, oldest first" }),
    decisions: z.array(
      flowDecision.extend({
        tickets: z.array(ticketSchema.pick({ ticketId: true, kind: true, status: true })),
        path: z.array(text),
      }),
    ),
    requests: z.array(
      z.object({
        requestId: text,
        command: text,
        service: text,
        attempts: z.array(
          z.object({
            attempt: z.int(),
            answer: text,
            code: text.nullable(),
            cause: text.nullable(),
            at: instantSchema,
          }),
        ),
        result: text.nullable(),
      }),
    ),
  })
  .meta({ id: "Explanation" });

export const explainQuerySchema = z
  .strictObject({
    source: text.optional(),
    id: text.optional(),
    key: text.optional(),
    find: requiredText("find", 300)
      .optional()
      .meta({ description: "what is at hand: an alarm's id, an element, a key or a ticket" }),
    limit: page.limit.meta({ description: "alarms of the key, or found, at most" }),
  })
  .refine(
    ({ source, id, key, find }) =>
      [source !== undefined && id !== undefined, key !== undefined, find !== undefined].filter(Boolean)
        .length === 1 && (source === undefined) === (id === undefined),
    "expected either source and id, or key, or find",
  );
export const explanationsSchema = z.object({ explanations: z.array(explanationSchema) });

// --- gateway

export const requestSchema = z
  .object({
    requestId: text,
    key: text,
    clientId: text,
    lockGuid: text,
    service: text,
    command: requestCommandSchema,
    ticketId: text.nullable(),
    status: z.enum(["planned", "sending", "retry", "inDoubt", "async"]),
    attempts: z.int(),
    alarms: z.int(),
    waitsFor: z
      .object({
        reason: parkReasonSchema,
        since: instantSchema,
        until: instantSchema.nullable(),
        because: text,
      })
      .nullable(),
  })
  .meta({ id: "Request" });
export type RequestMessage = z.output<typeof requestSchema>;

export const unknownRequestSchema = z
  .object({
    requestId: text,
    key: text,
    lockGuid: text,
    service: text,
    command: requestCommandSchema,
    ticketId: text.nullable(),
    alarms: z.array(z.object({ source: text, id: text, outcome: outcomeSchema })),
  })
  .meta({ id: "UnknownRequest" });

export const gatewaySchema = z
  .object({
    waiting: z
      .object({
        create: z.int(),
        update: z.int(),
        close: z.int(),
        parked: z.int(),
        parkedFor: z.partialRecord(parkReasonSchema, z.int()),
      })
      .meta({ description: "keys in line by lane, and those parked" }),
    inFlight: z.array(requestSchema).meta({ description: "at most one a service" }),
    counts: z.object({
      planned: z.int(),
      sending: z.int(),
      retry: z.int(),
      inDoubt: z.int(),
      async: z.int(),
      unknown: z.int(),
    }),
    requests: z
      .array(requestSchema)
      .meta({ description: `unsettled, oldest first, at most ${limits.gatewayListMax}` }),
    unknown: z
      .array(unknownRequestSchema)
      .meta({ description: `wait for a verdict, oldest first, at most ${limits.gatewayListMax}` }),
    mismatch: tableMismatchSchema.nullable(),
  })
  .meta({ id: "Gateway" });
export type GatewayMessage = z.output<typeof gatewaySchema>;

export const verdictSchema = z
  .strictObject({
    verdict: z.enum(["applied", "notApplied"], "verdict: applied or notApplied"),
    ticketId: requiredText("ticketId", limits.alarmIdCharsMax)
      .nullish()
      .meta({ description: "the ticket that the request made; needed for a create that was applied" }),
    reason: requiredText("reason", limits.reasonCharsMax),
  })
  .meta({ id: "Verdict" });
export const resolvedSchema = z.object({ requestId: text, key: text, position: positionSchema });

// --- audit

export const auditQuerySchema = z.strictObject(page);
export const actSchema = z
  .object({
    position: positionSchema,
    at: instantSchema,
    by: text,
    action: text,
    target: text,
    lockGuid: text.nullable().meta({ description: "whose lock it was" }),
    reason: text.nullable(),
  })
  .meta({ id: "Act" });
export type ActMessage = z.output<typeof actSchema>;
export const auditSchema = z.object({ acts: z.array(actSchema), next });
