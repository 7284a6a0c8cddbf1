/**
 * The desk's memory: tickets, and a row for every request that arrived or took effect (the truth).
 *   S10 bound parameters only.
 */
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { limits } from "../../machines/limits.ts";
import type { Command, Instant, RequestCommand, Ticket } from "../../machines/vocabulary.ts";
import { makeFolder } from "../folder.ts";
import type { Acknowledgement, WireCriteria } from "../service/messages.ts";
import type { Truth } from "../service/ticket-rules.ts";

interface RequestEntry {
  readonly requestId: string;
  readonly command: RequestCommand;
  /** false = only its late effect is entered; its arrival stands in an earlier row. */
  readonly arrived: boolean;
  readonly applied: boolean;
  readonly ticketId: string | null;
  /** What a repeat of the id is answered; null = nothing to keep. */
  readonly answer: Acknowledgement | null;
}

interface Found {
  readonly tickets: readonly Ticket[];
  readonly total: number;
}

export interface TicketStore {
  nextTicketId(): string;
  ticket(ticketId: string): Ticket | undefined;
  /** One transaction: the request and, where given, its ticket as it is from now on. */
  enter(entry: RequestEntry, ticket?: Ticket): void;
  firstAnswer(requestId: string): { readonly command: Command; readonly answer: Acknowledgement } | undefined;
  search(criteria: WireCriteria): Found;
  /** Until `show`, searches see the ticket as it was before (null: not at all). Tickets read by `ticket` do not lag. */
  hide(ticketId: string, before: Ticket | null, requestId: string): void;
  show(ticketId: string): void;
  /** Changes the owner of a ticket, if there is one. */
  assign(ticketId: string, owner: string): void;
  ticketOf(requestId: string): string | null;
  truth(): Truth;
  close(): void;
}

const schema = `
  CREATE TABLE IF NOT EXISTS ticket (
    id INTEGER PRIMARY KEY, ticket_id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, status TEXT NOT NULL,
    client_reference TEXT, elements TEXT NOT NULL, opened_at INTEGER NOT NULL, body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS ticket_by_reference ON ticket (client_reference);
  CREATE TABLE IF NOT EXISTS request (
    seq INTEGER PRIMARY KEY, request_id TEXT NOT NULL, command TEXT NOT NULL, arrived INTEGER NOT NULL,
    applied INTEGER NOT NULL, ticket_id TEXT, answer TEXT
  ) STRICT;
  CREATE INDEX IF NOT EXISTS request_by_id ON request (request_id);
`;

/** `dataDir` null = in memory. */
export function openTicketStore(dataDir: string | null): TicketStore {
  if (dataDir !== null) makeFolder(dataDir);
  const db = new DatabaseSync(dataDir === null ? ":memory:" : join(dataDir, "desk.db"));
  // NORMAL: the desk plays somebody else's service. Nothing is lost when its process dies; a power
  // cut may take the last requests, which no test of this product asks of it.
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 1000;");
  db.exec(schema);

  const begin = db.prepare("BEGIN IMMEDIATE");
  const commit = db.prepare("COMMIT");
  const rollback = db.prepare("ROLLBACK");
  const readTicket = db.prepare("SELECT body FROM ticket WHERE ticket_id = ?");
  const putTicket = db.prepare(
    `INSERT INTO ticket (ticket_id, kind, status, client_reference, elements, opened_at, body)
     VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (ticket_id) DO UPDATE SET status = excluded.status, body = excluded.body`,
  );
  const putRequest = db.prepare(
    "INSERT INTO request (request_id, command, arrived, applied, ticket_id, answer) VALUES (?, ?, ?, ?, ?, ?)",
  );
  const readAnswer = db.prepare(
    "SELECT command, answer FROM request WHERE request_id = ? AND answer IS NOT NULL ORDER BY seq LIMIT 1",
  );
  const setOwner = db.prepare("UPDATE ticket SET body = json_set(body, '$.owner', ?) WHERE ticket_id = ?");
  const readTicketOf = db.prepare(
    "SELECT ticket_id FROM request WHERE request_id = ? AND applied = 1 ORDER BY seq DESC LIMIT 1",
  );
  const isRequestOf = db.prepare(
    "SELECT 1 FROM request WHERE request_id = ? AND ticket_id = ? AND applied = 1 LIMIT 1",
  );
  const readTruth = db.prepare(`
    SELECT (SELECT count(*) FROM request WHERE arrived = 1) AS requests,
      (SELECT count(*) FROM request WHERE applied = 1 AND command = 'create') AS creates,
      (SELECT count(*) FROM request WHERE applied = 1 AND command = 'update') AS updates,
      (SELECT count(*) FROM request WHERE applied = 1 AND command = 'close') AS closes,
      (SELECT count(*) FROM ticket) AS tickets,
      (SELECT count(*) FROM ticket WHERE ${isOpenSql}) AS open,
      (SELECT count(*) - count(DISTINCT client_reference) FROM ticket
        WHERE kind = 'MO' AND ${isOpenSql}) AS duplicateOpen`);
  const searches = new Map<string, StatementSync>();
  const lagging = new Map<string, { readonly before: Ticket | null; readonly requestIds: Set<string> }>();
  let last = Number(db.prepare("SELECT coalesce(max(id), 0) AS last FROM ticket").get()?.["last"] ?? 0);

  function prepared(sql: string): StatementSync {
    const known = searches.get(sql);
    if (known !== undefined) return known;
    const statement = db.prepare(sql);
    searches.set(sql, statement);
    return statement;
  }

  function query(criteria: WireCriteria, max: number): Found {
    const { where, values } = conditions(criteria);
    const rows = prepared(`SELECT body FROM ticket ${where} ORDER BY id DESC LIMIT ?`).all(
      ...values,
      max + 1,
    );
    const tickets = rows.slice(0, max).map((row) => JSON.parse(String(row["body"])) as Ticket);
    if (rows.length <= max) return { tickets, total: rows.length };
    const total = prepared(`SELECT count(*) AS total FROM ticket ${where}`).get(...values)?.["total"];
    return { tickets, total: Number(total) };
  }

  /** The index as it was before the lagging changes: rare, so without any cleverness. */
  function queryLagging(criteria: WireCriteria, max: number): Found {
    const shown = query(criteria, Number.MAX_SAFE_INTEGER - 1).tickets.filter(
      (t) => !lagging.has(t.ticketId),
    );
    const old = [...lagging.values()].flatMap(({ before, requestIds }) =>
      before !== null && seen(before, requestIds, criteria) ? [before] : [],
    );
    const all = [...old, ...shown];
    return { tickets: all.slice(0, max), total: all.length };
  }

  function seen(ticket: Ticket, hidden: ReadonlySet<string>, criteria: WireCriteria): boolean {
    const { requestedBy, networkElements, from, to } = criteria;
    const openedAt = ticket.openedAt ?? 0;
    return (
      (criteria.clientReference === undefined || ticket.clientReference === criteria.clientReference) &&
      (criteria.ticketId === undefined || ticket.ticketId === criteria.ticketId) &&
      (criteria.kind === undefined || ticket.kind === criteria.kind) &&
      (criteria.status === undefined || criteria.status.includes(ticket.status)) &&
      (networkElements === undefined || networkElements.some((e) => ticket.networkElements.includes(e))) &&
      (from === undefined || openedAt >= from) &&
      (to === undefined || openedAt <= to) &&
      (requestedBy === undefined ||
        (!hidden.has(requestedBy) && isRequestOf.get(requestedBy, ticket.ticketId) !== undefined))
    );
  }

  return {
    nextTicketId() {
      last += 1;
      return `TCK-${String(last).padStart(6, "0")}`;
    },
    ticket(ticketId) {
      const row = readTicket.get(ticketId);
      return row === undefined ? undefined : (JSON.parse(String(row["body"])) as Ticket);
    },
    enter(entry, ticket) {
      const answer = entry.answer === null ? null : JSON.stringify(entry.answer);
      const row = [entry.requestId, entry.command, +entry.arrived, +entry.applied, entry.ticketId, answer];
      if (ticket === undefined) {
        putRequest.run(...row);
        return;
      }
      begin.run();
      try {
        putTicket.run(
          ticket.ticketId,
          ticket.kind,
          ticket.status,
          ticket.clientReference ?? null,
          JSON.stringify(ticket.networkElements),
          ticket.openedAt ?? 0,
          JSON.stringify(ticket),
        );
        putRequest.run(...row);
        commit.run();
      } catch (error) {
        rollback.run();
        throw error;
      }
    },
    firstAnswer(requestId) {
      const row = readAnswer.get(requestId);
      if (row === undefined) return undefined;
      return {
        command: row["command"] as Command,
        answer: JSON.parse(String(row["answer"])) as Acknowledgement,
      };
    },
    search(criteria) {
      const max = Math.min(
        Math.max(criteria.maxResults ?? limits.searchResultsMax, 1),
        limits.searchResultsMax,
      );
      return lagging.size === 0 ? query(criteria, max) : queryLagging(criteria, max);
    },
    hide(ticketId, before, requestId) {
      const hidden = lagging.get(ticketId);
      // What was hidden first is what the index still shows.
      if (hidden === undefined) lagging.set(ticketId, { before, requestIds: new Set([requestId]) });
      else hidden.requestIds.add(requestId);
    },
    show(ticketId) {
      lagging.delete(ticketId);
    },
    assign(ticketId, owner) {
      setOwner.run(owner, ticketId);
    },
    ticketOf(requestId) {
      const ticketId = readTicketOf.get(requestId)?.["ticket_id"];
      return typeof ticketId === "string" ? ticketId : null;
    },
    truth() {
      const row = readTruth.get() ?? {};
      const count = (name: keyof Truth) => Number(row[name]);
      return {
        requests: count("requests"),
        creates: count("creates"),
        updates: count("updates"),
        closes: count("closes"),
        tickets: count("tickets"),
        open: count("open"),
        duplicateOpen: count("duplicateOpen"),
      };
    },
    close() {
      db.close();
    },
  };
}

const isOpenSql = "status NOT IN ('closed', 'cancelled', 'resolved')";

function conditions(criteria: WireCriteria): { readonly where: string; readonly values: SQLInputValue[] } {
  const parts: string[] = [];
  const values: SQLInputValue[] = [];
  const add = (sql: string, value: string | Instant | undefined) => {
    if (value === undefined) return;
    parts.push(sql);
    values.push(value);
  };
  add("client_reference = ?", criteria.clientReference);
  add("ticket_id = ?", criteria.ticketId);
  add("kind = ?", criteria.kind);
  add("status IN (SELECT value FROM json_each(?))", list(criteria.status));
  add(
    "ticket_id IN (SELECT ticket_id FROM request WHERE request_id = ? AND applied = 1)",
    criteria.requestedBy,
  );
  add(
    `EXISTS (SELECT 1 FROM json_each(ticket.elements) AS own, json_each(?) AS asked
      WHERE own.value = asked.value)`,
    list(criteria.networkElements),
  );
  add("opened_at >= ?", criteria.from);
  add("opened_at <= ?", criteria.to);
  return { where: parts.length === 0 ? "" : `WHERE ${parts.join(" AND ")}`, values };
}

function list(items: readonly string[] | undefined): string | undefined {
  return items === undefined ? undefined : JSON.stringify(items);
}
