/** Log lines as JSON on stderr, so that stdout is left to data. */
import { pino } from "pino";
import type { Log } from "../../actors/ports.ts";
import { limits } from "../../machines/limits.ts";
import { harmlessJson } from "./terminal-text.ts";

export const logLevels = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

export function createLog(level: LogLevel): Log {
  const stderr = openStderr();
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      messageKey: "event",
      formatters: { level: (label) => ({ level: label }) },
      // S4: nothing of ours logs these; this is for the day somebody does.
      redact: ["authorization", "token", "password", "headers", "*.authorization", "*.token", "*.password"],
    },
    { write: (line) => void stderr.write(`${harmlessJson(line.trimEnd())}\n`) },
  );
  return {
    info: (event, fields) => logger.info(fields ?? {}, event),
    warn: (event, fields) => logger.warn(fields ?? {}, event),
    error: (event, fields) => logger.error(fields ?? {}, event),
  };
}

/** The engine outlives a log that cannot be written: lines wait for room, as many as may, and the next ones are lost. */
function openStderr() {
  const stderr = pino.destination({
    dest: 2,
    sync: true,
    maxLength: limits.logWaitingBytesMax,
    // Without it a flush does nothing.
    minLength: 1,
  });
  stderr.on("error", () => undefined);
  // Where all that may wait does, nothing else tries again.
  stderr.on("drop", () => stderr.flush());
  return stderr;
}
