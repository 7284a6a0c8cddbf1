/**
 * What is said on the sockets, as schemas: the AsyncAPI document is made of these, and tests hold the sockets to them.
 * The feed's types stand in feed-messages.ts, which a page imports without a library; these are checked against them.
 * Source: wire.md, "Alarm intake", "Feed", "Inspector protocol"; CloudEvents 1.0; @statelyai/inspect 0.7.
 */
import { z } from "zod";
import type { FactType } from "../machines/facts.ts";
import { alarmEventSchema } from "./alarm-schema.ts";
import { clientViewSchema } from "./api-messages.ts";
import type { EngineCounters, EngineSnapshot } from "./engine-views.ts";
import { factSchemas } from "./fact-schemas.ts";
import { feedPath } from "./feed-messages.ts";
import {
  failureSchema,
  instantSchema,
  parkReasonSchema,
  positionSchema,
  serviceInfoSchema,
  tableMismatchSchema,
} from "./vocabulary-schemas.ts";

const text = z.string();
const count = z.int();

// --- feed

export const countersSchema = z
  .object({
    accepted: count,
    duplicates: count,
    settled: count,
    unsettled: count,
    outcomes: z.record(text, count),
    rows: z.object({ inserted: count, present: count, evicted: count, cleared: count }),
    openTickets: count,
    claimsNotKept: count,
    commandsRefused: count,
  })
  .meta({ id: "Counters" }) satisfies z.ZodType<EngineCounters>;

const beat = z.enum(["success", "fail"]).nullable();
const heartbeatCheck = z
  .object({
    lastSentAt: instantSchema.nullable(),
    lastOkAt: instantSchema.nullable(),
    lastFailure: z
      .object({ at: instantSchema, beat, because: text, failure: failureSchema.nullable() })
      .nullable(),
    success: count,
    fail: count,
    notTaken: count,
    missed: count,
    dropped: count,
  })
  .nullable();

const snapshotSchema = z.object({
  ledger: text,
  position: positionSchema,
  clients: z.array(clientViewSchema),
  queue: z.object({
    create: count,
    update: count,
    close: count,
    parked: count,
    parkedFor: z.partialRecord(parkReasonSchema, count),
  }),
  gateway: z.object({ inFlight: z.array(z.object({ service: text, requestId: text })) }),
  services: z.object({
    rows: z.array(serviceInfoSchema),
    selected: text.nullable(),
    mismatch: tableMismatchSchema.nullable(),
  }),
  heartbeat: z.object({ chain: heartbeatCheck, engine: heartbeatCheck }),
  counters: countersSchema,
}) satisfies z.ZodType<EngineSnapshot>;

function cloudEvent<Type extends string, Data extends z.ZodType>(source: string, type: Type, data: Data) {
  return z.object({
    specversion: z.literal("1.0"),
    id: text,
    source: z.literal(source),
    type: z.literal(type),
    data,
  });
}

const feedEvent = <Data extends z.ZodType>(type: string, data: Data) =>
  cloudEvent(feedPath, `ticketclient.${type}`, data).extend({ time: z.iso.datetime() });

/** Facts carry their place; `previous` is the position before it in this stream (F1). */
const place = { position: positionSchema, previous: positionSchema };

function feedFact(type: FactType): z.ZodType {
  const body: z.ZodType = factSchemas[type];
  const data =
    body instanceof z.ZodObject
      ? body.extend(place)
      : z.union((body as z.ZodDiscriminatedUnion<z.ZodObject[]>).options.map((one) => one.extend(place)));
  return feedEvent(type, data).extend({ subject: text });
}

/** By type, without `ticketclient.`. */
export const feedSchemas: Readonly<Record<string, z.ZodType>> = {
  "feed.snapshot": feedEvent("feed.snapshot", snapshotSchema.extend({ reset: z.boolean() })),
  "client.state": feedEvent("client.state", clientViewSchema),
  counters: feedEvent("counters", countersSchema),
  ...Object.fromEntries((Object.keys(factSchemas) as FactType[]).map((type) => [type, feedFact(type)])),
};

// --- alarm intake

export const alarmsPath = "/v1/alarms";
const ack = <Data extends z.ZodType>(type: string, data: Data) =>
  cloudEvent(alarmsPath, `ticketclient.ack.${type}`, data);

export const intakeSchemas: Readonly<Record<string, z.ZodType>> = {
  hello: ack("hello", z.object({ connectionId: text, maxInFlight: count, pingIntervalMs: count })),
  accepted: ack(
    "accepted",
    z.object({ source: text, id: text, duplicate: z.boolean(), position: positionSchema }),
  ),
  rejected: ack(
    "rejected",
    z.object({
      source: text.nullable(),
      id: text.nullable(),
      code: z.enum(["INVALID", "MISSING", "CONFLICT", "TOO_DEEP", "TOO_LARGE", "OVERLOADED", "STOPPING"]),
      field: text.meta({ description: "JSON Pointer into the event; empty: the whole" }),
      detail: text,
      retryable: z.boolean(),
      retryAfterMs: count.nullable(),
    }),
  ),
  gap: ack("gap", z.object({ source: text, expected: text, got: text })),
};

/** What a sender sends. */
export const alarmMessageSchema: z.ZodType = alarmEventSchema;

// --- inspector protocol

const frame = (type: string) =>
  z.looseObject({
    type: z.literal(type),
    sessionId: text,
    rootId: text,
    _version: text.meta({ description: "receivers know the protocol by it" }),
    createdAt: text,
  });

export const inspectPath = "/inspect";
export const inspectSchemas: Readonly<Record<string, z.ZodType>> = {
  "@xstate.actor": frame("@xstate.actor").extend({
    name: text,
    parentId: text.exactOptional(),
    definition: text.meta({ description: "JSON of the machine's configuration" }),
    snapshot: z.unknown(),
  }),
  "@xstate.event": frame("@xstate.event").extend({
    sourceId: text.exactOptional().meta({ description: "the actor that sent it" }),
    event: z.unknown(),
  }),
  "@xstate.snapshot": frame("@xstate.snapshot").extend({ event: z.unknown(), snapshot: z.unknown() }),
};
