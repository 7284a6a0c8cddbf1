/**
 * The canonical scenario: six alarms of two keys, each settled before the next is sent, so that the same engine makes
 * the same system calls each time. A create, an update, an adoption, a stop, a close, and a create of a second key.
 */
import type { Outcome } from "../../machines/vocabulary.ts";
import type { SentAlarm } from "./alarm-sender.ts";

export interface CanonicalAlarm extends SentAlarm {
  readonly outcome: Outcome;
}

export interface CanonicalAlarms {
  /** In the order to send. */
  readonly alarms: readonly CanonicalAlarm[];
  /** What the desk must have in the end, one ticket each. */
  readonly tickets: readonly { readonly key: string; readonly open: boolean; readonly severity: string }[];
}

const raisedAt = Date.UTC(2026, 10, 23, 8);

/** `run` makes the keys of this run its own, so that one desk serves all runs. */
export function canonicalAlarms(run: string): CanonicalAlarms {
  const [hub, mast] = [`hub-${run}`, `mast-${run}`];
  const source = `urn:canonical:${run}`;
  let minute = 0;
  const alarm = (
    outcome: Outcome,
    id: string,
    key: string,
    name: string,
    severity: string,
    state: "raised" | "updated" | "cleared",
  ): CanonicalAlarm => {
    minute += 1;
    const type = state === "raised" ? "AlarmCreateEvent" : "AlarmAttributeValueChangeEvent";
    const time = new Date(raisedAt + minute * 60_000).toISOString();
    const data = {
      externalAlarmId: name,
      alarmedObject: { id: key },
      alarmType: "communicationsAlarm",
      probableCause: "lossOfSignal",
      sourceSystemId: "ems-1",
      perceivedSeverity: severity,
      state,
      alarmRaisedTime: new Date(raisedAt).toISOString(),
      ...(state === "cleared" ? { alarmClearedTime: time } : undefined),
    };
    const event = { specversion: "1.0", id, source, type: `org.tmforum.alarm.${type}`, time, data };
    return { outcome, source, id, text: JSON.stringify(event) };
  };
  return {
    alarms: [
      alarm("created", "1", hub, `A-${run}`, "minor", "raised"), // D8
      alarm("updated", "2", hub, `A-${run}`, "critical", "updated"), // D9
      alarm("adopted", "3", hub, `B-${run}`, "major", "raised"), // D4
      alarm("stopped", "4", hub, `A-${run}`, "cleared", "cleared"), // D10
      alarm("closed", "5", hub, `B-${run}`, "cleared", "cleared"), // D11
      alarm("created", "6", mast, `C-${run}`, "major", "raised"), // D8
    ],
    tickets: [
      { key: hub, open: false, severity: "critical" },
      { key: mast, open: true, severity: "major" },
    ],
  };
}
