/** One flow: why there is (no) ticket, and who told whom what. */
import { useEffect, useState } from "preact/hooks";
import { api, shown } from "../live.ts";
import type { ExplanationAnswer, FlowDetailAnswer } from "../model/api-messages.ts";
import { flowOfAnswer } from "../model/asked.ts";
import type { FeedFact } from "../model/feed.ts";
import type { Flow } from "../model/flows.ts";
import { type Lane, lanes, type Message, sequenceOf } from "../model/sequence.ts";
import { durationText } from "../model/text.ts";
import { Facts, Guid, Link, Refusal, Section, Time } from "./parts.tsx";

export function FlowPage({ lockGuid }: { readonly lockGuid: string }) {
  const live = shown().flows.byGuid.get(lockGuid);
  const [asked, setAsked] = useState<Flow | null>(null);
  const [records, setRecords] = useState<readonly ExplanationAnswer[]>([]);
  const [refusal, setRefusal] = useState<string | null>(null);
  const isEnded = live !== undefined && live.result !== null;
  // Asked when it is opened, and once more when it has ended.
  useEffect(() => {
    void load(lockGuid).then((loaded) => {
      setRefusal(loaded.refusal);
      if (loaded.flow !== null) setAsked(loaded.flow);
      setRecords(loaded.records);
    });
  }, [lockGuid, isEnded]);
  const flow = asked ?? live;
  if (flow === undefined)
    return (
      <main>
        <h1>Flow</h1>
        <Refusal text={refusal} />
      </main>
    );
  const facts = asked === null ? flow.facts : joined(asked.facts, live?.facts ?? []);
  const { decision } = live ?? flow;
  const result = live?.result ?? flow.result;
  const endedAt = live?.endedAt ?? flow.endedAt;
  return (
    <main>
      <h1>Flow for {flow.key}</h1>
      <Section title="Decision record">
        <Facts
          rows={[
            ["Why", decision === null ? "Not decided yet." : decision.because],
            ["Rule", decision === null ? null : `${decision.rule}: ${decision.decision}`],
            ["Result", result ?? "running"],
            ["Key", flow.key],
            [
              "Client",
              <Link to={{ page: "client", clientId: flow.clientId, tab: "statechart" }}>
                {flow.clientId}
              </Link>,
            ],
            ["Lock GUID", <Guid guid={lockGuid} />],
            ["Started", <Time at={flow.startedAt} />],
            ["Took", endedAt === null ? null : durationText(endedAt - flow.startedAt)],
          ]}
        />
        <Records records={records} />
      </Section>
      <Section title="Sequence">
        <Sequence messages={[...records.map(alarmCame), ...sequenceOf(facts)]} from={flow.startedAt} />
      </Section>
    </main>
  );
}

interface Loaded {
  readonly flow: Flow | null;
  readonly records: readonly ExplanationAnswer[];
  readonly refusal: string | null;
}

async function load(lockGuid: string): Promise<Loaded> {
  const answer = await api<FlowDetailAnswer>({
    method: "GET",
    path: `/flows/${encodeURIComponent(lockGuid)}`,
  });
  if (!answer.ok) return { flow: null, records: [], refusal: answer.problem.detail };
  const { facts, ...rest } = answer.value;
  const flow: Flow = { ...flowOfAnswer(rest), facts: facts.map(asMessage) };
  const started = flow.facts.find((fact) => fact.type === "ticketclient.flow.started");
  const positions = started?.data.alarms.map(({ position }) => position) ?? [];
  const said = await api<{ explanations: ExplanationAnswer[] }>({
    method: "GET",
    path: `/explain?key=${encodeURIComponent(flow.key)}`,
  });
  const records = said.ok
    ? said.value.explanations.filter(({ position }) => positions.includes(position))
    : [];
  return { flow, records, refusal: null };
}

/** As the feed says it; the API has the same body under another roof. */
function asMessage({ position, at, type, body }: FlowDetailAnswer["facts"][number]): FeedFact {
  const data = { ...body, position, previous: position - 1 };
  return { type: `ticketclient.${type}`, time: new Date(at).toISOString(), data } as unknown as FeedFact;
}

/** Before the flow began. */
function alarmCame({ acceptedAt, position, source, id }: ExplanationAnswer): Message {
  const detail = `${source}, ${id}`;
  return {
    at: acceptedAt,
    position,
    from: "alarm",
    to: "supervisor",
    text: "alarm accepted",
    detail,
    isBad: false,
  };
}

function joined(asked: readonly FeedFact[], live: readonly FeedFact[]): FeedFact[] {
  const all = new Map([...live, ...asked].map((fact) => [fact.data.position, fact]));
  return [...all.values()].sort((one, other) => one.data.position - other.data.position);
}

function Records({ records }: { readonly records: readonly ExplanationAnswer[] }) {
  if (records.length === 0) return null;
  return (
    <ul class="records">
      {records.map((record) => {
        const tickets = record.decisions.flatMap((one) =>
          one.tickets.map(({ ticketId, status }) => `${ticketId} (${status})`),
        );
        const path = record.decisions.findLast((one) => one.path.length > 0)?.path ?? [];
        return (
          <li key={record.position}>
            <strong>
              {record.id}: {record.outcome ?? "under way"}
              {record.ticketId === null ? "" : `, ticket ${record.ticketId}`}
            </strong>
            <span class="detail">{record.because}</span>
            <span class="detail">
              Alarm of {record.source}, accepted <Time at={record.acceptedAt} />
              {record.settledAt !== null && (
                <>
                  , settled <Time at={record.settledAt} />
                </>
              )}
              . {tickets.length > 0 && `Tickets found: ${[...new Set(tickets)].join(", ")}. `}
              {path.length > 0 && `Path: ${path.join(", then ")}.`}
            </span>
          </li>
        );
      })}
    </ul>
  );
}

const laneWidth = 200;
const rowHeight = 34;
const headHeight = 34;
const placeOf = (lane: Lane): number => 140 + lanes.indexOf(lane) * laneWidth;

function Sequence({ messages, from }: { readonly messages: readonly Message[]; readonly from: number }) {
  if (messages.length === 0) return <p>Nothing is known of its steps.</p>;
  const height = headHeight + messages.length * rowHeight + 20;
  const width = 140 + (lanes.length - 1) * laneWidth + 120;
  return (
    <>
      <div class="wide" tabIndex={0} role="region" aria-label="Sequence diagram">
        <svg
          class="sequence"
          viewBox={`0 0 ${width} ${height}`}
          width={width}
          height={height}
          aria-hidden="true"
        >
          <defs>
            <marker
              id="head"
              viewBox="0 0 8 8"
              refX="7"
              refY="4"
              markerWidth="8"
              markerHeight="8"
              orient="auto-start-reverse"
            >
              <path d="M0 0L8 4L0 8z" />
            </marker>
          </defs>
          {lanes.map((lane) => (
            <g key={lane}>
              <text class="lane" x={placeOf(lane)} y={20}>
                {lane}
              </text>
              <line class="life" x1={placeOf(lane)} x2={placeOf(lane)} y1={headHeight} y2={height} />
            </g>
          ))}
          {messages.map((message, index) => (
            <Arrow
              key={`${message.position}/${index}`}
              message={message}
              y={headHeight + (index + 1) * rowHeight - 8}
              from={from}
            />
          ))}
        </svg>
      </div>
      <details>
        <summary>The same as text</summary>
        <ol>
          {messages.map((message, index) => (
            <li key={`${message.position}/${index}`}>
              {message.from === message.to ? message.from : `${message.from} to ${message.to}`}:{" "}
              {message.text}
              {message.detail !== "" && <span class="detail">{message.detail}</span>}
            </li>
          ))}
        </ol>
      </details>
    </>
  );
}

function Arrow({
  message,
  y,
  from,
}: {
  readonly message: Message;
  readonly y: number;
  readonly from: number;
}) {
  const x1 = placeOf(message.from);
  const x2 = placeOf(message.to);
  const side = x2 > x1 ? -4 : 4;
  return (
    <g class={message.isBad ? "message bad" : "message"}>
      <title>{message.detail}</title>
      <text class="offset" x={8} y={y + 4}>
        {message.at < from
          ? `${durationText(from - message.at)} before`
          : `+${durationText(message.at - from)}`}
      </text>
      {x1 === x2 ? (
        <text class="thought" x={x1 + 10} y={y + 4}>
          {message.text}
        </text>
      ) : (
        <>
          <text x={(x1 + x2) / 2} y={y - 5}>
            {message.text}
          </text>
          <line x1={x1} x2={x2 + side} y1={y} y2={y} marker-end="url(#head)" />
        </>
      )}
    </g>
  );
}
