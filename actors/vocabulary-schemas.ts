/**
 * The product's nouns as schemas: what messages are made of, checked against the types of machines/. One schema
 * serves validation, OpenAPI and AsyncAPI.
 * Source: machines/vocabulary.ts, machines/facts.ts.
 */
import { z } from "zod";
import { remedies, type Failure, type FailureCode } from "../machines/failure.ts";
import type { NotificationRef, ReplacedOutcome } from "../machines/facts.ts";
import { serviceColumns } from "../machines/service-table.ts";
import {
  outcomes,
  severities,
  type NetworkPath,
  type Notification,
  type RequestPayload,
  type ResponseRow,
  type ServiceInfo,
  type Ticket,
} from "../machines/vocabulary.ts";

/** Milliseconds since 1970-01-01T00:00:00Z. */
export const instantSchema = z.int().meta({ id: "Instant", description: "ms since 1970-01-01T00:00:00Z" });
/** Place in the ledger; 0 = before the first fact. */
export const positionSchema = z.int().min(0).meta({ id: "Position", description: "place in the ledger" });

export const severitySchema = z.enum(severities).meta({ id: "Severity" });
export const outcomeSchema = z.enum(outcomes).meta({ id: "Outcome" });
export const ticketKindSchema = z.enum(["MO", "PLM"]);
export const ticketStatusSchema = z
  .enum(["acknowledged", "inProgress", "pending", "resolved", "closed", "cancelled"])
  .meta({ id: "TicketStatus" });
export const requestCommandSchema = z.enum(["create", "update", "close", "editNinasCounters"]);
export const commandSchema = z.enum(["search", ...requestCommandSchema.options]).meta({ id: "Command" });
export const idempotencySchema = z.enum(["requestId", "settles", "none"]);
export const parkReasonSchema = z
  .enum(["storm", "outage", "async", "inDoubt", "covered", "holdDown", "notOwner"])
  .meta({ id: "ParkReason" });
export const responseStatusSchema = z
  .enum(["sending", "ok", "ack", "nack", "timeout", "error", "inDoubt", "unknown"])
  .meta({ id: "ResponseStatus" });

const text = z.string();
const optionalText = z.string().exactOptional();

export const notificationSchema = z
  .object({
    source: text,
    id: text,
    kind: z.enum(["raise", "change", "clear"]),
    key: text,
    alarm: text,
    alarmedObject: text,
    alarmType: text,
    probableCause: text,
    specificProblem: optionalText,
    sourceSystemId: text,
    severity: severitySchema,
    raisedAt: instantSchema,
    clearedAt: instantSchema.exactOptional(),
    plannedOutage: z.boolean(),
    details: optionalText,
  })
  .meta({ id: "Notification" }) satisfies z.ZodType<Notification>;

export const notificationRefSchema = z
  .object({ source: text, id: text, position: positionSchema })
  .meta({ id: "NotificationRef" }) satisfies z.ZodType<NotificationRef>;

export const replacedOutcomeSchema = z.object({
  position: positionSchema,
  outcome: outcomeSchema,
}) satisfies z.ZodType<ReplacedOutcome>;

export const ticketSchema = z
  .object({
    ticketId: text,
    kind: ticketKindSchema,
    status: ticketStatusSchema,
    severity: severitySchema.exactOptional(),
    owner: optionalText,
    clientReference: optionalText,
    networkElements: z.array(text),
    summary: optionalText,
    openedAt: instantSchema.exactOptional(),
    closedAt: instantSchema.exactOptional(),
    startAt: instantSchema.exactOptional(),
    endAt: instantSchema.exactOptional(),
    lastUpdateAt: instantSchema.exactOptional(),
  })
  .meta({ id: "Ticket" }) satisfies z.ZodType<Ticket>;

export const serviceInfoSchema = z
  .object({
    name: text,
    host: text,
    port: z.int(),
    path: text,
    protocol: z.enum(["osb", "tmf621v4", "tmf621v5", "rt"]),
    idempotency: idempotencySchema,
    settleSeconds: z.number(),
    timeoutSeconds: z.number(),
    asyncSeconds: z.number(),
    user: optionalText,
    passwordFile: optionalText,
    notes: optionalText,
  })
  .meta({ id: "ServiceInfo" }) satisfies z.ZodType<ServiceInfo>;

const alarmRefs = z.array(z.object({ source: text, alarmId: text }));

export const tableMismatchSchema = z
  .object({
    because: z.string(),
    rows: z.array(
      z.object({
        name: z.string(),
        column: z.enum(serviceColumns),
        clients: z.string().nullable(),
        gateway: z.string().nullable(),
      }),
    ),
    since: instantSchema,
  })
  .meta({
    id: "TableMismatch",
    description: "where the gateway's table differs: nothing is forwarded meanwhile",
  });

export const requestPayloadSchema = z
  .discriminatedUnion("command", [
    z.object({
      command: z.literal("create"),
      kind: ticketKindSchema,
      clientReference: text,
      networkElements: z.array(text),
      severity: severitySchema,
      summary: text,
      description: optionalText,
      startAt: instantSchema,
      endAt: instantSchema.exactOptional(),
      alarmRefs,
    }),
    z.object({
      command: z.literal("update"),
      ticketId: text,
      severity: severitySchema.exactOptional(),
      status: ticketStatusSchema.exactOptional(),
      comment: optionalText,
      alarmRefs,
    }),
    z.object({
      command: z.literal("close"),
      ticketId: text,
      endAt: instantSchema,
      closeCode: text,
      closeReason: optionalText,
      alarmRefs,
    }),
    z.object({
      command: z.literal("editNinasCounters"),
      kind: ticketKindSchema,
      networkElement: text,
      counters: z.array(
        z.object({ name: text, delta: z.number().exactOptional(), value: z.number().exactOptional() }),
      ),
    }),
  ])
  .meta({ id: "RequestPayload" }) satisfies z.ZodType<RequestPayload>;

export const networkPathSchema = z
  .object({
    elementId: text,
    hops: z.array(
      z.object({
        hopNo: z.int(),
        elementId: text,
        name: text.nullable(),
        type: text.nullable(),
        interface: text.nullable(),
        networkService: text.nullable(),
      }),
    ),
    end: z.enum(["root", "limit", "loop", "dangling"]).exactOptional(),
    loadedAt: instantSchema,
  })
  .meta({ id: "NetworkPath" }) satisfies z.ZodType<NetworkPath>;

export const responseRowSchema = z
  .object({
    requestId: text,
    attempt: z.int(),
    clientId: text,
    lockGuid: text,
    service: text,
    command: commandSchema,
    key: text,
    sentAt: instantSchema,
    answeredAt: instantSchema.nullable(),
    durationMs: z.number().nullable(),
    status: responseStatusSchema,
    code: text.nullable(),
    cause: text.nullable(),
    asyncStatus: z.enum(["awaited", "ok", "error", "late", "missing"]).nullable(),
    ticketIds: z.array(text),
    request: text,
    answer: text,
  })
  .meta({ id: "ResponseRow" }) satisfies z.ZodType<ResponseRow>;

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys are the codes
export const failureCodeSchema = z.enum(Object.keys(remedies) as [FailureCode]).meta({ id: "FailureCode" });

export const failureSchema = z.object({
  code: failureCodeSchema,
  detail: text,
}) satisfies z.ZodType<Failure>;
