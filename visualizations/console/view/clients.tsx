/** All clients: the live table, its filter, order and columns. Rows change places only while nobody points at them. */
import { address, ask, go, isPaused, now, setPaused, shown } from "../live.ts";
import {
  columns,
  type Order,
  readFilter,
  readOrder,
  selectClients,
  writeOrder,
} from "../model/client-table.ts";
import { type Client, sinceOf } from "../model/clients.ts";
import { csvOf } from "../model/csv.ts";
import { isBusyTooLong, isOverAge } from "../model/overview.ts";
import { countOf, countText } from "../model/text.ts";
import { useHeld } from "./held.ts";
import { Age, download, Guid, Heading, Link, Refusal, SearchBox, StateMark, HeldHint } from "./parts.tsx";
import { VirtualTable } from "./virtual-table.tsx";

/** Rows are put in order anew at most this often. */
const orderMs = 500;

export function ClientsPage() {
  const screen = shown();
  const { query } = address.value;
  const filter = readFilter(query["filter"] ?? "");
  const order = readOrder(query["sort"]);
  const hidden = new Set((query["hide"] ?? "").split(",").filter((name) => name !== ""));
  const visible = columns.filter(({ name }) => name === "id" || !hidden.has(name));
  const {
    value: ids,
    isHeld,
    hold,
  } = useHeld(`${query["filter"] ?? ""}\n${writeOrder(order)}\n${screen.clients.size}`, orderMs, () =>
    selectClients(screen.clients.values(), filter, order, now.peek()),
  );
  const at = now.value;

  return (
    <main class="fill">
      <Heading title="Clients">
        <SearchBox
          name="filter"
          label="Filter clients"
          hint="state:locked age:>5m text"
          onText={(text) => ask({ filter: text })}
        />
        <span class="count" role="status">
          {ids.length === screen.clients.size
            ? countOf(screen.clients.size, "client")
            : `${countText(ids.length)} of ${countOf(screen.clients.size, "client")}`}
        </span>
        <button type="button" aria-pressed={isPaused.value} onClick={() => setPaused(!isPaused.value)}>
          {isPaused.value ? "Resume" : "Pause"}
        </button>
        <Columns hidden={hidden} />
        <button
          type="button"
          onClick={() => download("clients.csv", csvOfClients(ids, screen.clients, visible))}
        >
          CSV
        </button>
        <HeldHint isHeld={isHeld} />
      </Heading>
      <Refusal text={filter.complaint} />
      <VirtualTable
        label="Ticket Clients"
        columns={visible.map(({ name, title }) => ({
          name,
          sorted: order.column === name ? (order.descending ? "descending" : "ascending") : "none",
          title: <SortButton name={name} title={title} order={order} />,
        }))}
        count={ids.length}
        keyOf={(index) => ids[index] ?? String(index)}
        cells={(index) => {
          const client = screen.clients.get(ids[index] ?? "");
          return client === undefined ? [] : visible.map(({ name }) => <Cell name={name} client={client} />);
        }}
        rowClass={(index) => {
          const client = screen.clients.get(ids[index] ?? "");
          return client !== undefined && (isOverAge(client, at) || isBusyTooLong(client, screen, at))
            ? "abnormal"
            : "";
        }}
        onOpen={(index) => go({ page: "client", clientId: ids[index] ?? "", tab: "statechart" })}
        onBusy={hold}
        empty={
          screen.clients.size === 0
            ? "Waiting for the engine."
            : "No client fits the filter. Words narrow it, as state:locked, busy:busy, age:>5m, service:OSB."
        }
      />
    </main>
  );
}

function SortButton({
  name,
  title,
  order,
}: {
  readonly name: string;
  readonly title: string;
  readonly order: Order;
}) {
  const isSorted = order.column === name;
  const next = { column: name, descending: isSorted && !order.descending };
  return (
    <button type="button" class="sort" onClick={() => ask({ sort: writeOrder(next) })}>
      {title}
      {isSorted && (
        <svg class="shape" viewBox="0 0 16 16" aria-hidden="true">
          <path d={order.descending ? "M4 6l4 5 4-5" : "M4 10l4-5 4 5"} />
        </svg>
      )}
    </button>
  );
}

function Columns({ hidden }: { readonly hidden: ReadonlySet<string> }) {
  function toggle(name: string): void {
    const left = hidden.has(name) ? [...hidden].filter((one) => one !== name) : [...hidden, name];
    ask({ hide: left.join(",") });
  }
  return (
    <details class="menu">
      <summary>Columns</summary>
      <div>
        {columns.slice(1).map(({ name, title }) => (
          <label key={name}>
            <input type="checkbox" checked={!hidden.has(name)} onChange={() => toggle(name)} /> {title}
          </label>
        ))}
      </div>
    </details>
  );
}

function Cell({ name, client }: { readonly name: string; readonly client: Client }) {
  const { clientId, view, key, service } = client;
  switch (name) {
    case "id":
      return <Link to={{ page: "client", clientId, tab: "statechart" }}>{clientId}</Link>;
    case "state":
      return <StateMark state={view.state} />;
    case "time":
      return <Age since={sinceOf(client)} />;
    case "guid":
      return <Guid guid={view.lockGuid} />;
    case "age":
      return <Age since={view.lockTime} />;
    case "key":
      return <>{key}</>;
    case "service":
      return <>{service}</>;
    case "busy":
      return view.busyStatus === "busy" ? <>busy</> : <span class="none">not busy</span>;
    default:
      return <span title={view.processingData}>{view.processingData}</span>;
  }
}

function csvOfClients(
  ids: readonly string[],
  clients: ReadonlyMap<string, Client>,
  visible: typeof columns,
): string {
  const at = Date.now();
  const rows = ids.flatMap((id) => {
    const client = clients.get(id);
    return client === undefined ? [] : [visible.map(({ text }) => text(client, at))];
  });
  return csvOf(
    visible.map(({ title }) => title),
    rows,
  );
}
