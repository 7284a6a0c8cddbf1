/**
 * Huawei's published alarms (NeurIPS 2023) as alarm events: each row is one alarm, raised and cleared.
 * Source: wire.md, "Command line", `replay`; huawei-neurips2023/README.md.
 */
import { CsvError } from "csv-parse";
import { parse } from "csv-parse/sync";

import type { Result } from "../../machines/failure.ts";
import { fail, ok } from "../../machines/failure.ts";
import { limits } from "../../machines/limits.ts";
import type { RecordedEvent } from "./recorded.ts";

const header = ["alarm_id", "device_id", "start_timestamp", "end_timestamp"] as const;
type Row = Readonly<Record<(typeof header)[number], string>>;

const latestSecond = Date.UTC(limits.latestYear + 1, 0, 1) / 1_000 - 1;

/**
 * Two events a row, by time; at equal times by row, a row's raise before its clear. A row that ends before
 * it starts keeps its times: its clear is sent first, as a wrong clock would send it (D0). All or nothing:
 * fails INVALID with line, column and what was expected.
 */
export function readHuaweiAlarms(csv: string, fileName: string): Result<readonly RecordedEvent[]> {
  const wrong = (line: number, what: string) => fail("INVALID", `${fileName}, line ${line}: ${what}`);
  let lines: string[][];
  try {
    lines = parse(csv, { bom: true, skip_empty_lines: true, relax_column_count: true });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    return fail("INVALID", `${fileName}: ${error.message}; expected comma-separated text`);
  }
  if (lines[0]?.join(",") !== header.join(",")) return wrong(1, `expected the header ${header.join(",")}`);
  const events: RecordedEvent[] = [];
  const source = `urn:replay:${encodeURIComponent(fileName)}`;
  for (let number = 1; number < lines.length; number++) {
    const cells = lines[number] ?? [];
    if (cells.length !== header.length)
      return wrong(number + 1, `${cells.length} columns; expected ${header.length}`);
    const [alarm_id = "", device_id = "", start_timestamp = "", end_timestamp = ""] = cells;
    const row: Row = { alarm_id, device_id, start_timestamp, end_timestamp };
    for (const [column, name] of header.entries()) {
      const isTime = column >= 2;
      if (isTime ? !/^\d{1,10}$/.test(row[name]) || Number(row[name]) > latestSecond : row[name] === "")
        return wrong(
          number + 1,
          `column ${column + 1} (${name}) is ${JSON.stringify(row[name])}; expected ` +
            (isTime ? `whole seconds after 1970-01-01, 0 to ${latestSecond}` : "an identifier"),
        );
    }
    events.push(eventOf(row, number, "raise", source), eventOf(row, number, "clear", source));
  }
  // The order pushed is row, then raise before clear, and the sort is stable.
  return ok(events.toSorted((a, b) => a.at - b.at));
}

function eventOf(row: Row, number: number, kind: "raise" | "clear", source: string): RecordedEvent {
  const raised = Number(row.start_timestamp) * 1_000;
  const cleared = Number(row.end_timestamp) * 1_000;
  const isClear = kind === "clear";
  const at = isClear ? cleared : raised;
  const id = `${number}/${kind}`;
  const text = JSON.stringify({
    specversion: "1.0",
    id,
    source,
    type: `org.tmforum.alarm.${isClear ? "AlarmStateChangeEvent" : "AlarmCreateEvent"}`,
    time: new Date(at).toISOString(),
    datacontenttype: "application/json",
    data: {
      externalAlarmId: String(number),
      alarmedObject: { id: row.device_id },
      alarmType: row.alarm_id,
      perceivedSeverity: "major",
      probableCause: "unknown",
      sourceSystemId: source,
      state: isClear ? "cleared" : "raised",
      alarmRaisedTime: new Date(raised).toISOString(),
      ...(isClear ? { alarmClearedTime: new Date(cleared).toISOString() } : undefined),
    },
  });
  return { at, source, id, text };
}
