/** One alarm: why there is (no) ticket for it. */
import { useState } from "preact/hooks";
import { shown } from "../live.ts";
import { lastToldOf } from "../model/alarms.ts";
import type { ExplanationAnswer } from "../model/api-messages.ts";
import { useAnswer } from "./answer.ts";
import { AlarmFacts, Decisions, RequestsSent, Verdict } from "./decision-record.tsx";
import { FlowSteps, useFlow } from "./flow-steps.tsx";
import { Heading, Link, Refusal, Section } from "./parts.tsx";

export function AlarmPage({ source, id }: { readonly source: string; readonly id: string }) {
  const { alarms, events } = shown();
  const live = [...alarms.values()].findLast((one) => one.id === id && one.source === source);
  const [key, setKey] = useState("");
  // Once more when something became of it; of one from long ago only the events tell.
  const said = useAnswer<{ explanations: ExplanationAnswer[] }>(
    `/explain?source=${encodeURIComponent(source)}&id=${encodeURIComponent(id)}`,
    live === undefined ? lastToldOf(events, { source, id, key }) : `${live.outcome} ${live.because}`,
  );
  const record = said.value?.explanations[0] ?? null;
  if (record !== null && record.key !== key) setKey(record.key);
  const lockGuid = record?.flows.at(-1) ?? null;
  const { flow } = useFlow(lockGuid, record?.key ?? null);
  return (
    <main>
      <Heading title={`Alarm ${id}`}>
        {record !== null && (
          <Link to={{ page: "alarms" }} query={{ find: record.key }}>
            all alarms of {record.key}
          </Link>
        )}
      </Heading>
      <Refusal text={said.refusal} />
      {record !== null && (
        <>
          <Section title="Why there is (no) ticket">
            <Verdict record={record} />
            <AlarmFacts record={record} />
          </Section>
          <div class="columns two">
            <Section title="Decided">
              <Decisions record={record} />
            </Section>
            <Section title="Sent">
              <RequestsSent record={record} />
            </Section>
          </div>
        </>
      )}
      {record !== null && flow !== null && (
        <Section
          title="Sequence"
          actions={
            <span>
              <Link to={{ page: "flow", lockGuid: flow.lockGuid }}>its flow</Link>, by{" "}
              <Link to={{ page: "client", clientId: flow.clientId, tab: "statechart" }}>{flow.clientId}</Link>
            </span>
          }
        >
          <FlowSteps flow={flow} records={[record]} />
        </Section>
      )}
    </main>
  );
}
