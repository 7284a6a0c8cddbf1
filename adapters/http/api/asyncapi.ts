/** The AsyncAPI 3.0 document of the sockets, made of the schemas that their messages are held to. */
import type { z } from "zod";
import {
  alarmMessageSchema,
  alarmsPath,
  feedSchemas,
  inspectPath,
  inspectSchemas,
  intakeSchemas,
} from "../../../actors/socket-messages.ts";
import { feedPath } from "../../../actors/feed-messages.ts";
import { SchemaCollector, type JsonSchema } from "./schema-collector.ts";

interface Socket {
  readonly name: string;
  readonly path: string;
  readonly title: string;
  readonly description: string;
  readonly query?: Readonly<Record<string, string>>;
  /** What the engine says. */
  readonly says: Readonly<Record<string, z.ZodType>>;
  /** What it hears; nothing where it only speaks. */
  readonly hears: Readonly<Record<string, z.ZodType>>;
}

const sockets: readonly Socket[] = [
  {
    name: "alarms",
    path: alarmsPath,
    title: "Alarm intake",
    description:
      "Subprotocol cloudevents.json; every text frame is one CloudEvents 1.0 object. `accepted` means kept; what became of the alarm is told on the feed.",
    says: intakeSchemas,
    hears: { alarm: alarmMessageSchema },
  },
  {
    name: "feed",
    path: feedPath,
    title: "Feed",
    description:
      "Subprotocol cloudevents.json; offered beside it cloudevents-batch.json makes every frame an array of messages. First a snapshot, then facts in the order of the ledger, and states of which only the latest count.",
    query: {
      after: "<ledger>:<position>: resume after it",
      only: "a client's id: only what names it",
      types: "types of messages, joined by commas",
      behind:
        "read (the default) or reset: what a reader gets who falls behind after it has had what was there when it came; with reset at most 2,000 facts a second",
    },
    says: feedSchemas,
    hears: {},
  },
  {
    name: "inspect",
    path: inspectPath,
    title: "Inspector protocol",
    description:
      "Frames of @statelyai/inspect 0.7, one JSON object each, read only; no subprotocol. Whoever can set no header gives the token as a password of the URL.",
    query: { actor: "only this actor" },
    says: inspectSchemas,
    hears: {},
  },
];

export function asyncApiDocument(): JsonSchema {
  const schemas = new SchemaCollector("#/components/schemas/");
  const messages: Record<string, JsonSchema> = {};
  const channels: Record<string, JsonSchema> = {};
  const operations: Record<string, JsonSchema> = {};
  for (const socket of sockets) {
    const named = (all: Socket["says"], io: "input" | "output") =>
      Object.entries(all).map(([type, schema]) => {
        const name = messageName(socket.name, type);
        messages[name] = {
          name,
          title: type,
          contentType: "application/json",
          payload: schemas.of(schema, io),
        };
        return name;
      });
    const says = named(socket.says, "output");
    const hears = named(socket.hears, "input");
    channels[socket.name] = channelOf(socket, [...says, ...hears]);
    operations[`${socket.name}Says`] = operationOf(socket.name, "send", says);
    if (hears.length > 0) operations[`${socket.name}Hears`] = operationOf(socket.name, "receive", hears);
  }
  return {
    asyncapi: "3.0.0",
    info: { title: "Ticket Client", version: "1", description: "WebSockets of a running engine." },
    defaultContentType: "application/json",
    servers: {
      engine: {
        host: "{host}",
        protocol: "ws",
        variables: { host: { default: "127.0.0.1:8640", description: "host and port of the engine" } },
        security: [{ $ref: "#/components/securitySchemes/bearer" }],
      },
    },
    channels,
    operations,
    components: {
      schemas: schemas.definitions,
      messages,
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          description: "at the upgrade; not asked for on loopback without tokens",
        },
      },
    },
  };
}

function channelOf({ path, title, description, query }: Socket, messages: readonly string[]): JsonSchema {
  const properties = Object.fromEntries(
    Object.entries(query ?? {}).map(([name, what]) => [name, { type: "string", description: what }]),
  );
  return {
    address: path,
    title,
    description,
    messages: Object.fromEntries(messages.map((name) => [name, { $ref: `#/components/messages/${name}` }])),
    bindings: {
      ws: {
        method: "GET",
        bindingVersion: "0.1.0",
        ...(query === undefined ? {} : { query: { type: "object", properties } }),
      },
    },
  };
}

function operationOf(channel: string, action: "send" | "receive", messages: readonly string[]): JsonSchema {
  return {
    action,
    channel: { $ref: `#/channels/${channel}` },
    messages: messages.map((name) => ({ $ref: `#/channels/${channel}/messages/${name}` })),
  };
}

/** Letters, digits, dots, dashes and underlines only. */
function messageName(socket: string, type: string): string {
  return `${socket}.${type.replace("@", "")}`;
}
