/**
 * The configuration: what a person may write in the file or the environment, checked, with defaults.
 * Source: wire.md's names are a contract; every bound stands in machines/limits.ts.
 */
import { z } from "zod";
import { fail, ok, type Result } from "../machines/failure.ts";
import { limits } from "../machines/limits.ts";
import { readHost } from "../machines/service-host.ts";
import { nearest } from "./nearest.ts";
import { listSettings, type Setting } from "./settings-list.ts";

const mysqlUrlExpected = "expected mysql://user:password@host:port/database";
function isMysqlUrl(text: string): boolean {
  const url = URL.parse(text);
  return url?.protocol === "mysql:" && url.hostname !== "" && /^\/[^/]{1,64}$/.test(url.pathname);
}

const seconds = (highest: number): z.ZodNumber => z.number().min(0).max(highest);
const port = z.int().min(0).max(65_535);

const live = "Can be changed while the engine runs.";

const delays = z.strictObject({
  createSeconds: seconds(limits.hoursDelayMax)
    .default(0)
    .describe(
      `Hold-down: how long a raise waits before its flow may begin; a clear meanwhile cancels it. ${live}`,
    ),
  updateSeconds: seconds(limits.hoursDelayMax)
    .default(0)
    .describe(`How long a change waits before its flow may begin. ${live}`),
  closeSeconds: seconds(limits.hoursDelayMax)
    .default(0)
    .describe(`How long a clear waits before its flow may begin. ${live}`),
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
  host: z
    .string()
    .min(1)
    .default("127.0.0.1")
    .describe("Address to listen on; anything but loopback needs auth.tokensFile."), // S1
  port: port.default(limits.portDefault).describe("Port to listen on; 0 = any that is free."),
  publicUrl: z
    .string()
    .refine(isPublicUrl, "expected http:// or https://, without user, query and fragment, or null")
    .nullable()
    .default(null)
    .describe("What the ticketing service calls back; null = http://host:port."),
  allowedOrigins: z
    .array(origin)
    .default([])
    .describe("Other pages that may talk to it, by the Origin that browsers send; it is compared whole."),
  tls: z
    .strictObject({
      cert: z.string().describe("File of the certificate and its chain, PEM; with it the engine speaks TLS."),
      key: z.string().describe("File of the certificate's private key, PEM."),
    })
    .optional(),
});

const topologyKind = "Database of the topology: sqlite, a file; mysql, a MySQL or MariaDB server.";
const topology = z.discriminatedUnion(
  "kind",
  [
    z.strictObject({
      kind: z.literal("sqlite").describe(topologyKind),
      file: z
        .string()
        .min(1)
        .default("topology.db")
        .describe("Of sqlite: the file of the topology; a relative one lies in dataDir."),
    }),
    z.strictObject({
      kind: z.literal("mysql").describe(topologyKind),
      url: z.string().refine(isMysqlUrl, mysqlUrlExpected).meta({
        secret: true,
        description:
          "Of mysql: mysql://user:password@host:port/database; better in the environment than in a file.",
      }),
    }),
  ],
  'expected "kind": "sqlite" or "mysql"',
);

const heartbeatUrlExpected = "expected http:// or https://, without query and fragment, or null";

/** Whose path, and user and password if it has them, are the secret of the check: no message repeats it (S4). */
const heartbeatUrl = (description: string) =>
  z
    .string()
    .refine(isHeartbeatUrl, heartbeatUrlExpected)
    .refine(canReadUser, "expected user and password with each % of theirs written %25")
    .nullable()
    .default(null)
    .meta({ secret: true, description });

const heartbeatSeconds = (lowest: number, usual: number): z.ZodDefault<z.ZodNumber> =>
  z.number().min(lowest).max(limits.heartbeatSecondsHighest).default(usual);

const heartbeat = z.strictObject({
  url: heartbeatUrl(
    "Receiver of the chain's check: a beat says that a client was locked, the service searched, the client unlocked.",
  ),
  engineUrl: heartbeatUrl(
    "Receiver of a second check: a beat says that the process is alive, and nothing more.",
  ),
  everySeconds: heartbeatSeconds(
    limits.heartbeatEverySecondsLowest,
    limits.heartbeatEverySecondsDefault,
  ).describe("Period of heartbeat.engineUrl."),
  probeSeconds: heartbeatSeconds(
    limits.heartbeatProbeSecondsLowest,
    limits.heartbeatProbeSecondsDefault,
  ).describe("Period of heartbeat.url; each beat costs the service one search."),
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

const elementName = (of: string) =>
  z.string().max(limits.elementNameCharsMax).default("").describe(`Name of the ${of}, for people. ${live}`);

const serviceHost = z.string().superRefine((text, context) => {
  const read = readHost(text);
  if (!read.ok) context.addIssue({ code: "custom", message: `expected ${read.expected}` });
});

export const configSchema = z.strictObject({
  dataDir: z.string().min(1).default("./data").describe("Folder of the ledger."),
  listen: listen.prefault({}),
  auth: z
    .strictObject({
      tokensFile: z
        .string()
        .optional()
        .describe(
          "File of tokens, a line each: role:name:sha256-of-the-token; roles viewer, operator, source.",
        ),
    })
    .prefault({}),
  callback: z
    .strictObject({
      secretFile: z
        .string()
        .min(1)
        .nullable()
        .default(null)
        .describe(
          "File of secrets for the callback's path, newest first; null = whoever reaches the port may deliver a result.",
        ), // S1
    })
    .prefault({}),
  clients: z
    .int()
    .min(1)
    .max(limits.clientsMax)
    .default(limits.clientsDefault)
    .describe("Ticket Clients: how many flows go on at once."),
  lockSecondsMax: z
    .number()
    .min(1)
    .max(limits.lockSecondsMaxHighest)
    .default(limits.lockSecondsMaxDefault)
    .describe("How long a flow may hold its client; then the lock ends."),
  maxResponseRows: z
    .int()
    .min(limits.maxResponseRowsLowest)
    .max(limits.maxResponseRowsHighest)
    .default(limits.maxResponseRowsDefault)
    .describe(`Rows of the response table that each client keeps. ${live}`),
  correlationKey: z
    .string()
    .min(1)
    .default("{alarmedObject.id}")
    .describe(
      "Alarms of one key take turns and share one open ticket: text with fields in braces. Choose fields that a clear " +
        "repeats as its raise had them, and change it while no alarm is active: a clear under another key closes nothing.",
    ),
  coalesce: z.boolean().default(true).describe("Whether waiting alarms of a key may share one flow."),
  delays: delays.prefault({}),
  reopenSeconds: seconds(limits.reopenSecondsMax)
    .default(0)
    .describe("A ticket closed less than this ago is opened again in place of a new one; 0 = never."),
  maxOpenTickets: z
    .int()
    .min(1)
    .max(limits.maxOpenTicketsHighest)
    .default(limits.maxOpenTicketsDefault)
    .describe("Event storm: with so many open tickets none is made, and alarms wait."),
  clockSkewSeconds: seconds(limits.clockSkewSecondsMax)
    .default(limits.clockSkewSecondsDefault)
    .describe("A clear that came before its raise ends it, if it is no older than this by their own times."),
  dedupDays: z
    .number()
    .min(1)
    .max(limits.dedupDaysMax)
    .default(limits.dedupDaysDefault)
    .describe("How long an alarm that is sent again is known as the same."),
  services: z
    .strictObject({
      file: z
        .string()
        .default("services.csv")
        .describe("Service Info Table of the first start; after that the one in the ledger counts."),
      selected: z.string().default("OSB").describe("Its row that the first start selects."),
    })
    .prefault({}),
  relatedElements: z
    .strictObject({
      ticketGateway: elementName("ticket gateway"),
      topologyDatabase: elementName("topology database"),
      heartbeatReceiver: elementName("heartbeat receiver"),
    })
    .prefault({}),
  allowedServiceHosts: z
    .array(serviceHost)
    .default(["127.0.0.1"])
    .describe(
      "Names and addresses that services may have; an address on this machine or its links must be listed itself.",
    ), // S5
  gateway: z
    .strictObject({
      kind: z.literal("embedded").default("embedded").describe("Where the ticket gateway runs."),
      servicesFile: z
        .string()
        .min(1)
        .nullable()
        .default(null)
        .describe("The gateway's own Service Info Table; null = it follows every import."),
      debugSearchPerSecond: z
        .number()
        .min(0)
        .max(limits.debugSearchPerSecondMax)
        .default(limits.debugSearchPerSecondDefault)
        .describe("Searches a second that people may ask for; 0 = none."),
      offloadFile: z
        .string()
        .min(1)
        .nullable()
        .default(null)
        .describe(
          "Where requests that failed for good are also written, one a line; a relative one lies in dataDir; null = nowhere.",
        ),
      notOwnerRetrySeconds: seconds(limits.lockSecondsMaxHighest)
        .default(limits.notOwnerRetrySecondsDefault)
        .describe("How long a request waits that was refused because somebody else owns the ticket."),
    })
    .prefault({}),
  heartbeat: heartbeat.prefault({}),
  topology: topology.prefault({ kind: "sqlite" }),
});

export type Config = z.output<typeof configSchema>;
export type ConfigInput = z.input<typeof configSchema>;

let settings: readonly Setting[] | undefined;

/** Made when it is first asked for: an engine without a word about its settings starts without it. */
export function configSettings(): readonly Setting[] {
  settings ??= listSettings(configSchema);
  return settings;
}

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

/** Members that the object at `path` may have; the whole configuration's where that is empty. */
function knownKeys(path: string): string[] {
  const depth = path === "" ? 0 : path.split(".").length;
  const within = configSettings().filter(({ name }) => depth === 0 || name.startsWith(`${path}.`));
  return within.flatMap(({ path: parts }) => parts.slice(depth, depth + 1));
}
