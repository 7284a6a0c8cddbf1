/**
 * The offload file: each request that failed for good, with all that somebody needs to do it by hand. One JSON object a
 * line; the first line says from which place in the ledger on.
 *   A3 it is a fold of the ledger: after a crash, or while the disk was full, it goes on where its last line stands, also
 *   where it was being put aside.
 *   S4 the service by name only.
 * A file that cannot be written never holds up a flow.
 */
import { open, readFile, rename, stat, truncate } from "node:fs/promises";
import type { Config } from "../../actors/config.ts";
import type { Clock, Ledger, Log } from "../../actors/ports.ts";
import type { Fact, FactBodies } from "../../machines/facts.ts";
import { limits } from "../../machines/limits.ts";
import type { Position } from "../../machines/vocabulary.ts";
import { placeBesideLedger } from "../ledger/ledger-files.ts";

export interface OffloadOptions {
  readonly file: string;
  readonly ledger: Pick<Ledger, "follow" | "head" | "readKey">;
  readonly clock: Pick<Clock, "setTimeout" | "clearTimeout">;
  readonly log: Log;
}

export interface Offload {
  /** What is not written by then is written after the next start. */
  close(): Promise<void>;
}

type Failed = Extract<Fact, { type: "request.settled" }>;

/** null: none is wanted. Throws FailureError CONFIGURATION_INVALID where it would lie in a file of the ledger's. */
export function offloadPlace({ dataDir, gateway }: Pick<Config, "dataDir" | "gateway">): string | null {
  const { offloadFile } = gateway;
  return offloadFile === null ? null : placeBesideLedger(dataDir, offloadFile, "gateway.offloadFile");
}

/** Goes on in the background. */
export function startOffload(options: OffloadOptions): Offload {
  const end = new AbortController();
  const running = run(options, end.signal);
  return {
    async close() {
      end.abort();
      await running;
    },
  };
}

async function run(options: OffloadOptions, signal: AbortSignal): Promise<void> {
  const start = options.ledger.head().position;
  while (!signal.aborted) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- until it is ended, or could not write
      await follow(options, start, signal);
      return;
    } catch (error) {
      options.log.warn("offload.failed", { file: options.file, error: String(error) });
      // oxlint-disable-next-line no-await-in-loop
      await pause(options.clock, signal);
    }
  }
}

/** `start`: where a file begins that is not there yet. */
async function follow({ file, ledger }: OffloadOptions, start: Position, signal: AbortSignal): Promise<void> {
  let after = await lastPosition(file);
  // Of a ledger that a backup was restored to, or that lost its end, the file may tell of more than there is.
  if (after === null || after > ledger.head().position) {
    after = start;
    await append(file, { offload: "requests that failed, one a line", position: after });
  }
  for await (const fact of ledger.follow(after, signal)) {
    if (isFailed(fact)) await append(file, await record(ledger, fact));
  }
}

function isFailed(fact: Fact): fact is Failed {
  return fact.type === "request.settled" && ["rejected", "failed", "unknown"].includes(fact.body.result);
}

async function record(ledger: Pick<Ledger, "readKey">, fact: Failed): Promise<object> {
  const { requestId, key, command, service, result, ticketId, because } = fact.body;
  const planned = await plannedAs(ledger, key, requestId);
  return {
    position: fact.position,
    at: new Date(fact.at).toISOString(),
    requestId,
    key,
    service,
    command,
    result,
    because,
    ticketId,
    payload: planned?.payload ?? null,
    alarms: planned?.alarms.map(({ source, id }) => ({ source, id })) ?? [],
  };
}

/** null: longer ago than is looked back. */
async function plannedAs(
  ledger: Pick<Ledger, "readKey">,
  key: string,
  requestId: string,
): Promise<FactBodies["request.planned"] | null> {
  const facts = await ledger.readKey(key, limits.explainFactsMax);
  for (const { type, body } of facts)
    if (type === "request.planned" && body.requestId === requestId) return body;
  return null;
}

/** Of the last whole line; a torn one is cut off. null: there is no file yet. */
async function lastPosition(file: string): Promise<Position | null> {
  const text = (await textOf(file)) ?? (await begunText(file));
  if (text === null) return null;
  const wholeChars = text.lastIndexOf("\n") + 1;
  const last = text.slice(0, wholeChars).trimEnd().split("\n").at(-1) ?? "";
  const torn = text.slice(wholeChars);
  const position = last === "" ? null : positionOf(last);
  const isOurs = last === "" ? isBeginOfOurs(torn) : position !== null;
  if (!isOurs) throw new Error(`The last line of ${file} is none of ours; move the file away.`);
  if (torn !== "") await truncate(file, Buffer.byteLength(text.slice(0, wholeChars)));
  return position;
}

/** null: no line of ours. */
function positionOf(line: string): Position | null {
  try {
    const read: unknown = JSON.parse(line);
    const position = typeof read === "object" && read !== null ? Reflect.get(read, "position") : null;
    return typeof position === "number" ? position : null;
  } catch {
    return null;
  }
}

/** Of a first line that was torn, which is all there is. */
function isBeginOfOurs(torn: string): boolean {
  return ['{"offload":', '{"position":'].some((begin) => begin.startsWith(torn.slice(0, begin.length)));
}

/** null: there is none. */
function textOf(file: string): Promise<string | null> {
  return readFile(file, "utf8").catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  });
}

/** The next file, which was begun and not put in place. */
async function begunText(file: string): Promise<string | null> {
  const text = await textOf(nextOf(file));
  if (text !== null) await rename(nextOf(file), file);
  return text;
}

function nextOf(file: string): string {
  return `${file}.next`;
}

async function append(file: string, line: object): Promise<void> {
  const size = await stat(file).then(
    (found) => found.size,
    () => 0,
  );
  if (size < limits.offloadBytesMax) return write(file, "a", line);
  // Begun before: its line says where to go on.
  await write(nextOf(file), "w", line);
  await rename(file, `${file}.1`);
  await rename(nextOf(file), file);
}

async function write(file: string, flags: "a" | "w", line: object): Promise<void> {
  const handle = await open(file, flags, 0o600);
  try {
    await handle.appendFile(`${JSON.stringify(line)}\n`);
    if (flags === "w") await handle.sync(); // before the full one goes
  } finally {
    await handle.close();
  }
}

function pause(clock: OffloadOptions["clock"], signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(); // while it could not write
    const stop = () => {
      clock.clearTimeout(timer);
      resolve();
    };
    const timer = clock.setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, limits.offloadRetryMs);
    signal.addEventListener("abort", stop, { once: true });
  });
}
