/** Alarms: the newest as they come and become tickets, and what is found of an id, an element, a key or a ticket. */
import { useEffect } from "preact/hooks";
import { address, ask, go, isPaused, setPaused, shown } from "../live.ts";
import { type Alarm, selectAlarms } from "../model/alarms.ts";
import type { ExplanationAnswer } from "../model/api-messages.ts";
import { bounds } from "../model/bounds.ts";
import { csvOf } from "../model/csv.ts";
import { countOf } from "../model/text.ts";
import { useAnswer } from "./answer.ts";
import { whyOf } from "./decision-record.tsx";
import { useHeld } from "./held.ts";
import { download, Heading, Link, Refusal, SearchBox, Time, HeldHint } from "./parts.tsx";
import { VirtualTable } from "./virtual-table.tsx";

export const alarmColumns = [
  ["accepted", "Accepted"],
  ["alarm", "Alarm"],
  ["on", "Element"],
  ["severity", "Notification"],
  ["outcome", "Outcome"],
  ["ticket", "Ticket"],
  ["why", "Why"],
] as const;

/** New alarms come into the table at most this often. */
const renewMs = 250;

export function AlarmsPage() {
  const { find = "" } = address.value.query;
  return find === "" ? <Newest /> : <Found key={find} text={find} />;
}

function Newest() {
  const { alarms, ledger } = shown();
  const { filter = "" } = address.value.query;
  const {
    value: listed,
    isHeld,
    hold,
  } = useHeld(`${filter}\n${isPaused.value}\n${ledger}\n${alarms.size === 0}`, renewMs, () =>
    selectAlarms(alarms, filter, bounds.alarmsMax),
  );
  // Those that have left the newest meanwhile stay as they were.
  const rows = listed.map((one) => alarms.get(one.position) ?? one);
  return (
    <main class="fill">
      <Heading title="Alarms">
        <SearchBox
          name="filter"
          label="Filter the newest alarms"
          hint="filters; Enter asks the whole ledger"
          onText={(text) => ask({ filter: text })}
          onEnter={(text) => text.trim() !== "" && go({ page: "alarms" }, { find: text.trim() })}
        />
        <span class="count" role="status">
          {countOf(rows.length, "alarm")}
        </span>
        <button type="button" aria-pressed={isPaused.value} onClick={() => setPaused(!isPaused.value)}>
          {isPaused.value ? "Resume" : "Pause"}
        </button>
        <Csv rows={rows} />
        <HeldHint isHeld={isHeld} />
      </Heading>
      <AlarmTable
        rows={rows}
        onBusy={hold}
        empty={
          alarms.size === 0
            ? "No alarm has come yet. Send one to /v1/alarms; it is here as soon as it is accepted, and says what became of it."
            : "None of the newest alarms fits the filter. Press Enter in the box to ask the whole ledger."
        }
      />
    </main>
  );
}

function Found({ text }: { readonly text: string }) {
  const { value, refusal } = useAnswer<{ explanations: ExplanationAnswer[] }>(
    `/explain?find=${encodeURIComponent(text)}`,
  );
  const rows = value?.explanations.map(asAlarm) ?? [];
  const [only] = rows;
  const isOne = rows.length === 1 && only !== undefined;
  // One search box leads to the decision record.
  useEffect(() => {
    if (isOne) go({ page: "alarm", source: only.source, id: only.id }, {}, "replace");
  }, [isOne]);
  return (
    <main class="fill">
      <Heading title={`Alarms of ${text}`}>
        <span class="count" role="status">
          {value === null ? "" : countOf(rows.length, "alarm")}
        </span>
        <Link to={{ page: "alarms" }}>the newest alarms instead</Link>
        <Csv rows={rows} />
      </Heading>
      <Refusal text={refusal} />
      <AlarmTable
        rows={rows}
        empty={
          refusal === null
            ? "Asking the engine."
            : "Try the alarm's id as its source gave it, the element, the correlation key, or the ticket's number."
        }
      />
    </main>
  );
}

function AlarmTable(props: {
  readonly rows: readonly Alarm[];
  readonly onBusy?: (isBusy: boolean) => void;
  readonly empty: string;
}) {
  const { rows, onBusy } = props;
  return (
    <VirtualTable
      label="Alarms and what became of them"
      columns={alarmColumns.map(([name, title]) => ({ name, title }))}
      count={rows.length}
      keyOf={(index) => String(rows[index]?.position ?? index)}
      cells={(index) => cellsOf(rows[index])}
      rowClass={(index) => (isBad(rows[index]) ? "abnormal" : "")}
      onOpen={(index) => {
        const row = rows[index];
        if (row !== undefined) go({ page: "alarm", source: row.source, id: row.id });
      }}
      {...(onBusy === undefined ? undefined : { onBusy })}
      empty={props.empty}
    />
  );
}

export function isBad(alarm: Alarm | undefined): boolean {
  return alarm?.outcome === "rejected" || alarm?.outcome === "failed" || alarm?.outcome === "unknown";
}

export function cellsOf(alarm: Alarm | undefined) {
  if (alarm === undefined) return [];
  const { acceptedAt, source, id, element, kind, severity, outcome, ticketId, because } = alarm;
  return [
    <Time at={acceptedAt} />,
    <Link to={{ page: "alarm", source, id }}>{id}</Link>,
    element,
    kind === "clear" ? "clear" : `${kind}, ${severity}`,
    outcome ?? <span class="none">under way</span>,
    ticketId ?? "",
    <span title={because}>{because}</span>,
  ];
}

function Csv({ rows }: { readonly rows: readonly Alarm[] }) {
  return (
    <button
      type="button"
      disabled={rows.length === 0}
      onClick={() =>
        download(
          "alarms.csv",
          csvOf(
            ["accepted", "source", "id", "key", "element", "kind", "severity", "outcome", "ticket", "why"],
            rows.map((one) => [
              new Date(one.acceptedAt).toISOString(),
              one.source,
              one.id,
              one.key,
              one.element,
              one.kind,
              one.severity,
              one.outcome ?? "",
              one.ticketId ?? "",
              one.because,
            ]),
          ),
        )
      }
    >
      CSV
    </button>
  );
}

/** As the feed would have told it. */
function asAlarm(record: ExplanationAnswer): Alarm {
  const { position, source, id, key, notification, acceptedAt, outcome, ticketId, settledAt } = record;
  const last = record.decisions.at(-1);
  return {
    position,
    source,
    id,
    key,
    element: notification.alarmedObject,
    kind: notification.kind as Alarm["kind"],
    severity: notification.severity as Alarm["severity"],
    acceptedAt,
    outcome,
    because: whyOf(record),
    ticketId,
    settledAt,
    rule: last?.rule ?? null,
  };
}
