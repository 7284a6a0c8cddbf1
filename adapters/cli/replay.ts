/** `replay`: recorded alarms to a running engine. */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { FailureError, orThrow } from "../../machines/failure.ts";
import { readHuaweiAlarms } from "../alarms/huawei.ts";
import { alarmPath } from "../alarms/intake.ts";
import { readCloudEvents, type RecordedEvent } from "../alarms/recorded.ts";
import { replay } from "../alarms/replay.ts";
import { systemClock, systemIds } from "../clock/system.ts";
import { count, type Output, tell } from "./output.ts";
import type { StopSignals } from "./signals.ts";

export interface ReplayCommandOptions {
  readonly url: string;
  readonly format?: "cloudevents" | "huawei";
  readonly speed: number | "max";
  readonly inFlight: number;
  readonly token?: string;
}

/** Resolves with the exit code: 0 when every alarm was acknowledged. */
export async function runReplay(
  file: string,
  options: ReplayCommandOptions,
  output: Output,
  stop: StopSignals,
): Promise<number> {
  const { speed, inFlight, token } = options;
  const url = alarmUrl(options.url);
  const events = readRecording(file, options.format);
  const bar = output.progress(events.length, basename(file));
  const summary = await replay({
    events,
    url,
    speed,
    inFlight,
    ...(token === undefined ? undefined : { token }),
    clock: systemClock,
    ids: systemIds,
    signal: stop.signal,
    onProgress: ({ answered, total }) =>
      bar.reach(answered, `${count(answered)} of ${count(total)} answered`),
  });
  const { accepted, duplicates, rejected, seconds, ratePerSecond, ackMs, gaveUp } = summary;
  bar.end(
    `${count(accepted)} of ${count(events.length)} acknowledged, ${count(duplicates)} of them known before, ${count(rejected.length)} refused`,
  );
  output.data(summary);
  output.line(
    `${count(Math.round(ratePerSecond))} a second for ${seconds.toFixed(1)} s; acknowledged in ${ackMs.p50.toFixed(1)} ms (p50), ${ackMs.p99.toFixed(1)} ms (p99)`,
  );
  const [first] = rejected;
  if (first !== undefined)
    tell(
      `ticket-client: the first refusal was ${first.code} for ${first.source ?? "?"} ${first.id ?? "?"}: ${first.detail}`,
    );
  if (gaveUp !== null) tell(`ticket-client: the replay ended early: ${gaveUp}.`);
  return gaveUp === null && rejected.length === 0 ? 0 : 1;
}

function readRecording(file: string, format?: "cloudevents" | "huawei"): readonly RecordedEvent[] {
  const text = recordingText(file);
  const isHuawei = format === undefined ? file.endsWith(".csv") : format === "huawei";
  return orThrow(isHuawei ? readHuaweiAlarms(text, basename(file)) : readCloudEvents(text, basename(file)));
}

/** Throws FailureError INVALID where it cannot be read. */
export function recordingText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    throw new FailureError("INVALID", `The recording ${file} cannot be read (${code}).`);
  }
}

function alarmUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || !["ws:", "wss:"].includes(url.protocol))
    throw new FailureError("CONFIGURATION_INVALID", `--url is ${text}; expected ws://host:port.`);
  if (url.pathname === "/") url.pathname = alarmPath;
  return url.href;
}
