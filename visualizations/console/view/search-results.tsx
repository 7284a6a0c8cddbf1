/**
 * Search Results: for which flow, which tickets were found, and where the element hangs. Nothing here is refreshed by
 * itself: each part says how old it is, and has a button.
 */
import { shown } from "../live.ts";
import type {
  PathAnswer,
  PathDetailsAnswer,
  SearchResultsAnswer,
  TicketAnswer,
} from "../model/api-messages.ts";
import { useAnswer } from "./answer.ts";
import { Age, Facts, Guid, Link, Refusal, Section, Time } from "./parts.tsx";
import { useState } from "preact/hooks";

type Results = NonNullable<SearchResultsAnswer["results"]>;

export function SearchResults({ clientId }: { readonly clientId: string }) {
  const { value, refusal, reload } = useAnswer<SearchResultsAnswer>(
    `/clients/${encodeURIComponent(clientId)}/search-results`,
  );
  const results = value?.results ?? null;
  return (
    <>
      <Section
        title="Flow"
        actions={
          <button type="button" onClick={() => void reload()}>
            Refresh
          </button>
        }
      >
        <Refusal text={refusal} />
        {results === null ? (
          <p class="calm">
            {value === null
              ? "Asking the engine."
              : "No flow has used this client since it was started. What the next one finds stands here until another takes the client."}
          </p>
        ) : (
          <FlowFacts results={results} holder={shown().clients.get(clientId)?.view.lockGuid ?? null} />
        )}
      </Section>
      {results !== null && (
        <>
          <NetworkPath key={`${results.lockGuid} ${results.at}`} reading={results.path} />
          <Section title="Tickets found">
            <TicketTable tickets={results.tickets} />
            {results.truncated && <p class="detail">The service found more than it gave.</p>}
          </Section>
        </>
      )}
    </>
  );
}

function FlowFacts({ results, holder }: { readonly results: Results; readonly holder: string | null }) {
  const isOlder = holder !== null && holder !== results.lockGuid;
  return (
    <>
      <Facts
        isAbreast
        rows={[
          [
            "Found for flow",
            <Link to={{ page: "flow", lockGuid: results.lockGuid }}>
              <Guid guid={results.lockGuid} />
            </Link>,
          ],
          ["Answered", <Time at={results.at} />],
          ["Age", <Age since={results.at} />],
        ]}
      />
      {isOlder && <p>Another flow holds the client now: refresh to see what it finds.</p>}
    </>
  );
}

/** As the flow saw it, until somebody asks the topology anew. */
function NetworkPath({ reading }: { readonly reading: Results["path"] }) {
  const [askedAt, setAskedAt] = useState<number | null>(null);
  const { value, at, refusal } = useAnswer<PathDetailsAnswer>(
    askedAt === null || reading === null ? null : `/topology/path/${encodeURIComponent(reading.elementId)}`,
    askedAt,
  );
  const title = "Ninas Network Path Details";
  if (reading === null)
    return (
      <Section title={title}>
        <p class="calm">
          The flow asked for no path: no topology was loaded, or nothing was to be decided by it.
        </p>
      </Section>
    );
  const isAnew = value !== null;
  const path = value?.path ?? reading.path;
  return (
    <Section
      title={title}
      actions={
        <span class="bar">
          <span class="count">
            {isAnew ? "Read anew" : "As the flow saw it,"} <Age since={isAnew ? at : reading.at} /> ago
          </span>
          <button type="button" onClick={() => setAskedAt(Date.now())}>
            Refresh the path
          </button>
        </span>
      }
    >
      <Refusal text={refusal} />
      {path === null ? (
        <p>
          {reading.elementId}: {reading.failure ?? "no path is known."}
        </p>
      ) : (
        <PathTable path={path} />
      )}
    </Section>
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
  if (tickets.length === 0) return <p class="calm">None: the service knows no open ticket of this key.</p>;
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
