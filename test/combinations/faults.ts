/**
 * The faults, and the kinds of points that each of them fits: laws.md's table as far as the engine can tell its rows
 * apart. What the adapters turn into one and the same answer (HTML, the request echoed, half an answer: all UNREADABLE)
 * is one fault here.
 */

/** Where something can go wrong. */
export type PointKind =
  /** A commit is given to the disk and not synced. */
  | "written"
  /** It is synced, and nobody has been told. */
  | "synced"
  /** Its writers have been told, and nothing has followed from it. */
  | "answered"
  /** A search is about to leave. */
  | "search"
  /** A path is asked for. */
  | "path"
  /** A request is about to leave. */
  | "send"
  /** It has come in, and is about to take effect. */
  | "effect"
  /** It has taken effect, and the answer is about to leave. */
  | "answer"
  /** An async result is about to reach the engine. */
  | "async"
  /** A beat is about to leave. */
  | "beat"
  /** A client has come into a state in which it is held. */
  | "client"
  /** Nothing moves any more until a time comes. */
  | "quiet";

/** What a point says of itself, for whoever asks which faults fit. */
export interface Point {
  readonly kind: PointKind;
  /** The same in every run in which the same has happened before. */
  readonly name: string;
  /** Of a send, an effect, an answer. */
  readonly command?: string;
  readonly isAsync?: boolean;
}

const table = {
  written: {
    killLost: "kill -9 before the sync; the bytes are lost (as before the write, or torn)",
    killKept: "kill -9 before the sync; the bytes are there at the next start",
    syncFails: "the sync fails: R3",
    syncSlow: "the sync takes two seconds",
  },
  synced: { kill: "kill -9 between the sync and its answer" },
  answered: { kill: "kill -9 between the answer and what follows from it" },
  search: {
    unreachable: "nothing answers",
    error: "503, or an answer that cannot be read",
    permanent: "401, 404: trying again cannot help",
    silent: "no answer until the time-out",
    slow: "the answer comes shortly before the time-out",
    throws: "the client crashes",
    kill: "kill -9",
  },
  path: {
    error: "the topology is down",
    absent: "the topology does not know the element",
    silent: "no answer until the time-out",
  },
  send: {
    unreachable: "no byte leaves",
    refused: "503",
    retryAfter: "503 with Retry-After",
    nack: "NACK for good",
    busy: "NACK BUSY",
    notOwner: "NACK NOT_OWNER",
    failed: "401, 404, a validation fault",
    resetBefore: "reset; not applied",
    silentBefore: "no answer until the time-out; not applied",
    unreadableBefore: "the request comes back, or HTML; not applied",
    late: "no answer; applied after the socket's end",
    throws: "the gateway crashes",
    killLost: "kill -9; the bytes are lost",
    killLate: "kill -9; applied after the restart",
  },
  effect: {
    lag: "the search's index shows it late",
    falseClaim: "acknowledged, and there is no such ticket",
    asyncEarly: "the async result comes before the ACK",
    asyncTwice: "the async result comes twice",
    asyncNever: "the async result never comes",
    asyncLate: "the async result comes after its time",
    asyncError: "the async result says ERROR",
    asyncContradicts: "the async result says ERROR and then OK; applied",
    asyncNobody: "an async result for a request that nobody made",
    asyncLateEffect: "acknowledged, applied later",
  },
  answer: {
    resetAfter: "reset; applied",
    silentAfter: "no answer until the time-out; applied",
    unreadableAfter: "half an answer, HTML or the request itself; applied",
    noId: "an ACK without a ticket",
    slow: "the answer comes shortly before the time-out",
    kill: "kill -9; applied",
  },
  async: { kill: "kill -9; the service repeats it", lost: "it does not get through; the service repeats it" },
  beat: { refused: "the receiver refuses it", silent: "the receiver does not answer", kill: "kill -9" },
  client: {
    unlock: "force unlock, twice at once, and once more with the old GUID",
    notBusy: "force not busy, twice at once",
    pause: "the process stands still for longer than a lock lasts",
    clockForward: "the wall clock is set two days forward",
    clockBack: "the wall clock is set two days back",
  },
  quiet: {
    kill: "kill -9",
    clockForward: "the wall clock is set two days forward",
    clockBack: "the wall clock is set two days back",
  },
} as const satisfies Record<PointKind, Record<string, string>>;

type Table = typeof table;
export type FaultAt<K extends PointKind> = keyof Table[K] & string;
export type FaultName = { [K in PointKind]: FaultAt<K> }[PointKind];

const onlyAsync = /^async/;

/** The faults that fit the point. */
export function fitting({ kind, command, isAsync = false }: Point): FaultName[] {
  const all = Object.keys(table[kind]) as FaultName[];
  if (kind === "effect")
    return all.filter((fault) =>
      fault === "falseClaim" ? command === "create" && !isAsync : isAsync || !onlyAsync.test(fault),
    );
  if (kind === "answer") return all.filter((fault) => fault !== "noId" || (command === "create" && !isAsync));
  return all;
}

export function sentence({ kind, name }: Point, fault: FaultName): string {
  const of = table[kind] as Readonly<Record<string, string>>;
  return `${name}: ${of[fault]}`;
}
