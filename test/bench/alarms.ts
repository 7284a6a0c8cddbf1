/** Alarms for measurements: `count` distinct events over `keys` objects; each object's alarm is raised, later cleared, and so on. */
import { hash } from "node:crypto";
import { compileCorrelationKey, type CorrelationKey } from "../../actors/alarm-key.ts";
import { parseAlarmEvent } from "../../actors/alarm-message.ts";
import type { Notification } from "../../machines/vocabulary.ts";
import type { RecordedEvent } from "../../adapters/alarms/recorded.ts";

export interface AlarmLoad {
  /** Part of the source's name: events of two loads with different names are different events. */
  readonly name: string;
  readonly count: number;
  readonly keys: number;
}

const firstRaise = Date.UTC(2026, 0, 5);

/** In the order to send: a raise of every object, then a clear of every object, then raises again. */
export function alarmEvents({ name, count, keys }: AlarmLoad): RecordedEvent[] {
  return Array.from({ length: count }, (_, index) => {
    const isClear = Math.floor(index / keys) % 2 === 1;
    const at = firstRaise + index * 10;
    const raisedAt = isClear ? at - keys * 10 : at;
    const source = `urn:bench:${name}`;
    const id = String(index);
    const text = JSON.stringify({
      specversion: "1.0",
      id,
      source,
      type: isClear ? "org.tmforum.alarm.AlarmStateChangeEvent" : "org.tmforum.alarm.AlarmCreateEvent",
      time: new Date(at).toISOString(),
      data: {
        alarmRaisedTime: new Date(raisedAt).toISOString(),
        ...(isClear ? { alarmClearedTime: new Date(at).toISOString() } : undefined),
        alarmType: "communicationsAlarm",
        alarmedObject: { id: `node-${index % keys}` },
        perceivedSeverity: isClear ? "cleared" : "major",
        probableCause: "lossOfSignal",
        sourceSystemId: "ems-1",
        state: isClear ? "cleared" : "raised",
      },
    });
    return { at, source, id, text };
  });
}

export function correlationKey(): CorrelationKey {
  const compiled = compileCorrelationKey("{alarmedObject.id}");
  if (!compiled.ok) throw new Error(compiled.failure.detail);
  return compiled.value;
}

/** The same alarms as the intake reads them from their frames. */
export function alarmNotifications(
  load: AlarmLoad,
): { readonly notification: Notification; readonly digest: string }[] {
  const settings = { correlationKey: correlationKey(), digest: (text: string) => hash("sha256", text) };
  return alarmEvents(load).map(({ text }) => {
    const reading = parseAlarmEvent(text, settings);
    if (!reading.ok) throw new Error(`${reading.refusal.field}: ${reading.refusal.detail}`);
    return { notification: reading.notification, digest: reading.digest };
  });
}
