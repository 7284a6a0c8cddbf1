/**
 * What the HTTP API says and is told: one schema each for the types, the validation and the OpenAPI document.
 *   L6 a force names the lock that the operator saw, and why.
 * Source: wire.md, "HTTP API"; console.md.
 */
import { z } from "zod";
import { limits } from "../machines/limits.ts";
import { exactText, next, page, requiredText, text } from "./api-parts.ts";
import {
  commandSchema,
  instantSchema,
  networkPathSchema,
  positionSchema,
  responseRowSchema,
  responseStatusSchema,
  serviceInfoSchema,
  tableMismatchSchema,
  ticketSchema,
} from "./vocabulary-schemas.ts";
import type { ClientView } from "./engine-views.ts";

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
  .object({
    selected: text.nullable(),
    services: z.array(serviceInfoSchema),
    mismatch: tableMismatchSchema.nullable(),
  })
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
  .strictObject({ name: exactText("name", limits.alarmIdCharsMax) })
  .meta({ id: "Selection" });

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
