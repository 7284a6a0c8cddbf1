/**
 * What the HTTP API says and is told: one schema each for the types, the validation and the OpenAPI document.
 *   L6 a force names the lock that the operator saw, and why.
 * Source: wire.md, "HTTP API"; console.md.
 */
import { z } from "zod";
import { limits } from "../machines/limits.ts";
import {
  commandSchema,
  instantSchema,
  networkPathSchema,
  notificationSchema,
  outcomeSchema,
  parkReasonSchema,
  positionSchema,
  requestCommandSchema,
  responseRowSchema,
  responseStatusSchema,
  serviceInfoSchema,
  ticketSchema,
} from "./vocabulary-schemas.ts";
import type { ClientView } from "./engine-views.ts";
import type { Explanation } from "./explain.ts";

const text = z.string();
const requiredText = (what: string, charsMax: number) =>
  z
    .string(`${what}: text of 1 to ${charsMax} characters`)
    .trim()
    .min(1, `${what}: text of 1 to ${charsMax} characters`)
    .max(charsMax, `${what}: text of 1 to ${charsMax} characters`);

// --- clients

export const clientViewSchema = z.object({
  clientId: text,
  state: z.enum(["idle", "locked", "searching", "forwarding", "closing", "restarting", "quarantined"]),
  lockStatus: z.enum(["locked", "unlocked"]),
  lockGuid: text.nullable(),
  lockTime: instantSchema.nullable(),
  fence: z.int().nullable(),
  busyStatus: z.enum(["busy", "notBusy"]),
  processingData: text,
}) satisfies z.ZodType<ClientView>;

export const clientSchema = clientViewSchema
  .extend({
    key: text.nullable().meta({ description: "correlation key of the automatic flow that holds it" }),
    heldBy: z.enum(["flow", "hand"]).nullable(),
    deadlineAt: instantSchema.nullable().meta({ description: "when the lock ends by itself" }),
    rows: z
      .object({ inserted: z.int(), present: z.int(), evicted: z.int(), cleared: z.int() })
      .meta({ description: "of its response table: inserted = present + evicted + cleared" }),
  })
  .meta({ id: "Client" });
export type ClientMessage = z.output<typeof clientSchema>;

export const clientsSchema = z.object({ position: positionSchema, clients: z.array(clientSchema) });

export const searchResultsSchema = z
  .object({
    clientId: text,
    results: z
      .object({
        lockGuid: text.meta({ description: "the flow they belong to" }),
        at: instantSchema,
        truncated: z.boolean().meta({ description: "the service found more than it gave" }),
        tickets: z.array(ticketSchema),
        path: z
          .object({
            elementId: text,
            path: networkPathSchema.nullable(),
            failure: text.nullable().meta({ description: "why there is no path" }),
            at: instantSchema,
          })
          .nullable()
          .meta({ description: "Ninas Network Path Details as the flow used them; null: not asked" }),
      })
      .nullable()
      .meta({ description: "of the current or last flow; null: no flow since the client was started" }),
  })
  .meta({ id: "SearchResults" });
export type SearchResultsMessage = z.output<typeof searchResultsSchema>;

/** L6. */
export const forceSchema = z
  .strictObject({
    lockGuid: requiredText("lockGuid", limits.alarmIdCharsMax).meta({
      description: "the lock that the operator saw; a newer one is never released",
    }),
    reason: requiredText("reason", limits.reasonCharsMax),
  })
  .meta({ id: "Force" });

// --- response table

const page = {
  limit: z.coerce
    .number(`a whole number from 1 to ${limits.pageRowsMax}`)
    .int()
    .min(1)
    .max(limits.pageRowsMax)
    .default(limits.pageRowsDefault),
  before: z.coerce
    .number("a position")
    .int()
    .min(1)
    .optional()
    .meta({ description: "`next` of the page before" }),
};
const next = positionSchema.nullable().meta({
  description:
    "`before` of the next page; null: there is none. A page may be shorter than asked and still have one.",
});

export const responsesQuerySchema = z.strictObject({
  client: text.optional(),
  status: responseStatusSchema.optional(),
  command: commandSchema.optional(),
  key: text.optional(),
  ...page,
});
export type ResponsesQuery = z.output<typeof responsesQuerySchema>;

export const responsesSchema = z.object({
  rows: z.array(responseRowSchema.extend({ position: positionSchema })),
  next,
});
export type ResponsesMessage = z.output<typeof responsesSchema>;

export const clearResponsesQuerySchema = z.strictObject({
  client: text.optional().meta({ description: "of this client only" }),
});
export const clearedSchema = z.object({ cleared: z.int(), position: positionSchema });

// --- configuration

const elementName = z
  .string()
  .max(limits.elementNameCharsMax, `at most ${limits.elementNameCharsMax} characters`);
const relatedElements = z.strictObject({
  ticketGateway: elementName,
  topologyDatabase: elementName,
  heartbeatReceiver: elementName,
});
const maxResponseRows = z.int().min(limits.maxResponseRowsLowest).max(limits.maxResponseRowsHighest);

const delaySeconds = z.number().min(0).max(limits.hoursDelayMax);
const delays = z
  .strictObject({ createSeconds: delaySeconds, updateSeconds: delaySeconds, closeSeconds: delaySeconds })
  .meta({ description: "how long a notification is held down before a create, an update or a close" });

export const settingsSchema = z.object({ relatedElements, maxResponseRows, delays }).meta({ id: "Settings" });
export type SettingsMessage = z.output<typeof settingsSchema>;

export const settingsPatchSchema = z
  .strictObject({
    relatedElements: relatedElements.partial(),
    delays: delays.partial(),
    maxResponseRows: maxResponseRows.meta({
      description: "lowering it lets the oldest settled rows leave at once; unsettled rows stay",
    }),
  })
  .partial()
  .meta({ id: "SettingsPatch" });
export type SettingsPatch = z.output<typeof settingsPatchSchema>;

// --- services

export const servicesSchema = z
  .object({ selected: text.nullable(), services: z.array(serviceInfoSchema) })
  .meta({ id: "Services" });

export const importQuerySchema = z.strictObject({
  dryRun: z
    .enum(["true", "false"], "true or false")
    .default("false")
    .meta({ description: "true: say what would change, and change nothing" }),
});

const serviceNames = z.array(text);
export const servicesPreviewSchema = z
  .object({
    added: serviceNames,
    changed: z.array(z.object({ name: text, columns: z.array(text) })),
    removed: serviceNames,
    unchanged: serviceNames,
    errors: z.array(z.object({ line: z.int(), column: text, expected: text, got: text })),
    applied: z.boolean().meta({ description: "false in a dry run" }),
  })
  .meta({ id: "ServicesPreview" });

export const selectionSchema = z
  .strictObject({ name: requiredText("name", limits.alarmIdCharsMax) })
  .meta({ id: "Selection" });

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
/** The schema says at least what a decision record is. */
export type ExplanationFits = Explanation extends z.input<typeof explanationSchema> ? true : never;

export const explainQuerySchema = z
  .strictObject({
    source: text.optional(),
    id: text.optional(),
    key: text.optional(),
    limit: page.limit.meta({ description: "alarms of the key at most" }),
  })
  .refine(
    ({ source, id, key }) => (key === undefined) === (source !== undefined && id !== undefined),
    "expected either source and id, or key",
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

// --- topology and debug search

const textOrNull = text.nullable();

export const pathSchema = z
  .object({
    element: z.object({
      elementId: text,
      name: textOrNull,
      type: textOrNull,
      parentId: textOrNull,
      region: textOrNull,
      headend: textOrNull,
      chassis: textOrNull,
      slot: textOrNull,
      port: textOrNull,
      node: textOrNull,
      ipAddress: textOrNull,
      mac: textOrNull,
      vendor: textOrNull,
      model: textOrNull,
      status: textOrNull,
    }),
    addresses: z.array(
      z.object({
        addressId: text,
        uau: textOrNull,
        street: textOrNull,
        houseNo: textOrNull,
        postcode: textOrNull,
        city: textOrNull,
      }),
    ),
    path: networkPathSchema,
    ageSeconds: z.number().meta({ description: "since the data was loaded" }),
  })
  .meta({ id: "Path" });

export const topologyLoadSchema = z
  .strictObject({
    files: z
      .array(requiredText("a name", limits.topologyTextCharsMax))
      .min(1, "at least one file")
      .max(limits.topologyFilesMax)
      .meta({ description: "names of CSV files in the folder `topology` of the data directory" }),
    dryRun: z.boolean().default(false),
    acceptDrop: z.boolean().default(false).meta({ description: "take far fewer rows than are in place" }),
  })
  .meta({ id: "TopologyLoad" });

export const topologyLoadedSchema = z.object({
  applied: z.boolean().meta({ description: "false in a dry run" }),
  loadedAt: instantSchema,
  elements: z.int(),
  roots: z.int(),
  addresses: z.int(),
  hops: z.int(),
  files: z.array(z.object({ name: text, form: text, rows: z.int(), encoding: text })),
});

export const debugSearchSchema = z
  .strictObject({
    clientReference: requiredText("clientReference", limits.alarmTextCharsMax).optional(),
    ticketId: requiredText("ticketId", limits.alarmIdCharsMax).optional(),
    requestedBy: requiredText("requestedBy", limits.alarmIdCharsMax).optional(),
    networkElements: z
      .array(requiredText("a network element", limits.alarmIdCharsMax))
      .max(limits.pageRowsMax)
      .optional(),
    kind: ticketSchema.shape.kind.optional(),
    status: z.array(ticketSchema.shape.status).optional(),
    maxResults: z.int().min(1).max(limits.searchResultsMax).optional(),
  })
  .meta({ id: "SearchCriteria" });
export const debugFoundSchema = z.object({
  requestId: text.meta({ description: "of its row in the response table, client `gateway`" }),
  truncated: z.boolean(),
  tickets: z.array(ticketSchema),
});

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

// --- errors

/** RFC 9457. `code` and `type` are stable; `detail` is for people and may change. */
export const problemSchema = z
  .object({
    type: text.meta({ description: "urn:ticketclient:problem:<code>" }),
    title: text,
    status: z.int(),
    code: text,
    detail: text.meta({ description: "what happened, what was expected, what to do" }),
    errors: z
      .array(
        z.object({
          pointer: text.exactOptional().meta({ description: "JSON Pointer into the body" }),
          parameter: text.exactOptional().meta({ description: "of the path or the query" }),
          line: z.int().exactOptional().meta({ description: "of CSV, from 1" }),
          column: text.exactOptional().meta({ description: "of CSV: its name" }),
          expected: text.exactOptional(),
          got: text.exactOptional(),
          detail: text,
        }),
      )
      .exactOptional(),
  })
  .meta({ id: "Problem" });
export type ProblemMessage = z.output<typeof problemSchema>;
