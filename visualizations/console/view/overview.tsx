/** Exceptions first; then counts, two charts, and the latest alarms. */
import { exceptions, gateway, now, shown } from "../live.ts";
import { selectAlarms } from "../model/alarms.ts";
import { calmText, type Exception } from "../model/overview.ts";
import { countText } from "../model/text.ts";
import { alarmColumns, cellsOf, isBad } from "./alarms.tsx";
import { LatencyChart, OutcomeChart } from "./charts.tsx";
import { useHeld } from "./held.ts";
import { Link, Section, StateMark, HeldHint } from "./parts.tsx";
import type { ClientCondition } from "../model/feed.ts";

export function OverviewPage() {
  const screen = shown();
  return (
    <main>
      <h1 class="unseen">Overview</h1>
      <Exceptions />
      <div class="columns counts">
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
      <Section title="Latest alarms" actions={<Link to={{ page: "alarms" }}>all alarms</Link>}>
        <LatestAlarms />
      </Section>
    </main>
  );
}

function Exceptions() {
  const found = exceptions();
  const calm = calmText(shown(), gateway.value);
  return (
    <Section title="Exceptions" actions={found.length === 0 ? <span class="calm">{calm}</span> : undefined}>
      <ul class="exceptions">
        {found.map((one) => (
          <ExceptionLine key={one.name} exception={one} />
        ))}
      </ul>
    </Section>
  );
}

const latestShown = 8;
/** New alarms come into the table at most this often. */
const renewMs = 250;

/** Alarms becoming tickets, or not, each with its reason. */
function LatestAlarms() {
  const { alarms, ledger } = shown();
  const {
    value: latest,
    isHeld,
    hold,
  } = useHeld(`${ledger}\n${alarms.size === 0}`, renewMs, () => selectAlarms(alarms, "", latestShown));
  // Those that have left the newest meanwhile stay as they were.
  const rows = latest.map((one) => alarms.get(one.position) ?? one);
  if (latest.length === 0)
    return (
      <p class="calm">
        {ledger === null
          ? "Waiting for the engine."
          : "No alarm has come yet. Send one to /v1/alarms, or start with `npm start`."}
      </p>
    );
  return (
    <div
      class="latest"
      onMouseEnter={() => hold(true)}
      onMouseLeave={() => hold(false)}
      onFocusCapture={() => hold(true)}
      onBlurCapture={({ currentTarget }) => hold(currentTarget.matches(":hover"))}
    >
      <HeldHint isHeld={isHeld} />
      <table class="plain">
        <thead>
          <tr>
            {alarmColumns.map(([name, title]) => (
              <th key={name} scope="col" data-column={name}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.position} class={isBad(row) ? "abnormal" : ""}>
              {cellsOf(row).map((cell, index) => (
                <td key={alarmColumns[index]?.[0]}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
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
    <dl class="numbers states">
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
