/** What an operator sees with `sqlite3 ledger.db` beside the running engine. */
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { hashRow } from "../../adapters/ledger/chain.ts";
import { verifyLedger } from "../../adapters/ledger/inspection.ts";
import type { Ledger } from "../../actors/ports.ts";
import type { NewFact, ResponseRowChange, Stream } from "../../machines/facts.ts";
import type { Outcome, ResponseRow } from "../../machines/vocabulary.ts";
import { type LedgerDirectory, makeLedgerDirectory } from "./ledger-directory.ts";
import { acceptance, noon, note } from "./sample-facts.ts";

let place: LedgerDirectory;
let ledger: Ledger;
let batches = 0;
beforeEach(async () => {
  place = await makeLedgerDirectory();
  ledger = await place.open();
});
afterEach(async () => {
  await ledger.close();
  await place.dispose();
});

async function append(stream: Stream, ...facts: NewFact[]): Promise<void> {
  batches += 1;
  await ledger.append({ id: `b${batches}`, facts: facts.map((fact) => ({ stream, fact })) });
}

function query(sql: string): Record<string, unknown>[] {
  const db = new DatabaseSync(place.file, { readOnly: true });
  const rows = db.prepare(sql).all();
  db.close();
  return rows.map((row) => ({ ...row }));
}

function inserted(requestId: string, changes: Partial<ResponseRow> = {}): NewFact {
  const row: ResponseRow = {
    requestId,
    attempt: 1,
    clientId: "client-01",
    lockGuid: "guid-1",
    service: "osb",
    command: "create",
    key: "NE-1",
    sentAt: noon,
    answeredAt: null,
    durationMs: null,
    status: "sending",
    code: null,
    cause: null,
    asyncStatus: null,
    ticketIds: [],
    request: "<create/>",
    answer: "",
    ...changes,
  };
  return { type: "response.row", at: noon, body: { change: false, row } };
}

function changed(requestId: string, changes: Partial<ResponseRowChange>): NewFact {
  const row = { requestId, attempt: 1, clientId: "client-01", key: "NE-1", ...changes };
  return { type: "response.row", at: noon, body: { change: true, row } };
}

function shown(): unknown[] {
  return query("SELECT request_id FROM responses").map((row) => row["request_id"]);
}

function settled(outcome: Outcome, because: string): NewFact {
  return {
    type: "alarm.settled",
    at: noon,
    body: {
      alarm: { source: "urn:test", id: "alarm-1", position: 1 },
      key: "NE-1",
      outcome,
      because,
      lockGuid: "guid-1",
      rule: "D8",
      ticketId: "T1",
      failure: null,
      requestId: null,
      supersedes: null,
    },
  };
}

function started(lockGuid: string): NewFact {
  return {
    type: "flow.started",
    at: noon,
    body: { key: "NE-1", lockGuid, clientId: "client-01", fence: 1, alarms: [] },
  };
}

function decided(rule: string, decision: "create" | "stop"): NewFact {
  return {
    type: "flow.decided",
    at: noon,
    body: { key: "NE-1", lockGuid: "guid-1", rule, decision, because: `by ${rule}`, tickets: [], path: [] },
  };
}

test("responses: a change replaces what it carries, null too, and leaves the rest; attempts are rows of their own", async () => {
  await append(
    "gateway/osb",
    inserted("r1"),
    inserted("r1", { attempt: 2, command: "close" }),
    changed("r1", { status: "inDoubt", code: "TIMEOUT", cause: "30 s", durationMs: 30_000 }),
    changed("r1", { status: "ack", code: null, answeredAt: noon + 1, ticketIds: ["T1", "T2"] }),
  );
  expect(query("SELECT * FROM responses")).toEqual([
    {
      position: 1,
      request_id: "r1",
      attempt: 1,
      client_id: "client-01",
      lock_guid: "guid-1",
      service: "osb",
      command: "create",
      key: "NE-1",
      sent_at: "2026-11-23T12:00:00.000Z",
      answered_at: "2026-11-23T12:00:00.001Z",
      duration_ms: 30_000,
      status: "ack",
      code: null,
      cause: "30 s",
      async_status: null,
      ticket_ids: '["T1","T2"]',
      request: "<create/>",
      answer: "",
    },
    expect.objectContaining({
      position: 2,
      attempt: 2,
      command: "close",
      status: "sending",
      answered_at: null,
    }),
  ]);
});

test("G6: responses shows a client's unsettled rows and its newest settled ones up to maxResponseRows", async () => {
  const other = { status: "ok", clientId: "client-02" } as const;
  await append(
    "gateway/osb",
    inserted("sending"),
    inserted("awaited", { status: "ack", asyncStatus: "awaited" }),
  );
  await append("gateway/osb", inserted("inDoubt", { status: "inDoubt" }), inserted("other", other));
  await append("gateway/osb", ...["s1", "s2", "s3"].map((id) => inserted(id, { status: "ok" })));
  expect(shown()).toEqual(["sending", "awaited", "inDoubt", "other", "s1", "s2", "s3"]);
  const lower = async (maxResponseRows: number): Promise<void> => {
    const body = { maxResponseRows, reopenSeconds: 0, dedupDays: 7, clockSkewSeconds: 300 };
    await append("settings", { type: "settings.changed", at: noon, body });
  };
  await lower(5);
  expect(shown()).toEqual(["sending", "awaited", "inDoubt", "other", "s2", "s3"]);
  await lower(3);
  expect(shown()).toEqual(["sending", "awaited", "inDoubt", "other"]);
  await lower(1);
  expect(shown()).toEqual(["sending", "awaited", "inDoubt", "other"]);
  await append(
    "gateway/osb",
    changed("sending", { status: "ok" }),
    changed("awaited", { asyncStatus: "ok" }),
  );
  expect(shown()).toEqual(["inDoubt", "other"]);
});

test("G6: responses leaves out what was cleared; what was unsettled then is shown when it has settled", async () => {
  const ok = { status: "ok" } as const;
  const other = { ...ok, clientId: "client-02" };
  await append("gateway/osb", inserted("a", ok), inserted("b"), inserted("other", other));
  const clear = (clientId: string | null) =>
    append("audit", { type: "responses.cleared", at: noon, body: { clientId, by: "ann" } });
  await clear("client-01");
  expect(shown()).toEqual(["b", "other"]);
  await append("gateway/osb", changed("b", ok), inserted("c", ok));
  expect(shown()).toEqual(["b", "other", "c"]);
  await clear(null);
  expect(shown()).toEqual([]);
  expect(query("SELECT by, action, target FROM audit")).toEqual([
    { by: "ann", action: "responses.cleared", target: "client-01" },
    { by: "ann", action: "responses.cleared", target: "all clients" },
  ]);
});

test("alarms: each with its current outcome only, or none yet", async () => {
  await ledger.append(acceptance("a1", "alarm-1", "NE-1"));
  await ledger.append(acceptance("a2", "alarm-2", "NE-2"));
  await append("key/NE-1", settled("unknown", "no answer"), settled("created", "late result"));
  expect(query("SELECT * FROM alarms")).toEqual([
    {
      position: 1,
      source: "urn:test",
      id: "alarm-1",
      key: "NE-1",
      kind: "raise",
      alarmed_object: "NE-1",
      severity: "major",
      accepted_at: "2026-11-23T12:00:00.000Z",
      outcome: "created",
      because: "late result",
      ticket_id: "T1",
      lock_guid: "guid-1",
    },
    expect.objectContaining({ id: "alarm-2", key: "NE-2", outcome: null, ticket_id: null }),
  ]);
});

test("flows: the last decision and the end of each, or neither yet", async () => {
  await append("key/NE-1", started("guid-1"), decided("D8", "create"), decided("D4", "stop"), {
    type: "flow.ended",
    at: noon + 1_500,
    body: { key: "NE-1", lockGuid: "guid-1", result: "settled" },
  });
  await append("key/NE-1", started("guid-2"));
  expect(query("SELECT * FROM flows")).toEqual([
    {
      position: 1,
      lock_guid: "guid-1",
      key: "NE-1",
      client: "client-01",
      started_at: "2026-11-23T12:00:00.000Z",
      ended_at: "2026-11-23T12:00:01.500Z",
      result: "settled",
      rule: "D4",
      decision: "stop",
      because: "by D4",
    },
    expect.objectContaining({ lock_guid: "guid-2", ended_at: null, result: null, rule: null }),
  ]);
});

test("L6: audit shows who did what, to what, why, and the hash of the chain", async () => {
  const forced = { clientId: "client-01", lockGuid: "guid-1", fence: 3, by: "ann", reason: "stuck" };
  await append(
    "audit",
    note("NE-1"),
    { type: "client.lockForced", at: noon, body: forced },
    { type: "client.notBusyForced", at: noon, body: forced },
    { type: "services.imported", at: noon, body: { services: [], by: "bob" } },
    { type: "service.selected", at: noon, body: { name: "osb", by: "bob" } },
    { type: "client.unlocked", at: noon, body: { clientId: "client-01", lockGuid: "guid-1", fence: 3 } },
  );
  expect(
    query("SELECT by, action, target, lock_guid, reason FROM audit").map((row) => Object.values(row)),
  ).toEqual([
    ["ann", "note", "NE-1", null, "to have said it"],
    ["ann", "client.lockForced", "client-01", "guid-1", "stuck"],
    ["ann", "client.notBusyForced", "client-01", "guid-1", "stuck"],
    ["bob", "services.imported", "0 services", null, null],
    ["bob", "service.selected", "osb", null, null],
  ]);
  expect(query("SELECT hash FROM audit")[0]).toEqual({ hash: expect.stringMatching(/^[0-9a-f]{64}$/) });
});

describe("S11: whoever changes the audit in the file is found out, at the place", () => {
  const acts = ["ann", "bob", "cleo"];
  beforeEach(async () => {
    for (const by of acts) {
      const forced = { clientId: "client-01", lockGuid: "guid-1", fence: 3, by, reason: `${by} says so` };
      // oxlint-disable-next-line no-await-in-loop -- a commit each
      await append("audit", { type: "client.lockForced", at: noon, body: forced });
    }
    await ledger.close();
  });

  /** Writes another name into the second act, and right hashes into it and so many that follow. */
  function forge(following: number): void {
    const rows = query(
      "SELECT f.*, e.epoch AS opening FROM facts f JOIN epochs e ON e.number = f.epoch ORDER BY 1",
    );
    let previous = String(rows[0]?.["hash"]);
    for (const row of rows.slice(1, 2 + following)) {
      const text = (name: string) => String(row[name]);
      const [position, body] = [Number(row["position"]), text("body").replaceAll("bob", "eve")];
      const at = Number(row["at"]);
      const [opening, stream, type, flow] = ["opening", "stream", "type", "flow"].map(text) as [
        string,
        string,
        string,
        string,
      ];
      previous = hashRow(previous, position, opening, at, stream, type, null, flow, body);
      place.tamper(`UPDATE facts SET body = '${body}', hash = '${previous}' WHERE position = ${position}`);
    }
  }

  test("with a right hash for what was forged: the next act does not follow it", async () => {
    forge(0);
    expect(query("SELECT by FROM audit").map(({ by }) => by)).toEqual(["ann", "eve", "cleo"]);
    await expect(verifyLedger(place.dir)).rejects.toThrow("damaged at position 3:");
    await expect(place.open()).rejects.toThrow("damaged at position 3:");
  });

  test("with right hashes to the end: the head file beside it says otherwise, and the engine does not start", async () => {
    forge(1);
    expect((await verifyLedger(place.dir)).facts).toBe(3);
    await expect(place.open()).rejects.toThrow(
      "damaged at position 3: the history differs from the one in ledger.head",
    );
  });

  test.each([
    ["nothing", "SELECT 1", null],
    ["who did it", "UPDATE facts SET body = replace(body, 'bob', 'eve') WHERE position = 2", 2],
    ["why", "UPDATE facts SET body = replace(body, 'says so', 'asked') WHERE position = 3", 3],
    ["when", "UPDATE facts SET at = at - 60000 WHERE position = 1", 1],
    ["what was done", "UPDATE facts SET type = 'client.notBusyForced' WHERE position = 2", 2],
    ["an act taken away", "DELETE FROM facts WHERE position = 2", 2],
    [
      "an act taken away, and those after it moved up",
      "DELETE FROM facts WHERE position = 2; UPDATE facts SET position = 2 WHERE position = 3",
      2,
    ],
    [
      "an act said twice",
      "INSERT INTO facts SELECT 4, epoch, at, stream, type, key, flow, body, hash FROM facts WHERE position = 3",
      4,
    ],
  ])("%s", async (_, sql, position) => {
    place.tamper(sql);
    if (position === null) expect((await verifyLedger(place.dir)).facts).toBe(3);
    else await expect(verifyLedger(place.dir)).rejects.toThrow(`damaged at position ${position}:`);
  });
});
