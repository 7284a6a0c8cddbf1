/** One Ticket Client: its four pages under one heading. */
import { address, shown } from "../live.ts";
import { type ClientTab, clientTabs } from "../model/address.ts";
import { Communication } from "./communication.tsx";
import { ConnectionDetails } from "./connection-details.tsx";
import { Heading, Link, StateMark } from "./parts.tsx";
import { SearchResults } from "./search-results.tsx";
import { Statechart } from "./statechart.tsx";

const titles: Readonly<Record<ClientTab, string>> = {
  statechart: "Statechart",
  connection: "Connection Details",
  communication: "Communication",
  "search-results": "Search Results",
};

export function ClientPage({ clientId, tab }: { readonly clientId: string; readonly tab: ClientTab }) {
  const screen = shown();
  const client = screen.clients.get(clientId);
  if (client === undefined)
    return (
      <main>
        <Heading title={clientId} />
        <p>
          {screen.ledger === null
            ? "Waiting for the engine."
            : "There is no such client; they are named client-01 and so on."}
        </p>
      </main>
    );
  return (
    <main>
      <Heading title={clientId}>
        <StateMark state={client.view.state} />
        {client.key !== null && client.view.lockGuid !== null && (
          <span>
            for <Link to={{ page: "flow", lockGuid: client.view.lockGuid }}>{client.key}</Link>
          </span>
        )}
        <span class="detail">{client.view.processingData}</span>
      </Heading>
      <nav class="tabs" aria-label={`Pages of ${clientId}`}>
        {clientTabs.map((one) => (
          <Link key={one} to={{ page: "client", clientId, tab: one }} isCurrent={one === tab}>
            {titles[one]}
          </Link>
        ))}
      </nav>
      {tab === "statechart" && <Statechart client={client} at={address.value.query["at"] ?? ""} />}
      {tab === "connection" && <ConnectionDetails client={client} />}
      {tab === "communication" && <Communication client={client} />}
      {tab === "search-results" && <SearchResults clientId={clientId} />}
    </main>
  );
}
