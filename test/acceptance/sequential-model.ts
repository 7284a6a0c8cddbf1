/**
 * What a replay of the recorded alarms must come to, computed one event after the other without any of the
 * product's code: D0, D4, D8, D10, D11, D12 of the default decision, `coalesce` off, a service that never fails.
 */
export interface Expected {
  readonly accepted: number;
  readonly outcomes: Record<string, number>;
  /** Tickets open at the end. */
  readonly open: number;
}

interface RecordedEvent {
  readonly at: number;
  readonly row: number;
  readonly clear: boolean;
  readonly device: string;
}

/** `lines`: `alarm_id,device_id,start,end`, without the header. */
export function expectedOutcomes(lines: readonly string[]): Expected {
  const events: RecordedEvent[] = lines.flatMap((line, index) => {
    const [, device = "", start = "", end = ""] = line.trim().split(",");
    const row = index + 1;
    return [
      { at: Number(start), row, clear: false, device },
      { at: Number(end), row, clear: true, device },
    ];
  });
  events.sort((a, b) => a.at - b.at || a.row - b.row || Number(a.clear) - Number(b.clear));
  const active = new Map<string, Set<number>>();
  const open = new Set<string>();
  const raised = new Set<number>();
  const clearedEarly = new Set<number>();
  const outcomes: Record<string, number> = {};
  const count = (outcome: string): void => {
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  };
  for (const { row, clear, device } of events) {
    const alarms = active.get(device) ?? new Set<number>();
    active.set(device, alarms);
    if (!clear) {
      raised.add(row);
      if (clearedEarly.delete(row)) {
        count("stopped"); // D0
        continue;
      }
      alarms.add(row);
      count(open.has(device) ? "adopted" : "created"); // D4, D8
      open.add(device);
      continue;
    }
    if (!raised.has(row)) clearedEarly.add(row);
    alarms.delete(row);
    if (alarms.size === 0 && open.delete(device)) count("closed"); // D11
    else count("stopped"); // D10, D12
  }
  const sorted = Object.fromEntries(Object.entries(outcomes).sort(([a], [b]) => (a < b ? -1 : 1)));
  return { accepted: events.length, outcomes: sorted, open: open.size };
}
