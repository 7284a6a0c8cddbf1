/** Exceptions first; then counts and two charts. */
import { exceptions, now, shown } from "../live.ts";
import type { Exception } from "../model/overview.ts";
import { countText } from "../model/text.ts";
import { LatencyChart, OutcomeChart } from "./charts.tsx";
import { Link, Section, StateMark } from "./parts.tsx";
import type { ClientCondition } from "../model/feed.ts";

export function OverviewPage() {
  const screen = shown();
  const found = exceptions();
  return (
    <main>
      <h1>Overview</h1>
      <Section title="Exceptions">
        {found.length === 0 ? (
          <p class="calm">{screen.ledger === null ? "Waiting for the engine." : "Nothing abnormal."}</p>
        ) : (
          <ul class="exceptions">
            {found.map((one) => (
              <ExceptionLine key={one.name} exception={one} />
            ))}
          </ul>
        )}
      </Section>
      <div class="columns">
        <Section title="Alarms">
          <Counts />
        </Section>
        <Section title="Clients">
          <Pool />
        </Section>
        <Section title="In line">
          <Waiting />
        </Section>
      </div>
      <div class="columns two">
        <Section title="Alarms settled, by outcome">
          <OutcomeChart series={screen.series} now={now.value} />
        </Section>
        <Section title="Keys in line, and how long requests take">
          <LatencyChart series={screen.series} now={now.value} />
        </Section>
      </div>
    </main>
  );
}

function ExceptionLine({ exception }: { readonly exception: Exception }) {
  const { level, title, detail, place, query } = exception;
  return (
    <li data-level={level} data-exception={exception.name}>
      <svg class="mark" viewBox="0 0 16 16" aria-hidden="true">
        <path d="M8 2L15 14H1z" />
      </svg>
      <span>
        <Link to={place} query={query}>
          {title}
        </Link>
        <span class="detail">{detail}</span>
      </span>
    </li>
  );
}

function Numbers({ rows }: { readonly rows: readonly (readonly [string, number])[] }) {
  return (
    <dl class="numbers">
      {rows.map(([name, count]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{countText(count)}</dd>
        </div>
      ))}
    </dl>
  );
}

function Counts() {
  const { counters } = shown();
  if (counters === null) return <p class="calm">–</p>;
  const { accepted, settled, unsettled, openTickets, outcomes } = counters;
  return (
    <Numbers
      rows={[
        ["accepted", accepted],
        ["settled", settled],
        ["under way", unsettled],
        ["open tickets", openTickets],
        ...Object.entries(outcomes).filter(([, count]) => count > 0),
      ]}
    />
  );
}

const order: readonly ClientCondition[] = [
  "idle",
  "locked",
  "searching",
  "forwarding",
  "closing",
  "restarting",
  "quarantined",
];

function Pool() {
  const { clients } = shown();
  const counts = new Map<ClientCondition, number>();
  for (const { view } of clients.values()) counts.set(view.state, (counts.get(view.state) ?? 0) + 1);
  const rows = order.filter(
    (state) => counts.has(state) || (state !== "restarting" && state !== "quarantined"),
  );
  return (
    <dl class="numbers">
      {rows.map((state) => (
        <div key={state}>
          <dt>
            <Link to={{ page: "clients" }} query={{ filter: `state:${state}` }}>
              <StateMark state={state} />
            </Link>
          </dt>
          <dd>{countText(counts.get(state) ?? 0)}</dd>
        </div>
      ))}
    </dl>
  );
}

function Waiting() {
  const { waiting } = shown();
  if (waiting === null) return <p class="calm">–</p>;
  const { create, update, close, parked, parkedFor } = waiting;
  return (
    <Numbers
      rows={[
        ["to create", create],
        ["to update", update],
        ["to close", close],
        ["parked", parked],
        ...Object.entries(parkedFor).map(([reason, count]) => [`… ${reason}`, count] as const),
      ]}
    />
  );
}
