/** A screen that no longer moves: for a page that is paused while facts go on being taken. */
import type { Screen } from "./screen.ts";

export function frozenCopy(screen: Screen): Screen {
  const { clients, flows, rows, series, events } = screen;
  return {
    ...screen,
    clients: new Map([...clients].map(([id, client]) => [id, { ...client, steps: [...client.steps] }])),
    flows: {
      byGuid: new Map([...flows.byGuid].map(([guid, flow]) => [guid, { ...flow, facts: [...flow.facts] }])),
      byRequest: new Map(flows.byRequest),
    },
    rows: new Map(rows),
    series: series.map((bucket) => ({ ...bucket, outcomes: { ...bucket.outcomes } })),
    events: [...events],
  };
}
