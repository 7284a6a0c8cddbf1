/** /metrics: what it counts is what happened, by names and label sets that do not grow. */
import { describe, expect, test } from "vitest";
import { startApi, type ApiUnderTest } from "./rig.ts";

/** Samples by `name{labels}`. */
async function scrape(api: ApiUnderTest): Promise<Map<string, number>> {
  const said = await api.ask("GET", "/metrics");
  expect(said.status).toBe(200);
  expect(said.headers["content-type"]).toMatch(/^text\/plain; version=0\.0\.4/);
  const samples = new Map<string, number>();
  for (const line of said.text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const at = line.lastIndexOf(" ");
    samples.set(line.slice(0, at), Number(line.slice(at + 1)));
  }
  return samples;
}

describe("/metrics", () => {
  test("counts alarms, clients, requests, searches and rows as they are in the ledger", async () => {
    const api = await startApi({ config: { clients: 3 } });
    await api.raise("1");
    await api.fact(({ type }) => type === "client.unlocked");
    await api.raise("1");
    const held = await api.engine.supervisor.lock();
    const samples = await scrape(api);
    const expected = {
      ticket_client_alarms_accepted_total: 1,
      ticket_client_alarm_repeats_total: 1,
      ticket_client_alarms_unsettled: 0,
      'ticket_client_alarms{outcome="created"}': 1,
      'ticket_client_alarms{outcome="failed"}': 0,
      'ticket_client_clients{state="idle"}': 2,
      'ticket_client_clients{state="locked"}': 1,
      'ticket_client_requests{status="unknown"}': 0,
      'ticket_client_requests_settled_total{result="ok"}': 1,
      'ticket_client_searches_total{status="ok"}': 1,
      'ticket_client_parked_keys{reason="storm"}': 0,
      'ticket_client_queue_keys{lane="create"}': 0,
      ticket_client_response_rows: 2,
      ticket_client_response_rows_inserted_total: 2,
      ticket_client_open_tickets: 1,
      ticket_client_ledger_position: api.engine.supervisor.state.position,
      ticket_client_service_tables_differ: 0,
    };
    expect(Object.fromEntries(samples)).toMatchObject(expected);
    expect(samples.get("process_cpu_seconds_total")).toBeGreaterThan(0);
    await held.close();
  });

  test("S3: the series are the same however much has happened", async () => {
    const api = await startApi({ config: { clients: 2 } });
    const before = [...(await scrape(api)).keys()];
    for (let n = 0; n < 20; n += 1) await api.raise(`a${n}`, { key: `node-${n}` });
    await api.fact((fact) => fact.type === "alarm.settled" && fact.body.alarm.id === "a19");
    expect([...(await scrape(api)).keys()]).toEqual(before);
  });

  test("names and help follow the conventions: a counter ends in _total, each metric has one line of help", async () => {
    const api = await startApi();
    const { text } = await api.ask("GET", "/metrics");
    const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)];
    expect(types.length).toBeGreaterThan(20);
    for (const [, name = "", type] of types) {
      expect(name.endsWith("_total"), name).toBe(type === "counter");
      expect(name).toMatch(/^(ticket_client|process|nodejs)_[a-z_]+$/);
      expect(text).toContain(`# HELP ${name} `);
    }
  });

  test("S1: a viewer reads it, a source and nobody do not", async () => {
    const api = await startApi({ guarded: true });
    const statuses = [];
    for (const as of ["viewer", "operator", "source", undefined] as const)
      statuses.push((await api.ask("GET", "/metrics", as === undefined ? {} : { as })).status);
    expect(statuses).toEqual([200, 200, 403, 401]);
  });
});
