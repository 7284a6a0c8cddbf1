/**
 * Tables of `ledger.db`, and the views an operator reads with `sqlite3` beside the running engine.
 * The views are folds for people, recomputed at each query; what the engine itself acts on is the fold in
 * `machines/`.
 */
import { limits } from "../../machines/limits.ts";

/**
 * Raised when the tables change. An older ledger is brought up to it when it is opened for writing; a newer one is
 * refused (LEDGER_VERSION).
 */
export const schemaVersion = 2;

/**
 * Where the facts of a stream and of a key are, up to the position `indexed` in `meta`; what is newer is found by
 * looking through it. Tables, not SQLite's indexes: those would be written with every commit, a dozen pages of it,
 * and the flows wait for each commit.
 */
const indexTables = `
  CREATE TABLE facts_of_stream (
    stream TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (stream, position)
  ) WITHOUT ROWID;
  CREATE TABLE facts_of_key (
    key TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (key, position)
  ) WITHOUT ROWID;
  INSERT INTO meta VALUES ('indexed', '0');
`;

/** A snapshot of the fold counts when its row in `snapshots` is there; its parts are written before, one by one. */
const snapshotTables = `
  CREATE TABLE snapshots (
    id INTEGER PRIMARY KEY,
    position INTEGER NOT NULL,
    fact_hash TEXT NOT NULL,
    state_hash TEXT NOT NULL
  );
  CREATE TABLE snapshot_parts (
    snapshot INTEGER NOT NULL, part INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (snapshot, part)
  );
`;

/** `facts.epoch` is the number of the opening: 36 characters less a row. */
export const tables = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE epochs (number INTEGER PRIMARY KEY, epoch TEXT NOT NULL UNIQUE, opened_at INTEGER NOT NULL);
  CREATE TABLE facts (
    position INTEGER PRIMARY KEY,
    epoch INTEGER NOT NULL,
    at INTEGER NOT NULL,
    stream TEXT NOT NULL,
    type TEXT NOT NULL,
    key TEXT,
    flow TEXT,
    body TEXT NOT NULL,
    hash TEXT NOT NULL
  );
  ${snapshotTables}
  ${indexTables}
`;

/** From each older version to the next. */
export const upgrades: Readonly<Record<string, string>> = {
  "1": `DROP INDEX facts_stream; DROP INDEX facts_key; ${indexTables}
    DROP TABLE snapshots; ${snapshotTables}`,
};

const indexed = "(SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'indexed')";

/** In one transaction: everything is indexed then. Sorted, so that each page is written once. */
export const indexFacts = `
  INSERT INTO facts_of_stream SELECT stream, position FROM facts WHERE position > ${indexed} ORDER BY 1, 2;
  INSERT INTO facts_of_key SELECT key, position FROM facts
    WHERE position > ${indexed} AND key IS NOT NULL ORDER BY 1, 2;
  UPDATE meta SET value = (SELECT CAST(coalesce(max(position), 0) AS TEXT) FROM facts) WHERE name = 'indexed';
`;

const headPosition = "(SELECT coalesce(max(position), 0) FROM facts)";

/** R4: after facts at the end were lost, and going on without them was chosen. Without a loss nothing is looked at. */
export const forgetMissing = `
  DELETE FROM facts_of_stream WHERE ${indexed} > ${headPosition} AND position > ${headPosition};
  DELETE FROM facts_of_key WHERE ${indexed} > ${headPosition} AND position > ${headPosition};
  UPDATE meta SET value = CAST(min(CAST(value AS INTEGER), ${headPosition}) AS TEXT) WHERE name = 'indexed';
`;

/** Positions, with parameters ?1 = the stream or key and ?2 = the last position to look at. */
export function positionsOf(column: "stream" | "key"): string {
  return `SELECT position FROM facts_of_${column} WHERE ${column} = ?1 AND position <= ?2
    UNION ALL SELECT position FROM facts WHERE position > ${indexed} AND position <= ?2 AND ${column} = ?1`;
}

/**
 * A fact after ?1 and up to ?2 that should be found through its stream and key, and is not. Entries are read: SQLite
 * finds damaged ones too where it is only asked whether they are there.
 */
export const unindexedFact = `
  SELECT min(f.position) AS position FROM facts f
  WHERE f.position > ?1 AND f.position <= min(?2, ${indexed}) AND (
    f.position IS NOT (SELECT i.position FROM facts_of_stream i WHERE i.stream = f.stream AND i.position = f.position)
    OR (f.key IS NOT NULL AND f.position IS NOT
      (SELECT i.position FROM facts_of_key i WHERE i.key = f.key AND i.position = f.position)))`;

/** Columns of a StoredRow, from `facts f`. */
export const rowColumns = `
  f.position, (SELECT e.epoch FROM epochs e WHERE e.number = f.epoch) AS epoch,
  f.at, f.stream, f.type, f.key, f.flow, f.body, f.hash`;

/** Milliseconds → RFC 3339, for people. */
function time(expression: string): string {
  return `strftime('%Y-%m-%dT%H:%M:%fZ', (${expression}) / 1000.0, 'unixepoch')`;
}

/** Members of a ResponseRow that a change may carry; the latest fact that has one wins. */
const changing = [
  ["answeredAt", "answered_at"],
  ["durationMs", "duration_ms"],
  ["status", "status"],
  ["code", "code"],
  ["cause", "cause"],
  ["asyncStatus", "async_status"],
  ["ticketIds", "ticket_ids"],
  ["answer", "answer"],
] as const;

/**
 * A table of (request_id, attempt, v) with the latest value of one member; NULL counts when it was said.
 * The bare column v belongs to the row of max(position): SQLite's documented rule.
 */
function latest(member: string): string {
  return `
    SELECT request_id, attempt, json_extract(body, '$.row.${member}') AS v, max(position)
    FROM said WHERE json_type(body, '$.row.${member}') IS NOT NULL GROUP BY request_id, attempt`;
}

/**
 * G6: all unsettled rows of a client, and as many of its newest settled ones as still fit. A row that was last touched
 * before its client's rows were cleared, and is settled, was settled then: it is gone.
 */
const responses = `
  CREATE VIEW responses AS
  WITH said AS MATERIALIZED (
    SELECT position, body, json_extract(body, '$.row.requestId') AS request_id,
      json_extract(body, '$.row.attempt') AS attempt
    FROM facts WHERE type = 'response.row'
  ),
  inserted AS (SELECT request_id, attempt, body, min(position) AS position FROM said
    WHERE NOT json_extract(body, '$.change') GROUP BY request_id, attempt),
  ${changing.map(([member, column]) => `latest_${column} AS MATERIALIZED (${latest(member)})`).join(",\n  ")},
  touched AS MATERIALIZED (SELECT request_id, attempt, max(position) AS last FROM said GROUP BY request_id, attempt),
  clearings AS MATERIALIZED (
    SELECT position, json_extract(body, '$.clientId') AS client FROM facts WHERE type = 'responses.cleared'
  ),
  folded AS (
    SELECT i.position, i.request_id, i.attempt, i.body,
      ${changing.map(([, column]) => `latest_${column}.v AS ${column}`).join(", ")},
      coalesce(latest_status.v IN ('sending', 'inDoubt') OR latest_async_status.v = 'awaited', 0) AS unsettled
    FROM inserted i
    ${changing.map(([, column]) => `LEFT JOIN latest_${column} USING (request_id, attempt)`).join("\n    ")}
  ),
  kept AS (
    SELECT f.* FROM folded f JOIN touched t USING (request_id, attempt)
    WHERE unsettled OR NOT EXISTS (SELECT 1 FROM clearings c
      WHERE c.position > t.last AND (c.client IS NULL OR c.client = json_extract(f.body, '$.row.clientId')))
  ),
  ranked AS (
    SELECT *, row_number() OVER (
      PARTITION BY json_extract(body, '$.row.clientId') ORDER BY unsettled DESC, position DESC) AS place
    FROM kept
  )
  SELECT position, request_id, attempt,
    json_extract(body, '$.row.clientId') AS client_id, json_extract(body, '$.row.lockGuid') AS lock_guid,
    json_extract(body, '$.row.service') AS service, json_extract(body, '$.row.command') AS command,
    json_extract(body, '$.row.key') AS key, ${time("json_extract(body, '$.row.sentAt')")} AS sent_at,
    ${time("answered_at")} AS answered_at, duration_ms, status, code, cause, async_status, ticket_ids,
    json_extract(body, '$.row.request') AS request, answer
  FROM ranked
  WHERE unsettled OR place <= coalesce(
    (SELECT json_extract(body, '$.maxResponseRows') FROM facts
      WHERE type = 'settings.changed' AND stream = 'settings' ORDER BY position DESC LIMIT 1),
    ${limits.maxResponseRowsDefault})
  ORDER BY position`;

/** One row a flow; the decision is its last one. */
const flows = `
  CREATE VIEW flows AS
  WITH decided AS MATERIALIZED (
    SELECT flow, json_extract(body, '$.rule') AS rule, json_extract(body, '$.decision') AS decision,
      json_extract(body, '$.because') AS because, max(position)
    FROM facts WHERE type = 'flow.decided' GROUP BY flow),
  ended AS MATERIALIZED (
    SELECT flow, at, json_extract(body, '$.result') AS result, max(position)
    FROM facts WHERE type = 'flow.ended' GROUP BY flow)
  SELECT s.position, s.flow AS lock_guid, s.key, json_extract(s.body, '$.clientId') AS client,
    ${time("s.at")} AS started_at, ${time("e.at")} AS ended_at, e.result, d.rule, d.decision, d.because
  FROM facts s LEFT JOIN decided d ON d.flow = s.flow LEFT JOIN ended e ON e.flow = s.flow
  WHERE s.type = 'flow.started' ORDER BY s.position`;

/**
 * One row an accepted notification, with its current outcome (A2): the last one written. CAST because an expression
 * without affinity gets no index for the join: 80 ms for 10,000 alarms instead of 3,000.
 */
const alarms = `
  CREATE VIEW alarms AS
  WITH settled AS MATERIALIZED (
    SELECT CAST(json_extract(body, '$.alarm.position') AS INTEGER) AS alarm, json_extract(body, '$.outcome') AS outcome,
      json_extract(body, '$.because') AS because, json_extract(body, '$.ticketId') AS ticket_id,
      json_extract(body, '$.lockGuid') AS lock_guid, max(position)
    FROM facts WHERE type = 'alarm.settled' GROUP BY 1)
  SELECT a.position, json_extract(a.body, '$.notification.source') AS source,
    json_extract(a.body, '$.notification.id') AS id, a.key,
    json_extract(a.body, '$.notification.kind') AS kind,
    json_extract(a.body, '$.notification.alarmedObject') AS alarmed_object,
    json_extract(a.body, '$.notification.severity') AS severity, ${time("a.at")} AS accepted_at,
    s.outcome, s.because, s.ticket_id, s.lock_guid
  FROM facts a LEFT JOIN settled s ON s.alarm = a.position
  WHERE a.type = 'alarm.accepted' ORDER BY a.position`;

/** What people did: force actions, changes of the service table, operator commands (L6). */
const audit = `
  CREATE VIEW audit AS
  SELECT position, ${time("at")} AS at, json_extract(body, '$.by') AS by,
    CASE type WHEN 'operator.acted' THEN json_extract(body, '$.action') ELSE type END AS action,
    CASE type
      WHEN 'operator.acted' THEN json_extract(body, '$.target')
      WHEN 'services.imported' THEN json_array_length(body, '$.services') || ' services'
      WHEN 'service.selected' THEN json_extract(body, '$.name')
      WHEN 'settings.changed' THEN 'settings'
      WHEN 'topology.loaded' THEN (SELECT group_concat(value, ', ') FROM json_each(body, '$.files'))
      WHEN 'responses.cleared' THEN coalesce(json_extract(body, '$.clientId'), 'all clients')
      ELSE json_extract(body, '$.clientId') END AS target,
    json_extract(body, '$.lockGuid') AS lock_guid, json_extract(body, '$.reason') AS reason, hash
  FROM facts
  WHERE type IN ('client.lockForced', 'client.notBusyForced', 'operator.acted',
    'services.imported', 'service.selected', 'responses.cleared', 'topology.loaded')
    OR (type = 'settings.changed' AND json_extract(body, '$.by') IS NOT NULL)
  ORDER BY position`;

/** Made anew at each opening, so that a newer engine brings newer views without a new schema version. */
export const views = ["responses", "flows", "alarms", "audit"]
  .map((name) => `DROP VIEW IF EXISTS ${name};`)
  .concat([responses, flows, alarms, audit].map((view) => `${view};`))
  .join("\n");
