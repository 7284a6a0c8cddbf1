/** The OpenAPI 3.1 document, made of the operations themselves: what is not in the table is not in the document. */
import { z } from "zod";
import { problemSchema } from "../../../actors/api-messages.ts";
import { problemType } from "../problem.ts";
import { apiPath } from "./exchange.ts";
import type { Operation } from "./operation.ts";
import { statusOfFailure } from "./refusal.ts";
import { SchemaCollector, type JsonSchema } from "./schema-collector.ts";

export function openApiDocument(operations: readonly Operation[]): JsonSchema {
  const schemas = new SchemaCollector("#/components/schemas/");
  const problem = schemas.of(problemSchema);
  const paths: Record<string, Record<string, unknown>> = {};
  for (const one of operations) {
    const path = `${apiPath}${one.path}`;
    paths[path] = { ...paths[path], [one.method.toLowerCase()]: operationObject(one, schemas) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Ticket Client",
      version: "1",
      description:
        "What operators and programs ask of a running engine. Commands may carry an Idempotency-Key: the same key and " +
        "body again get the same answer and have no second effect, in one life of the process, for a day.",
    },
    servers: [{ url: "/" }],
    security: [{ bearer: [] }, {}],
    paths,
    components: {
      schemas: schemas.definitions,
      responses: {
        Problem: { description: "Refused; `code` says why", content: { [problemType]: { schema: problem } } },
      },
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", description: "not asked for on loopback without tokens" },
      },
    },
  };
}

function operationObject(one: Operation, schemas: SchemaCollector): JsonSchema {
  return {
    operationId: one.id,
    summary: one.summary,
    description: `Role: ${one.role}.${refusalsOf(one)}`,
    parameters: [
      ...parametersOf(one.params, "path", schemas),
      ...parametersOf(one.query, "query", schemas),
      ...(one.isCommand === true ? [idempotencyKey] : []),
    ],
    ...requestBodyOf(one, schemas),
    responses: {
      200: {
        description: "Done",
        content: {
          [one.answerType?.split(";", 1)[0] ?? "application/json"]: { schema: schemas.of(one.answer) },
        },
      },
      ...Object.fromEntries(
        statusesOf(one).map((status) => [status, { $ref: "#/components/responses/Problem" }]),
      ),
    },
  };
}

const idempotencyKey = {
  name: "Idempotency-Key",
  in: "header",
  required: false,
  description: "a value of the caller's own for this command, a UUID for instance",
  schema: { type: "string" },
};

function requestBodyOf({ body, csvBytesMax }: Operation, schemas: SchemaCollector): JsonSchema {
  if (body !== undefined)
    return {
      requestBody: { required: true, content: { "application/json": { schema: schemas.of(body, "input") } } },
    };
  if (csvBytesMax === undefined) return {};
  return { requestBody: { required: true, content: { "text/csv": { schema: { type: "string" } } } } };
}

/** Every operation may meet a bad parameter, no token, a wrong role, a failure of ours. */
function statusesOf(one: Operation): readonly number[] {
  const takesBody = one.body !== undefined || one.csvBytesMax !== undefined;
  const statuses = new Set([400, 401, 403, 500, 503]);
  if (one.params !== undefined) statuses.add(404);
  if (takesBody) for (const status of [411, 413, 415, 422]) statuses.add(status);
  if (one.isCommand === true) for (const status of [409, 422]) statuses.add(status);
  for (const code of one.refusals ?? []) statuses.add(statusOfFailure[code] ?? 500);
  return [...statuses].sort((a, b) => a - b);
}

function refusalsOf({ refusals = [] }: Operation): string {
  if (refusals.length === 0) return "";
  return ` Refused: ${refusals.map((code) => `${code} (${statusOfFailure[code] ?? 500})`).join(", ")}.`;
}

function parametersOf(
  fields: z.ZodType | undefined,
  place: "path" | "query",
  schemas: SchemaCollector,
): JsonSchema[] {
  if (fields === undefined) return [];
  const { properties = {} } = schemas.of(fields, "output", true) as {
    properties?: Record<string, JsonSchema>;
  };
  const required = new Set(requiredNames(fields));
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: place,
    required: place === "path" || required.has(name),
    ...(description === undefined ? {} : { description }),
    schema,
  }));
}

/** Those without which the schema refuses. */
function requiredNames(fields: z.ZodType): string[] {
  const asked = z.toJSONSchema(fields, { io: "input", unrepresentable: "any" }).required;
  return asked ?? [];
}
