/** One flow: why there is (no) ticket, and who told whom what. */
import type { ExplanationAnswer } from "../model/api-messages.ts";
import type { Flow } from "../model/flows.ts";
import { durationText } from "../model/text.ts";
import { useAnswer } from "./answer.ts";
import { Verdict } from "./decision-record.tsx";
import { FlowSteps, useFlow } from "./flow-steps.tsx";
import { Facts, Guid, Heading, Link, Refusal, Section, Time } from "./parts.tsx";

export function FlowPage({ lockGuid }: { readonly lockGuid: string }) {
  const { flow, refusal } = useFlow(lockGuid);
  const said = useAnswer<{ explanations: ExplanationAnswer[] }>(
    flow === null ? null : `/explain?key=${encodeURIComponent(flow.key)}`,
    flow?.result ?? null,
  );
  if (flow === null)
    return (
      <main>
        <Heading title="Flow" />
        <Refusal text={refusal} />
      </main>
    );
  const records = said.value?.explanations.filter(({ flows }) => flows.includes(lockGuid)) ?? [];
  return (
    <main>
      <Heading title={`Flow for ${flow.key}`}>
        <span class="detail">
          by <Link to={{ page: "client", clientId: flow.clientId, tab: "statechart" }}>{flow.clientId}</Link>
        </span>
      </Heading>
      <Section title="Decision record">
        {records.length === 0 && <p>{flow.decision === null ? "Not decided yet." : flow.decision.because}</p>}
        <ul class="records">
          {records.map((record) => (
            <li key={record.position}>
              <Verdict record={record} isLinked />
            </li>
          ))}
        </ul>
        <FlowFacts flow={flow} />
      </Section>
      <Section title="Sequence">
        <FlowSteps flow={flow} records={records} />
      </Section>
    </main>
  );
}

function FlowFacts({ flow }: { readonly flow: Flow }) {
  const { decision, result, key, lockGuid, startedAt, endedAt } = flow;
  return (
    <Facts
      isAbreast
      rows={[
        ["Rule", decision === null ? null : `${decision.rule}: ${decision.decision}`],
        ["Result", result ?? "running"],
        [
          "Key",
          <Link to={{ page: "alarms" }} query={{ find: key }}>
            {key}
          </Link>,
        ],
        ["Lock GUID", <Guid guid={lockGuid} />],
        ["Started", <Time at={startedAt} />],
        ["Took", endedAt === null ? null : durationText(endedAt - startedAt)],
      ]}
    />
  );
}
