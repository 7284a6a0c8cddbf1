/** Communication: whether and what is being processed, and the Response Table with what was sent and came back. */
import { address, ask, shown } from "../live.ts";
import type { ResponsesAnswer } from "../model/api-messages.ts";
import type { Client } from "../model/clients.ts";
import type { ResponseRow } from "../model/feed.ts";
import { csvOf } from "../model/csv.ts";
import { rowsOf } from "../model/rows.ts";
import { countOf, durationText } from "../model/text.ts";
import { useAnswer } from "./answer.ts";
import { ForceButton } from "./force-dialog.tsx";
import { Dialog, download, Facts, Guid, Link, Refusal, Section, Time } from "./parts.tsx";
import { VirtualTable } from "./virtual-table.tsx";

const columns = [
  ["sent", "Sent"],
  ["command", "Command"],
  ["key", "Key"],
  ["service", "Service"],
  ["attempt", "Attempt"],
  ["status", "Status"],
  ["async", "Async result"],
  ["code", "Code"],
  ["duration", "Took"],
  ["tickets", "Tickets"],
] as const;

const bad = new Set(["nack", "timeout", "error", "inDoubt", "unknown"]);

export function Communication({ client }: { readonly client: Client }) {
  const { clientId, view } = client;
  const screen = shown();
  // Once more when rows were cleared, or events passed over.
  const { value, refusal } = useAnswer<ResponsesAnswer>(
    `/responses?client=${encodeURIComponent(clientId)}&limit=500`,
    `${screen.auditedAt} ${screen.lost?.at}`,
  );
  const rows = rowsOf(screen, clientId, value?.rows ?? []);
  const { row: chosen = "" } = address.value.query;
  const opened = rows.find((row) => nameOf(row) === chosen);
  return (
    <>
      <Section title="Processing" actions={<ForceButton verb="force-not-busy" client={client} />}>
        <Facts
          rows={[
            ["Processing IAS Request Busy Status", view.busyStatus === "busy" ? "Busy" : "Not Busy"],
            ["Client Processing Data", view.processingData],
          ]}
        />
      </Section>
      <Section
        title="Response Table"
        actions={
          <span class="bar">
            <span class="count">{countOf(rows.length, "row")}</span>
            <button
              type="button"
              disabled={rows.length === 0}
              onClick={() => download(`${clientId}-responses.csv`, csvOfRows(rows))}
            >
              CSV
            </button>
          </span>
        }
      >
        <Refusal text={refusal} />
        <VirtualTable
          label="Requests and answers"
          columns={columns.map(([name, title]) => ({ name, title }))}
          count={rows.length}
          keyOf={(index) => nameOf(rows[index] as ResponseRow)}
          cells={(index) => cellsOf(rows[index] as ResponseRow)}
          rowClass={(index) => (bad.has(rows[index]?.status ?? "") ? "abnormal" : "")}
          onOpen={(index) => ask({ row: nameOf(rows[index] as ResponseRow) })}
          empty="No search or request was sent by this client yet; each one stands here with what was asked and answered."
        />
      </Section>
      {opened !== undefined && <RowDialog row={opened} />}
    </>
  );
}

function nameOf({ requestId, attempt }: ResponseRow): string {
  return `${requestId}/${attempt}`;
}

/** Of what is shown; request and answer stand in the dialog of each. */
function csvOfRows(rows: readonly ResponseRow[]): string {
  return csvOf(
    columns.map(([, title]) => title),
    rows.map((row) => [
      new Date(row.sentAt).toISOString(),
      row.command,
      row.key,
      row.service,
      String(row.attempt),
      row.status,
      row.asyncStatus ?? "",
      row.code ?? "",
      row.durationMs === null ? "" : String(row.durationMs),
      row.ticketIds.join(" "),
    ]),
  );
}

function cellsOf(row: ResponseRow) {
  return [
    <button type="button" class="link" onClick={() => ask({ row: nameOf(row) })}>
      <Time at={row.sentAt} />
    </button>,
    row.command,
    row.key,
    row.service,
    row.attempt,
    row.status,
    row.asyncStatus ?? "",
    row.code ?? "",
    row.durationMs === null ? "" : durationText(row.durationMs),
    row.ticketIds.join(", "),
  ];
}

function RowDialog({ row }: { readonly row: ResponseRow }) {
  return (
    <Dialog title={`${row.command} of ${row.key}`} onClose={() => ask({ row: "" })}>
      <Facts
        rows={[
          ["Request", <Guid guid={row.requestId} />],
          ["Flow", <Link to={{ page: "flow", lockGuid: row.lockGuid }}>{row.lockGuid}</Link>],
          ["Sent", <Time at={row.sentAt} />],
          ["Answered", <Time at={row.answeredAt} />],
          ["Status", [row.status, row.code, row.cause].filter((text) => text !== null).join(", ")],
        ]}
      />
      <h3 id="sent">Request</h3>
      <pre tabIndex={0} role="region" aria-labelledby="sent">
        {row.request === "" ? "–" : row.request}
      </pre>
      <h3 id="came">Answer</h3>
      <pre tabIndex={0} role="region" aria-labelledby="came">
        {row.answer === "" ? "–" : row.answer}
      </pre>
      <form method="dialog" class="buttons">
        <button type="submit">Close</button>
      </form>
    </Dialog>
  );
}
