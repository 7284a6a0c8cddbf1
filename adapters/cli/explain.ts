/** `explain`: decision records, from the ledger. */
import { explainAlarm, explainKey, type Explanation } from "../../actors/explain.ts";
import type { Stream } from "../../machines/facts.ts";
import { FailureError } from "../../machines/failure.ts";
import { openLedgerReader } from "./ledger.ts";
import type { Output } from "./output.ts";
import { type DataOptions, readSettings } from "./settings.ts";

export interface ExplainOptions extends DataOptions {
  readonly source?: string;
  readonly id?: string;
  readonly key?: string;
  readonly count: number;
}

/** Resolves with the exit code: 1 where no such alarm was accepted. */
export async function runExplain(options: ExplainOptions, output: Output): Promise<number> {
  const { dataDir } = readSettings(options);
  const records = await readRecords(dataDir, options);
  if (records.length === 0) {
    const { key, source, id } = options;
    throw new FailureError(
      "INVALID",
      `The ledger in ${dataDir} holds no alarm of ${key === undefined ? `source ${source}, id ${id}` : `key ${key}`}.`,
    );
  }
  output.data(options.key === undefined ? records[0] : records);
  for (const [index, record] of records.entries()) {
    if (index > 0) output.line();
    show(record, output);
  }
  return 0;
}

async function readRecords(dir: string, { source, id, key, count }: ExplainOptions): Promise<Explanation[]> {
  const reader = openLedgerReader(dir);
  const everything = Number.MAX_SAFE_INTEGER;
  const ledger = {
    readStream: (stream: Stream) => Promise.resolve(reader.ofStream(stream, everything)),
    readKey: (name: string, limit: number) => Promise.resolve(reader.ofKey(name, limit, everything)),
  };
  try {
    if (key !== undefined) return await explainKey(ledger, key, count);
    const record = await explainAlarm(ledger, source ?? "", id ?? "");
    return record === null ? [] : [record];
  } finally {
    reader.close();
  }
}

function show(
  {
    source,
    id,
    key,
    notification,
    acceptedAt,
    outcome,
    because,
    ticketId,
    settledAt,
    decisions,
    requests,
  }: Explanation,
  output: Output,
): void {
  output.line(`${notification.kind} ${id} of ${source}`);
  output.line(`  key       ${key}`);
  output.line(`  accepted  ${new Date(acceptedAt).toISOString()}`);
  output.line(
    `  outcome   ${outcome ?? "none yet"}${ticketId === null ? "" : `, ticket ${ticketId}`}${settledAt === null ? "" : `, ${new Date(settledAt).toISOString()}`}`,
  );
  output.line(`  because   ${because}`);
  for (const { rule, decision, because: why } of decisions)
    output.line(`  decided   ${rule}: ${decision}; ${why}`);
  for (const { command, service, requestId, attempts, result } of requests) {
    output.line(`  request   ${command} to ${service}, ${requestId}: ${result ?? "under way"}`);
    for (const { attempt, answer, code, cause } of attempts) {
      output.line(
        `            attempt ${attempt}: ${answer}${code === null ? "" : ` ${code}`}${cause === null ? "" : `, ${cause}`}`,
      );
    }
  }
}
