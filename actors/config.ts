/**
 * The configuration: what a person may write in the file or the environment, checked, with defaults.
 * Source: wire.md's names are a contract; every bound stands in machines/limits.ts.
 */
import { z } from "zod";
import { fail, ok, type Result } from "../machines/failure.ts";
import { limits } from "../machines/limits.ts";
import { readHost } from "../machines/service-host.ts";

const mysqlUrlExpected = "expected mysql://user:password@host:port/database";
function isMysqlUrl(text: string): boolean {
  const url = URL.parse(text);
  return url?.protocol === "mysql:" && url.hostname !== "" && /^\/[^/]{1,64}$/.test(url.pathname);
}

const seconds = (highest: number): z.ZodNumber => z.number().min(0).max(highest);
const port = z.int().min(0).max(65_535);

/** Hold-down: how long a notification waits before its flow may begin; a clear meanwhile cancels a create. */
const delays = z.strictObject({
  createSeconds: seconds(limits.hoursDelayMax).default(0),
  updateSeconds: seconds(limits.hoursDelayMax).default(0),
  closeSeconds: seconds(limits.hoursDelayMax).default(0),
});

/** The callback's path is put behind it as it stands. */
function isPublicUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && /^https?:\/\/[^\s?#]+$/i.test(text) && url.username === "" && url.password === "";
}

const origin = z.string().superRefine((text, context) => {
  const url = URL.parse(text);
  const isOfWeb = url !== null && /^https?:$/.test(url.protocol);
  const isOrigin = isOfWeb
    ? url.origin === text.toLowerCase()
    : /^(?!https?:)[a-z][a-z\d+.-]*:\/\/[^\s/?#@]+$/i.test(text);
  if (isOrigin) return;
  const expected = isOfWeb ? url.origin : "scheme://host or scheme://host:port";
  context.addIssue({ code: "custom", message: `expected ${expected}, as browsers write it` });
});

const listen = z.strictObject({
  /** Address to listen on; anything but loopback needs tokens (S1). */
  host: z.string().min(1).default("127.0.0.1"),
  port: port.default(limits.portDefault),
  /** What the ticketing service calls back, when it is not `http://host:port`. */
  publicUrl: z
    .string()
    .refine(isPublicUrl, "expected http:// or https://, without user, query and fragment, or null")
    .nullable()
    .default(null),
  /** Pages that may talk to it, by the Origin that browsers send: it is compared whole. */
  allowedOrigins: z.array(origin).default([]),
  tls: z.strictObject({ cert: z.string(), key: z.string() }).optional(),
});

const topology = z.discriminatedUnion(
  "kind",
  [
    /** A relative `file` lies in `dataDir`. */
    z.strictObject({ kind: z.literal("sqlite"), file: z.string().min(1).default("topology.db") }),
    /** Holds a password, so no message repeats it (S4): better given in TICKET_CLIENT_TOPOLOGY_URL. */
    z.strictObject({ kind: z.literal("mysql"), url: z.string().refine(isMysqlUrl, mysqlUrlExpected) }),
  ],
  'expected "kind": "sqlite" or "mysql"',
);

const heartbeatUrlExpected = "expected http:// or https://, without query and fragment, or null";

/** Whose path, and user and password if it has them, are the secret of the check: no message repeats it (S4). */
const heartbeatUrl = z
  .string()
  .refine(isHeartbeatUrl, heartbeatUrlExpected)
  .refine(canReadUser, "expected user and password with each % of theirs written %25")
  .nullable()
  .default(null);

const heartbeatSeconds = (lowest: number, usual: number): z.ZodDefault<z.ZodNumber> =>
  z.number().min(lowest).max(limits.heartbeatSecondsHighest).default(usual);

const heartbeat = z.strictObject({
  /** Receiver of the chain's check: a beat says that a client was locked, the service searched, the client unlocked. */
  url: heartbeatUrl,
  /** Receiver of a second check: a beat says that the process is alive, and nothing more. */
  engineUrl: heartbeatUrl,
  /** Period of `engineUrl`. */
  everySeconds: heartbeatSeconds(limits.heartbeatEverySecondsLowest, limits.heartbeatEverySecondsDefault),
  /** Period of `url`: each beat costs the service one search. */
  probeSeconds: heartbeatSeconds(limits.heartbeatProbeSecondsLowest, limits.heartbeatProbeSecondsDefault),
});

function isHeartbeatUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && !/[?#]/.test(text);
}

/** They are sent as what they stand for, not as they are written. */
function canReadUser(text: string): boolean {
  const url = URL.parse(text);
  try {
    decodeURIComponent(`${url?.username}:${url?.password}`);
    return true;
  } catch {
    return false;
  }
}

/** Name of an element that this engine talks to, for people; empty = not filled in. */
const elementName = z.string().max(limits.elementNameCharsMax).default("");

const serviceHost = z.string().superRefine((text, context) => {
  const read = readHost(text);
  if (!read.ok) context.addIssue({ code: "custom", message: `expected ${read.expected}` });
});

export const configSchema = z.strictObject({
  dataDir: z.string().min(1).default("./data"),
  listen: listen.prefault({}),
  auth: z.strictObject({ tokensFile: z.string().optional() }).prefault({}),
  /** Secrets of the callback's path, newest first, one a line (S1); null = whoever reaches the port may deliver a result. */
  callback: z.strictObject({ secretFile: z.string().min(1).nullable().default(null) }).prefault({}),
  clients: z.int().min(1).max(limits.clientsMax).default(limits.clientsDefault),
  lockSecondsMax: z.number().min(1).max(limits.lockSecondsMaxHighest).default(limits.lockSecondsMaxDefault),
  maxResponseRows: z
    .int()
    .min(limits.maxResponseRowsLowest)
    .max(limits.maxResponseRowsHighest)
    .default(limits.maxResponseRowsDefault),
  correlationKey: z.string().min(1).default("{alarmedObject.id}"),
  coalesce: z.boolean().default(true),
  delays: delays.prefault({}),
  reopenSeconds: seconds(limits.reopenSecondsMax).default(0),
  maxOpenTickets: z.int().min(1).max(limits.maxOpenTicketsHighest).default(limits.maxOpenTicketsDefault),
  clockSkewSeconds: seconds(limits.clockSkewSecondsMax).default(limits.clockSkewSecondsDefault),
  dedupDays: z.number().min(1).max(limits.dedupDaysMax).default(limits.dedupDaysDefault),
  services: z
    .strictObject({ file: z.string().default("services.csv"), selected: z.string().default("OSB") })
    .prefault({}),
  relatedElements: z
    .strictObject({
      ticketGateway: elementName,
      topologyDatabase: elementName,
      heartbeatReceiver: elementName,
    })
    .prefault({}),
  /** Names and addresses that services may have (S5). An address on this machine or its links must be listed itself. */
  allowedServiceHosts: z.array(serviceHost).default(["127.0.0.1"]),
  gateway: z
    .strictObject({
      kind: z.literal("embedded").default("embedded"),
      /** The gateway's own Service Info Table; null = `services.file`: it follows every import. */
      servicesFile: z.string().min(1).nullable().default(null),
      /** Searches that people ask for; 0 = none. */
      debugSearchPerSecond: z
        .number()
        .min(0)
        .max(limits.debugSearchPerSecondMax)
        .default(limits.debugSearchPerSecondDefault),
      /** Where requests that failed for good are also written, one a line; null = nowhere. Relative to `dataDir`. */
      offloadFile: z.string().min(1).nullable().default(null),
      notOwnerRetrySeconds: seconds(limits.lockSecondsMaxHighest).default(limits.notOwnerRetrySecondsDefault),
    })
    .prefault({}),
  heartbeat: heartbeat.prefault({}),
  topology: topology.prefault({ kind: "sqlite" }),
});

export type Config = z.output<typeof configSchema>;
export type ConfigInput = z.input<typeof configSchema>;

/** Reads a configuration; refuses an unknown key (with a suggestion), a wrong type, a value out of range. */
export function resolveConfig(input: unknown): Result<Config> {
  const parsed = configSchema.safeParse(input);
  if (parsed.success) return ok(parsed.data);
  const lines = parsed.error.issues.map((issue) => {
    const path = issue.path.map(String).join(".");
    if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownKey(path, key)).join("; ");
    return `${path === "" ? "the configuration" : path}: ${issue.message}`;
  });
  return fail("CONFIGURATION_INVALID", `${lines.join("; ")}. Mend it and start again.`);
}

function unknownKey(path: string, key: string): string {
  const where = path === "" ? key : `${path}.${key}`;
  const near = nearest(knownKeys(path), key);
  return near === null ? `${where} is not a setting` : `${where} is not a setting; did you mean ${near}?`;
}

/** null: none is near enough to be meant. */
function nearest(known: readonly string[], word: string): string | null {
  const [near] = known.toSorted((a, b) => distance(a, word) - distance(b, word));
  return near !== undefined && distance(near, word) <= 3 ? near : null;
}

function knownKeys(path: string): string[] {
  let node: unknown = configSchema.parse({});
  for (const part of path.split(".").filter((one) => one !== ""))
    node = typeof node === "object" && node !== null ? Reflect.get(node, part) : undefined;
  return typeof node === "object" && node !== null ? Object.keys(node) : [];
}

/** Edits between two short words (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      next.push(
        Math.min(
          (row[j] ?? 0) + 1,
          (next[j - 1] ?? 0) + 1,
          (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
        ),
      );
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/**
 * Settings from the environment: `TICKET_CLIENT_CLIENTS=8`, `TICKET_CLIENT_LISTEN_PORT=9000`. A value is
 * read as JSON where it is JSON, else as text. Names are those of the file, in upper case, parts joined by `_`.
 */
export function withEnvironment(
  input: Record<string, unknown>,
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, unknown> {
  const merged = structuredClone(input);
  for (const [name, path] of environmentNames()) {
    const value = environment[name];
    if (value === undefined) continue;
    let node = merged;
    for (const part of path.slice(0, -1)) {
      const inner = node[part];
      const next = typeof inner === "object" && inner !== null ? (inner as Record<string, unknown>) : {};
      node[part] = next;
      node = next;
    }
    node[path.at(-1) ?? ""] = readValue(value);
  }
  return merged;
}

function environmentNames(): Map<string, string[]> {
  const names = new Map<string, string[]>();
  const visit = (value: unknown, path: string[]): void => {
    if (path.length > 0)
      names.set(
        `TICKET_CLIENT_${path.map((part) => part.replaceAll(/([A-Z])/g, "_$1").toUpperCase()).join("_")}`,
        path,
      );
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      for (const [part, inner] of Object.entries(value)) visit(inner, [...path, part]);
  };
  const shape = configSchema.parse({});
  visit(
    {
      ...shape,
      listen: { ...shape.listen, tls: { cert: "", key: "" } },
      auth: { tokensFile: "" },
      topology: { kind: "", file: "", url: "" },
    },
    [],
  );
  return names;
}

/**
 * Sentences about variables that look like a setting and are none: a misspelt one would go unnoticed. Told and not
 * refused, because others may set variables that begin alike (Kubernetes does, for a Service of this name).
 */
export function misspeltVariables(environment: Readonly<Record<string, string | undefined>>): string[] {
  const known = [...environmentNames().keys(), ...variablesBesides];
  return Object.keys(environment).flatMap((name) => {
    if (!name.startsWith("TICKET_CLIENT_") || known.includes(name)) return [];
    const near = nearest(known, name);
    return near === null ? [] : [`${name} is not a setting and is ignored; did you mean ${near}?`];
  });
}

/** Read by the command line. */
const variablesBesides = ["TICKET_CLIENT_TOKEN", "TICKET_CLIENT_LOG_LEVEL"];

function readValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
