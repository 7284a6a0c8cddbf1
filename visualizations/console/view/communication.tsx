/** Communication: whether and what is being processed, and the Response Table with what was sent and came back. */
import { useEffect, useState } from "preact/hooks";
import { address, api, ask, shown } from "../live.ts";
import type { ResponsesAnswer } from "../model/api-messages.ts";
import type { Client } from "../model/clients.ts";
import type { ResponseRow } from "../model/feed.ts";
import { rowsOf } from "../model/rows.ts";
import { countOf, durationText } from "../model/text.ts";
import { ForceButton } from "./force-dialog.tsx";
import { Dialog, Facts, Guid, Link, Refusal, Section, Time } from "./parts.tsx";
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
  const [fetched, setFetched] = useState<readonly ResponseRow[]>([]);
  const [refusal, setRefusal] = useState<string | null>(null);
  useEffect(() => {
    void api<ResponsesAnswer>({
      method: "GET",
      path: `/responses?client=${encodeURIComponent(clientId)}&limit=500`,
    }).then((answer) => {
      if (answer.ok) setFetched(answer.value.rows);
      else setRefusal(answer.problem.detail);
    });
  }, [clientId]);
  const rows = rowsOf(shown().rows, clientId, fetched);
  const { row: chosen = "" } = address.value.query;
  const opened = rows.find((row) => nameOf(row) === chosen);
  return (
    <>
      <Section title="Processing">
        <Facts
          rows={[
            ["Processing IAS Request Busy Status", view.busyStatus === "busy" ? "Busy" : "Not Busy"],
            ["Client Processing Data", view.processingData],
          ]}
        />
        <ForceButton verb="force-not-busy" client={client} />
      </Section>
      <Section title="Response Table" actions={<span class="count">{countOf(rows.length, "row")}</span>}>
        <Refusal text={refusal} />
        <VirtualTable
          label="Requests and answers"
          columns={columns.map(([name, title]) => ({ name, title }))}
          count={rows.length}
          keyOf={(index) => nameOf(rows[index] as ResponseRow)}
          cells={(index) => cellsOf(rows[index] as ResponseRow)}
          rowClass={(index) => (bad.has(rows[index]?.status ?? "") ? "abnormal" : "")}
          onOpen={(index) => ask({ row: nameOf(rows[index] as ResponseRow) })}
          empty="No request was sent yet."
        />
      </Section>
      {opened !== undefined && <RowDialog row={opened} />}
    </>
  );
}

function nameOf({ requestId, attempt }: ResponseRow): string {
  return `${requestId}/${attempt}`;
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
