/** A screen that no longer moves: for a page that is paused while facts go on being taken. */
import type { Screen } from "./screen.ts";

export function frozenCopy(screen: Screen): Screen {
  const { clients, alarms, flows, rows, rowChanges, series, events } = screen;
  return {
    ...screen,
    clients: new Map(clients),
    alarms: new Map(alarms),
    flows: { byGuid: new Map(flows.byGuid), byRequest: new Map(flows.byRequest) },
    rows: new Map(rows),
    rowChanges: new Map(rowChanges),
    series: series.map((bucket) => ({ ...bucket, outcomes: { ...bucket.outcomes } })),
    events: [...events],
  };
}
