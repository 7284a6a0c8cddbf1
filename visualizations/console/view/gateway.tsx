/** Gateway: what waits in which lane, what is in flight, what is in doubt, and verdicts on what is unknown. */
import { useState } from "preact/hooks";
import { newIdempotencyKey } from "../connection/api.ts";
import { api, gateway, notice, refreshGateway, shown } from "../live.ts";
import type { RequestAnswer, UnknownAnswer } from "../model/api-messages.ts";
import { resolve } from "../model/intents.ts";
import { countText } from "../model/text.ts";
import { Age, Dialog, Facts, Guid, Link, Refusal, Section } from "./parts.tsx";

export function GatewayPage() {
  const told = gateway.value;
  const { mismatch } = shown();
  return (
    <main>
      <h1>Gateway</h1>
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
  if (requests.length === 0 && chosen === null) return <p class="calm">None.</p>;
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
              <td>{one.key}</td>
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
  const [reason, setReason] = useState("");
  const [refusal, setRefusal] = useState<string | null>(null);
  const [commandKey] = useState(newIdempotencyKey);

  async function send(): Promise<void> {
    const intent = resolve(request, { verdict, ticketId, reason });
    if (!intent.ok) return setRefusal(intent.because);
    const answer = await api(intent.call, commandKey);
    if (!answer.ok) return setRefusal(answer.problem.detail);
    notice.value = `The request of ${request.key} is resolved.`;
    await refreshGateway();
    onClose();
  }

  const isCreate = request.command === "create";
  return (
    <Dialog title={`Verdict on the ${request.command} of ${request.key}`} onClose={onClose}>
      <Facts
        rows={[
          ["Request", <Guid guid={request.requestId} />],
          ["Service", request.service],
          ["Ticket", request.ticketId],
        ]}
      />
      <form
        method="dialog"
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <fieldset>
          <legend>Did {request.service} carry it out?</legend>
          <label>
            <input
              type="radio"
              name="verdict"
              checked={verdict === "notApplied"}
              onChange={() => setVerdict("notApplied")}
            />{" "}
            No: the alarms are decided again
          </label>
          <label>
            <input
              type="radio"
              name="verdict"
              checked={verdict === "applied"}
              onChange={() => setVerdict("applied")}
            />{" "}
            Yes: it counts as done
          </label>
        </fieldset>
        {verdict === "applied" && isCreate && (
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
        <label>
          How this is known, for the audit
          <textarea
            rows={2}
            maxLength={500}
            value={reason}
            onInput={({ currentTarget }) => setReason(currentTarget.value)}
            required
          />
        </label>
        <Refusal text={refusal} />
        <div class="buttons">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="danger">
            Resolve
          </button>
        </div>
      </form>
    </Dialog>
  );
}
