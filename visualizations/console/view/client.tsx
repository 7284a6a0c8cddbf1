/** One Ticket Client: its four pages under one heading. */
import { address, shown } from "../live.ts";
import { type ClientTab, clientTabs } from "../model/address.ts";
import { Communication } from "./communication.tsx";
import { ConnectionDetails } from "./connection-details.tsx";
import { Link, StateMark } from "./parts.tsx";
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
        <h1>{clientId}</h1>
        <p>
          {screen.ledger === null
            ? "Waiting for the engine."
            : "There is no such client; they are named client-01 and so on."}
        </p>
      </main>
    );
  return (
    <main>
      <h1>
        {clientId} <StateMark state={client.view.state} />
      </h1>
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
