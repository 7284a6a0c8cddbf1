/**
 * What a trace says about acknowledgements: whether the alarm's fact was written to the log, and that write synced,
 * before the acknowledgement left. Lines of a trace are in the order in which the calls began.
 */

export interface TracedAcknowledgement {
  /** Of the alarm. */
  readonly id: string;
  readonly position: number;
  /** A sync of the log that began after the fact was written, and ended well before the acknowledgement left. */
  readonly synced: boolean;
}

export interface AcknowledgedTrace {
  readonly acknowledged: readonly TracedAcknowledgement[];
  /** Whether a call was made to fail. */
  readonly failed: boolean;
}

interface Sync {
  readonly from: number;
  readonly to: number;
}

const log = String.raw`<[^>]*ledger\.db-wal>`;
const syncBegun = new RegExp(String.raw`^(\d+)\s+f(?:data)?sync\(\d+${log}`);
const syncResumed = /^(\d+)\s+<\.\.\. f(?:data)?sync resumed>/;
const endedWell = /\) += 0$/;
const logWrite = new RegExp(String.raw`^\d+\s+pwrite64\(\d+${log}`);
const acknowledgement =
  /ticketclient\.ack\.accepted.*\\"id\\":\\"([^\\"]+)\\",\\"duplicate\\":\w+,\\"position\\":(\d+)/;

/** Of `strace -f -y` with whole pages shown. */
export function readAcknowledged(text: string): AcknowledgedTrace {
  const lines = text.split("\n");
  const failedAt = lines.findIndex((line) => line.includes("(INJECTED)"));
  const syncs = syncsOf(lines);
  const writes = lines.flatMap((line, at) => (logWrite.test(line) ? [{ line, at }] : []));
  const acknowledged = lines.flatMap((line, at) => {
    const [, id = "", position = ""] = acknowledgement.exec(line) ?? [];
    if (id === "") return [];
    const written = writes.find((write) => write.line.includes(String.raw`\"id\":\"${id}\"`))?.at;
    const synced =
      written !== undefined &&
      syncs.some(({ from, to }) => from > written && to < at && (failedAt < 0 || to < failedAt));
    return [{ id, position: Number(position), synced }];
  });
  return { acknowledged, failed: failedAt >= 0 };
}

/** Those of the log that ended well. */
function syncsOf(lines: readonly string[]): Sync[] {
  const syncs: Sync[] = [];
  const begun = new Map<string, number>();
  for (const [at, line] of lines.entries()) {
    const thread = syncBegun.exec(line)?.[1];
    if (thread !== undefined) begun.set(thread, at);
    const ending = thread ?? syncResumed.exec(line)?.[1] ?? "";
    const from = begun.get(ending);
    if (from === undefined || line.endsWith("<unfinished ...>")) continue;
    begun.delete(ending);
    if (endedWell.test(line)) syncs.push({ from, to: at });
  }
  return syncs;
}
