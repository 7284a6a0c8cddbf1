/** Search Results: where the element hangs, which tickets were found, and for which flow. Not refreshed by itself. */
import { useEffect, useState } from "preact/hooks";
import { api, shown } from "../live.ts";
import type { PathAnswer, SearchResultsAnswer, TicketAnswer } from "../model/api-messages.ts";
import { Age, Facts, Link, Refusal, Section, Time } from "./parts.tsx";

export function SearchResults({ clientId }: { readonly clientId: string }) {
  const [answer, setAnswer] = useState<SearchResultsAnswer | null>(null);
  const [refusal, setRefusal] = useState<string | null>(null);
  async function load(): Promise<void> {
    const said = await api<SearchResultsAnswer>({
      method: "GET",
      path: `/clients/${encodeURIComponent(clientId)}/search-results`,
    });
    setRefusal(said.ok ? null : said.problem.detail);
    if (said.ok) setAnswer(said.value);
  }
  useEffect(() => void load(), [clientId]);
  const results = answer?.results ?? null;
  const holder = shown().clients.get(clientId)?.view.lockGuid ?? null;
  const isOlder = results !== null && holder !== null && holder !== results.lockGuid;
  return (
    <>
      <Section
        title="Flow"
        actions={
          <button type="button" onClick={() => void load()}>
            Refresh
          </button>
        }
      >
        <Refusal text={refusal} />
        {results === null ? (
          <p>
            {answer === null ? "Asking the engine." : "No flow has used this client since it was started."}
          </p>
        ) : (
          <Facts
            rows={[
              [
                "Found for",
                <Link to={{ page: "flow", lockGuid: results.lockGuid }}>{results.lockGuid}</Link>,
              ],
              ["Answered", <Time at={results.at} />],
              ["Age", <Age since={results.at} />],
              ...(isOlder
                ? [["Note", "Another flow holds the client now: refresh to see what it finds."] as const]
                : []),
            ]}
          />
        )}
      </Section>
      {results !== null && (
        <>
          <Section title="Ninas Network Path Details">
            {results.path === null ? (
              <p>The flow asked for no path.</p>
            ) : results.path.path === null ? (
              <p>
                {results.path.elementId}: {results.path.failure ?? "no path is known."}
              </p>
            ) : (
              <PathTable path={results.path.path} />
            )}
          </Section>
          <Section title="Tickets found">
            <TicketTable tickets={results.tickets} />
            {results.truncated && <p class="detail">The service found more than it gave.</p>}
          </Section>
        </>
      )}
    </>
  );
}

function PathTable({ path }: { readonly path: PathAnswer }) {
  return (
    <>
      <p class="detail">
        Data loaded <Time at={path.loadedAt} />, <Age since={path.loadedAt} /> ago.
        {path.end !== undefined && path.end !== "root" && ` The path ends early: ${path.end}.`}
      </p>
      <table class="plain">
        <thead>
          <tr>
            {["Hop", "Element", "Name", "Type", "Interface", "Network service"].map((title) => (
              <th key={title} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {path.hops.map((hop) => (
            <tr key={hop.hopNo}>
              <td>{hop.hopNo}</td>
              <td>{hop.elementId}</td>
              <td>{hop.name}</td>
              <td>{hop.type}</td>
              <td>{hop.interface}</td>
              <td>{hop.networkService}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

function TicketTable({ tickets }: { readonly tickets: readonly TicketAnswer[] }) {
  if (tickets.length === 0) return <p>None.</p>;
  return (
    <table class="plain">
      <thead>
        <tr>
          {["Ticket", "Kind", "Status", "Severity", "Key", "Elements", "Summary"].map((title) => (
            <th key={title} scope="col">
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {tickets.map((ticket) => (
          <tr key={ticket.ticketId}>
            <td>{ticket.ticketId}</td>
            <td>{ticket.kind}</td>
            <td>{ticket.status}</td>
            <td>{ticket.severity}</td>
            <td>{ticket.clientReference}</td>
            <td>{ticket.networkElements.join(", ")}</td>
            <td>{ticket.summary}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
