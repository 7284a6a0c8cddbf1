/**
 * Every fact's body as a schema, checked against the types of machines/facts.ts: a fact that is missing here does
 * not compile, nor one of another shape.
 * Source: machines/facts.ts.
 */
import { z } from "zod";
import type { FactBodies, FactType, Parking, ResponseRowChange } from "../machines/facts.ts";
import type { HeartbeatReport } from "../machines/heartbeat.ts";
import {
  commandSchema,
  failureSchema,
  idempotencySchema,
  instantSchema,
  notificationRefSchema,
  notificationSchema,
  outcomeSchema,
  parkReasonSchema,
  replacedOutcomeSchema,
  requestPayloadSchema,
  responseRowSchema,
  serviceInfoSchema,
  severitySchema,
  ticketSchema,
  ticketStatusSchema,
} from "./vocabulary-schemas.ts";

const text = z.string();
const textOrNull = text.nullable();
const count = z.int();
const alarms = z.array(notificationRefSchema);

const settings = z.object({
  maxResponseRows: count,
  reopenSeconds: z.number(),
  clockSkewSeconds: z.number(),
  dedupDays: z.number(),
  relatedElements: z
    .object({ ticketGateway: text, topologyDatabase: text, heartbeatReceiver: text })
    .exactOptional(),
  delays: z
    .object({ createSeconds: z.number(), updateSeconds: z.number(), closeSeconds: z.number() })
    .exactOptional(),
  maxOpenTickets: count.exactOptional(),
});

const parking = z.object({
  reason: parkReasonSchema,
  since: instantSchema,
  until: instantSchema.nullable(),
  because: text,
  cover: z
    .object({ ticketId: text, service: text, key: text.nullable(), checks: count, alarms })
    .exactOptional(),
}) satisfies z.ZodType<Parking>;

const rowChange = responseRowSchema
  .pick({ requestId: true, attempt: true, clientId: true, key: true })
  .extend({
    answeredAt: responseRowSchema.shape.answeredAt.exactOptional(),
    durationMs: responseRowSchema.shape.durationMs.exactOptional(),
    status: responseRowSchema.shape.status.exactOptional(),
    code: responseRowSchema.shape.code.exactOptional(),
    cause: responseRowSchema.shape.cause.exactOptional(),
    asyncStatus: responseRowSchema.shape.asyncStatus.exactOptional(),
    ticketIds: responseRowSchema.shape.ticketIds.exactOptional(),
    request: responseRowSchema.shape.request.exactOptional(),
    answer: responseRowSchema.shape.answer.exactOptional(),
  }) satisfies z.ZodType<ResponseRowChange>;

const heartbeat = z.object({
  check: z.enum(["chain", "engine"]),
  beat: z.enum(["success", "fail"]).nullable(),
  rid: textOrNull,
  because: text,
  lockGuid: textOrNull,
  durationMs: z.number().nullable(),
}) satisfies z.ZodType<HeartbeatReport>;

const lock = { clientId: text, lockGuid: text, fence: count };
const request = { requestId: text, key: text };

export const factSchemas = {
  "ledger.opened": z.object({ engine: text, clients: count }),
  "settings.changed": settings.extend({ by: text.exactOptional(), configured: settings.exactOptional() }),
  "services.imported": z.object({ services: z.array(serviceInfoSchema), by: text }),
  "service.selected": z.object({ name: text, by: text }),

  "alarm.accepted": z.object({ notification: notificationSchema, digest: text }),
  "alarm.settled": z.object({
    alarm: notificationRefSchema,
    key: text,
    outcome: outcomeSchema,
    because: text,
    lockGuid: textOrNull,
    rule: textOrNull,
    ticketId: textOrNull,
    failure: failureSchema.nullable(),
    requestId: textOrNull,
    supersedes: replacedOutcomeSchema.nullable(),
  }),
  "alarm.reconsidered": z.object({
    alarm: notificationRefSchema,
    key: text,
    notification: notificationSchema,
    replaces: replacedOutcomeSchema,
    because: text,
  }),

  "flow.started": z.object({ key: text, ...lock, alarms }),
  "flow.decided": z.object({
    key: text,
    lockGuid: text,
    rule: text,
    decision: z.enum([
      "create",
      "update",
      "reopen",
      "close",
      "adopt",
      "stop",
      "park",
      "fail",
      "resend",
      "settle",
    ]),
    because: text,
    tickets: z.array(ticketSchema.pick({ ticketId: true, kind: true, status: true })),
    path: z.array(text),
  }),
  "flow.ended": z.object({
    key: text,
    lockGuid: text,
    result: z.enum(["settled", "parked", "forced", "expired", "crashed"]),
  }),
  "key.parked": z.object({ key: text, parking }),

  "request.planned": z.object({
    ...request,
    clientId: text,
    lockGuid: text,
    service: serviceInfoSchema,
    payload: requestPayloadSchema,
    intent: outcomeSchema,
    alarms,
    rule: text,
    plannedAt: instantSchema,
  }),
  "request.sending": z.object({ ...request, clientId: text, lockGuid: text, attempt: count }),
  "request.answered": z.object({
    ...request,
    attempt: count,
    answer: z.enum(["ack", "nack", "refused", "unreachable", "failed", "inDoubt"]),
    code: textOrNull,
    cause: textOrNull,
    ticketId: textOrNull,
  }),
  "request.async": z.object({
    requestId: text,
    key: textOrNull,
    result: z.enum(["OK", "ERROR"]),
    ticketId: textOrNull,
    code: textOrNull,
    cause: textOrNull,
  }),
  "request.settled": z.object({
    ...request,
    result: z.enum(["ok", "rejected", "failed", "notApplied", "cancelled", "unknown"]),
    command: commandSchema,
    ticketId: textOrNull,
    service: text,
    ticket: z
      .object({
        status: ticketStatusSchema,
        severity: severitySchema.nullable(),
        openedAt: instantSchema.nullable(),
      })
      .nullable(),
    because: text,
    again: z.boolean(),
  }),
  "ticket.linked": z.object({
    key: text,
    ticketId: text,
    service: text,
    status: ticketStatusSchema,
    severity: severitySchema.nullable(),
    openedAt: instantSchema.nullable(),
    networkElements: z.array(text).exactOptional(),
  }),
  "ticket.lost": z.object({
    key: text,
    ticketId: text,
    status: ticketStatusSchema.nullable(),
    claimKept: z.boolean(),
    idempotency: idempotencySchema,
  }),

  "response.row": z.discriminatedUnion("change", [
    z.object({ change: z.literal(false), row: responseRowSchema }),
    z.object({ change: z.literal(true), row: rowChange }),
  ]),
  "responses.cleared": z.object({ clientId: textOrNull, by: text }),

  "client.locked": z.object({
    ...lock,
    lockTime: instantSchema,
    deadlineAt: instantSchema,
    by: z.enum(["flow", "hand"]),
  }),
  "client.unlocked": z.object(lock),
  "client.lockForced": z.object({ ...lock, by: text, reason: text }),
  "client.lockExpired": z.object(lock),
  "client.notBusyForced": z.object({ ...lock, by: text, reason: text }),
  "client.quarantined": z.object({ clientId: text, crashes: count, cause: text }),

  "heartbeat.sent": heartbeat,
  "heartbeat.failed": heartbeat.extend({ failure: failureSchema }),

  "topology.loaded": z.object({
    by: text,
    loadedAt: instantSchema,
    elements: count,
    roots: count,
    addresses: count,
    hops: count,
    files: z.array(text),
  }),

  "operator.acted": z.object({ by: text, action: text, target: text, reason: text }),
} satisfies { readonly [T in FactType]: z.ZodType<FactBodies[T]> };
