/**
 * The two names of an alarm: its identity, which pairs a raise with its changes and its clear, and its
 * correlation key, under which flows take turns (A5).
 * Source: wire.md, "Alarm intake"; domain.md, "Admitted".
 */
import type { Result } from "../machines/failure.ts";
import { fail, ok } from "../machines/failure.ts";
import type { Alarm } from "./alarm-schema.ts";

/** Members of an alarm a correlation key may be made of. */
const readers = {
  "alarmedObject.id": (alarm: Alarm) => alarm.alarmedObject.id,
  alarmType: (alarm: Alarm) => alarm.alarmType,
  probableCause: (alarm: Alarm) => alarm.probableCause,
  sourceSystemId: (alarm: Alarm) => alarm.sourceSystemId,
  specificProblem: (alarm: Alarm) => alarm.specificProblem,
  externalAlarmId: (alarm: Alarm) => alarm.externalAlarmId,
} as const;

export type CorrelationField = keyof typeof readers;
const correlationFields: readonly CorrelationField[] = Object.keys(readers).filter(isField);

function isField(name: string): name is CorrelationField {
  return Object.hasOwn(readers, name);
}

/** A compiled template. `of` gives the key, or the field that the alarm lacks: a key with a hole would join strangers. */
export interface CorrelationKey {
  readonly template: string;
  of(alarm: Alarm): { readonly key: string } | { readonly missing: CorrelationField };
}

/**
 * Compiles a template such as `{alarmedObject.id}` or `{sourceSystemId}/{alarmType}`; done once, when the
 * configuration is read. Fails CONFIGURATION_INVALID: no field, unknown field, stray brace, or two fields
 * side by side (`1` + `23` would be the key of `12` + `3`).
 */
export function compileCorrelationKey(template: string): Result<CorrelationKey> {
  const parts = template.split(/(\{[^{}]*\})/);
  const wrong = (what: string) =>
    fail(
      "CONFIGURATION_INVALID",
      `correlationKey ${JSON.stringify(template)}: ${what}; expected text with fields in braces, such as ` +
        `"{alarmedObject.id}"; fields: ${correlationFields.join(", ")}`,
    );
  // `split` with a group alternates text, field, text, field … text.
  const fields: CorrelationField[] = [];
  const texts: string[] = [];
  for (const [index, part] of parts.entries()) {
    if (index % 2 === 1) {
      const name = part.slice(1, -1);
      if (!isField(name)) return wrong(`no field ${JSON.stringify(name)}`);
      fields.push(name);
    } else {
      if (/[{}]/.test(part)) return wrong("a brace without its partner");
      if (part === "" && index > 0 && index < parts.length - 1) return wrong("two fields side by side");
      texts.push(part);
    }
  }
  if (fields.length === 0) return wrong("no field in it, so that all alarms would have one key");
  const steps = fields.map((field, index) => ({
    field,
    read: readers[field],
    after: texts[index + 1] ?? "",
  }));
  const start = texts[0] ?? "";
  return ok({
    template,
    of(alarm) {
      let key = start;
      for (const { field, read, after } of steps) {
        const value = read(alarm);
        if (value === undefined || value === null || value === "") return { missing: field };
        key += value + after;
      }
      return { key };
    },
  });
}

/** The alarm's identity: two or four members as a JSON array, so that no two alarms share a text by accident. */
export function alarmIdentity(alarm: Alarm): string {
  if (alarm.externalAlarmId !== undefined && alarm.externalAlarmId !== null)
    return JSON.stringify([alarm.sourceSystemId, alarm.externalAlarmId]);
  return JSON.stringify([
    alarm.alarmedObject.id,
    alarm.alarmType,
    alarm.probableCause,
    alarm.specificProblem ?? null,
  ]);
}
