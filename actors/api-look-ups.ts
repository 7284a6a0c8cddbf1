/**
 * What a person may look up through the API: a path in the topology, tickets at the service.
 * Source: wire.md, "HTTP API".
 */
import { z } from "zod";
import { limits } from "../machines/limits.ts";
import { requiredText, text } from "./api-parts.ts";
import { instantSchema, networkPathSchema, ticketSchema } from "./vocabulary-schemas.ts";

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
