/** Gateway: what waits in which lane, what is in flight, what is in doubt, and verdicts on what is unknown. */
import { useState } from "preact/hooks";
import { api, gateway, notice, refreshGateway, shown } from "../live.ts";
import type { RequestAnswer, UnknownAnswer } from "../model/api-messages.ts";
import { resolve } from "../model/intents.ts";
import { countText } from "../model/text.ts";
import { CommandDialog } from "./command-dialog.tsx";
import { Age, Guid, Heading, Link, Refusal, Section } from "./parts.tsx";

export function GatewayPage() {
  const told = gateway.value;
  const { mismatch } = shown();
  return (
    <main>
      <Heading title="Gateway" />
      {mismatch !== null && (
        <Section title="The gateway's service table differs">
          <Refusal text={`${mismatch.because} Nothing is forwarded meanwhile.`} />
        </Section>
      )}
      {told === null ? (
        <p>Asking the engine.</p>
      ) : (
        <>
          <Section title="In line, by lane">
            <dl class="numbers">
              {(["create", "update", "close", "parked"] as const).map((lane) => (
                <div key={lane}>
                  <dt>{lane}</dt>
                  <dd>{countText(told.waiting[lane])}</dd>
                </div>
              ))}
              {Object.entries(told.waiting.parkedFor).map(([reason, count]) => (
                <div key={reason}>
                  <dt>… {reason}</dt>
                  <dd>{countText(count ?? 0)}</dd>
                </div>
              ))}
            </dl>
          </Section>
          <Section title="In flight">
            <Requests requests={told.inFlight} empty="Nothing is being sent." />
          </Section>
          <Section title="Unknown: a verdict is wanted">
            <Unknown requests={told.unknown} />
          </Section>
          <Section title="In doubt, waiting and awaiting a result">
            <Requests
              requests={told.requests.filter(({ status }) => status !== "sending")}
              empty="No other request is unsettled."
            />
          </Section>
        </>
      )}
    </main>
  );
}

function Requests({
  requests,
  empty,
}: {
  readonly requests: readonly RequestAnswer[];
  readonly empty: string;
}) {
  if (requests.length === 0) return <p class="calm">{empty}</p>;
  return (
    <table class="plain">
      <thead>
        <tr>
          {["Request", "Command", "Key", "Service", "Client", "Status", "Attempts", "Waits for", "Since"].map(
            (title) => (
              <th key={title} scope="col">
                {title}
              </th>
            ),
          )}
        </tr>
      </thead>
      <tbody>
        {requests.map((one) => (
          <tr key={one.requestId} class={one.status === "inDoubt" ? "abnormal" : ""}>
            <td>
              <Guid guid={one.requestId} />
            </td>
            <td>{one.command}</td>
            <td>
              <Link to={{ page: "flow", lockGuid: one.lockGuid }}>{one.key}</Link>
            </td>
            <td>{one.service}</td>
            <td>{one.clientId}</td>
            <td>{one.status}</td>
            <td>{one.attempts}</td>
            <td title={one.waitsFor?.because}>{one.waitsFor?.reason}</td>
            <td>{one.waitsFor === null ? "" : <Age since={one.waitsFor.since} />}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Unknown({ requests }: { readonly requests: readonly UnknownAnswer[] }) {
  const [chosen, setChosen] = useState<UnknownAnswer | null>(null);
  if (requests.length === 0 && chosen === null)
    return (
      <p class="calm">None. A request stands here when nobody can say whether the service carried it out.</p>
    );
  return (
    <>
      <table class="plain">
        <thead>
          <tr>
            {["Request", "Command", "Key", "Service", "Ticket", "Alarms", "Verdict"].map((title) => (
              <th key={title} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {requests.map((one) => (
            <tr key={one.requestId} class="abnormal">
              <td>
                <Guid guid={one.requestId} />
              </td>
              <td>{one.command}</td>
              <td>
                <Link to={{ page: "flow", lockGuid: one.lockGuid }}>{one.key}</Link>
              </td>
              <td>{one.service}</td>
              <td>{one.ticketId}</td>
              <td>{one.alarms.map(({ id }) => id).join(", ")}</td>
              <td>
                <button type="button" onClick={() => setChosen(one)}>
                  Resolve …
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {chosen !== null && <ResolveDialog request={chosen} onClose={() => setChosen(null)} />}
    </>
  );
}

function ResolveDialog({
  request,
  onClose,
}: {
  readonly request: UnknownAnswer;
  readonly onClose: () => void;
}) {
  const [verdict, setVerdict] = useState<"applied" | "notApplied">("notApplied");
  const [ticketId, setTicketId] = useState("");

  async function send(reason: string, commandKey: string): Promise<string | null> {
    const intent = resolve(request, { verdict, ticketId, reason });
    if (!intent.ok) return intent.because;
    const answer = await api(intent.call, commandKey);
    if (!answer.ok) return answer.problem.detail;
    notice.value = `The request of ${request.key} is resolved.`;
    await refreshGateway();
    return null;
  }

  const choices = [
    ["notApplied", "No: the alarms are decided again"],
    ["applied", "Yes: it counts as done"],
  ] as const;
  return (
    <CommandDialog
      title={`Verdict on the ${request.command} of ${request.key}`}
      facts={[
        ["Request", <Guid guid={request.requestId} />],
        ["Service", request.service],
        ["Ticket", request.ticketId],
        [
          "Its flow",
          <Link to={{ page: "flow", lockGuid: request.lockGuid }}>
            what was asked, and what was answered
          </Link>,
        ],
      ]}
      reasonLabel="How this is known, for the audit"
      verb="Resolve"
      send={send}
      onClose={onClose}
    >
      <fieldset>
        <legend>Did {request.service} carry it out?</legend>
        {choices.map(([choice, title]) => (
          <label key={choice}>
            <input
              type="radio"
              name="verdict"
              checked={verdict === choice}
              onChange={() => setVerdict(choice)}
            />{" "}
            {title}
          </label>
        ))}
      </fieldset>
      {verdict === "applied" && request.command === "create" && (
        <label>
          Ticket that it made
          <input
            type="text"
            autocomplete="off"
            value={ticketId}
            onInput={({ currentTarget }) => setTicketId(currentTarget.value)}
            required
          />
        </label>
      )}
    </CommandDialog>
  );
}
