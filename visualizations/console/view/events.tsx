/** Events: the feed's facts, newest first, with filters and payloads; older ones on demand. */
import { useState } from "preact/hooks";
import { address, ask, isPaused, loadOlder, notice, setPaused, shown } from "../live.ts";
import { clientOf } from "../model/screen.ts";
import { factSummary, selectEvents } from "../model/event-filter.ts";
import { type FeedFact, kindOf } from "../model/feed.ts";
import { countOf } from "../model/text.ts";
import { useHeld } from "./held.ts";
import { Dialog, download, Heading, Link, Refusal, SearchBox, Time, HeldHint } from "./parts.tsx";
import { VirtualTable } from "./virtual-table.tsx";

const kinds = [
  "alarm",
  "flow",
  "request",
  "response.row",
  "client",
  "key.parked",
  "ticket",
  "heartbeat",
  "service",
  "operator",
  "settings",
  "topology",
  "ledger",
];
const shownMax = 5_000;
/** New events come into the table at most this often. */
const renewMs = 250;

const columns = [
  ["time", "Time"],
  ["kind", "Event"],
  ["client", "Client"],
  ["about", "About"],
  ["position", "Position"],
] as const;

export function EventsPage() {
  const screen = shown();
  const { type = "", text = "", at = "" } = address.value.query;
  const [refusal, setRefusal] = useState<string | null>(null);
  const [loads, setLoads] = useState(0);
  const { older } = screen;
  const asked = `${type}\n${text}\n${loads}\n${older.length === 0}\n${isPaused.value}\n${screen.events.length === 0}`;
  const {
    value: facts,
    isHeld,
    hold,
  } = useHeld(asked, renewMs, () => selectEvents([...older, ...screen.events], { type, text }, shownMax));
  async function load(): Promise<void> {
    setRefusal(await loadOlder());
    setLoads((count) => count + 1);
  }
  const isAt = ({ data }: FeedFact): boolean => String(data.position) === at;
  const opened = at === "" ? undefined : (facts.find(isAt) ?? screen.events.find(isAt));
  return (
    <main class="fill">
      <Heading title="Events">
        <SearchBox
          name="text"
          label="Search in payloads"
          hint="text in the payload"
          onText={(typed) => ask({ text: typed })}
        />
        <label>
          Kind{" "}
          <select value={type} onChange={({ currentTarget }) => ask({ type: currentTarget.value })}>
            <option value="">all</option>
            {kinds.map((kind) => (
              <option key={kind} value={kind}>
                {kind}
              </option>
            ))}
          </select>
        </label>
        <span class="count" role="status">
          {countOf(facts.length, "event")}
        </span>
        <button type="button" aria-pressed={isPaused.value} onClick={() => setPaused(!isPaused.value)}>
          {isPaused.value ? "Resume" : "Pause"}
        </button>
        <button type="button" onClick={() => void load()}>
          Load older
        </button>
        <button
          type="button"
          onClick={() =>
            download(
              "events.ndjson",
              facts.map((fact) => `${JSON.stringify(fact)}\n`).join(""),
              "application/x-ndjson",
            )
          }
        >
          Export
        </button>
        <HeldHint isHeld={isHeld} />
      </Heading>
      <Refusal text={refusal} />
      <VirtualTable
        label="Events"
        columns={columns.map(([name, title]) => ({ name, title }))}
        count={facts.length}
        keyOf={(index) => String(facts[index]?.data.position ?? index)}
        cells={(index) => {
          const fact = facts[index];
          if (fact === undefined) return [];
          const clientId = clientOf(screen, fact);
          const { position } = fact.data;
          return [
            <Time at={Date.parse(fact.time)} />,
            <button type="button" class="link" onClick={() => ask({ at: String(position) })}>
              {kindOf(fact)}
            </button>,
            clientId === null ? (
              ""
            ) : (
              <Link to={{ page: "client", clientId, tab: "statechart" }}>{clientId}</Link>
            ),
            factSummary(fact),
            position,
          ];
        }}
        onBusy={hold}
        onOpen={(index) => ask({ at: String(facts[index]?.data.position ?? "") })}
        empty={
          screen.events.length === 0
            ? "Nothing happened since this page was opened; load older events."
            : "No event fits the filter."
        }
      />
      {opened !== undefined && <EventDialog fact={opened} />}
    </main>
  );
}

function EventDialog({ fact }: { readonly fact: FeedFact }) {
  const text = JSON.stringify(fact, null, 2);
  return (
    <Dialog title={`${kindOf(fact)}, position ${fact.data.position}`} onClose={() => ask({ at: "" })}>
      <pre tabIndex={0} role="region" aria-label="Payload">
        {text}
      </pre>
      <form method="dialog" class="buttons">
        <button
          type="button"
          onClick={() =>
            void navigator.clipboard.writeText(text).then(
              () => (notice.value = "Copied."),
              () => (notice.value = "The browser did not allow copying; mark the text instead."),
            )
          }
        >
          Copy
        </button>
        <button type="submit">Close</button>
      </form>
    </Dialog>
  );
}
