/** Why there is (no) ticket for one alarm: the answer, what it rests on, what was sent. */
import type { ExplanationAnswer } from "../model/api-messages.ts";
import { verdictOf } from "../model/verdict.ts";
import { countOf } from "../model/text.ts";
import { Facts, Link, Time } from "./parts.tsx";

interface Props {
  readonly record: ExplanationAnswer;
}

/** That the service confirmed it says nothing of why it was asked: the decision does. */
export function whyOf({ outcome, because, decisions }: ExplanationAnswer): string {
  const isDone =
    outcome === "created" || outcome === "updated" || outcome === "reopened" || outcome === "closed";
  return isDone ? (decisions.at(-1)?.because ?? because) : because;
}

/** In a sentence, and because of what. */
export function Verdict({ record, isLinked = false }: Props & { readonly isLinked?: boolean }) {
  const { source, id, outcome, because, ticketId, decisions } = record;
  const rule = decisions.at(-1)?.rule ?? null;
  const verdict = verdictOf({ id, outcome, ticketId, rule });
  const why = whyOf(record);
  return (
    <>
      <p class={verdict.isBad ? "verdict bad" : "verdict"}>
        {isLinked ? <Link to={{ page: "alarm", source, id }}>{verdict.title}</Link> : verdict.title}
      </p>
      <p>
        {why}
        {why === because ? "" : ` ${because}`}
      </p>
    </>
  );
}

export function AlarmFacts({ record }: Props) {
  const { source, key, notification, acceptedAt, settledAt, outcome, ticketId } = record;
  const { kind, alarmedObject, alarmType, probableCause, severity, raisedAt, clearedAt } = notification;
  return (
    <Facts
      isAbreast
      rows={[
        ["Outcome", outcome ?? "under way"],
        ["Ticket", ticketId],
        ["Element", alarmedObject],
        ["Key", key],
        ["Notification", `${kind}, ${severity}`],
        ["Alarm", `${alarmType}: ${probableCause}`],
        ["Raised", <Time at={raisedAt} />],
        ...(clearedAt === undefined ? [] : [["Cleared", <Time at={clearedAt} />] as const]),
        ["Accepted", <Time at={acceptedAt} />],
        ["Settled", <Time at={settledAt} />],
        ["Source", source],
      ]}
    />
  );
}

export function Decisions({ record }: Props) {
  if (record.decisions.length === 0) return <p class="calm">No flow has decided on it.</p>;
  return (
    <ol class="decided">
      {record.decisions.map(({ rule, decision, because, tickets, path }, index) => (
        <li key={`${rule}${index}`}>
          <strong>
            {rule}: {decision}
          </strong>{" "}
          {because}
          <span class="detail">
            {tickets.length === 0
              ? "The search found no ticket."
              : `Tickets found: ${tickets.map(({ ticketId, kind, status }) => `${ticketId} (${kind}, ${status})`).join(", ")}.`}
          </span>
          {path.length > 0 && (
            <>
              <span class="detail">Its path, from the element upwards:</span>
              <ol class="path">
                {path.map((element) => (
                  <li key={element}>
                    <code>{element}</code>
                  </li>
                ))}
              </ol>
            </>
          )}
        </li>
      ))}
    </ol>
  );
}

export function RequestsSent({ record }: Props) {
  if (record.requests.length === 0) return <p class="calm">Nothing was sent to the service for it.</p>;
  return (
    <ul class="decided">
      {record.requests.map(({ requestId, command, service, attempts, result }) => (
        <li key={requestId}>
          <strong>
            {command} at {service}: {result ?? "under way"}
          </strong>{" "}
          after {countOf(attempts.length, "answered attempt")}
          {attempts.map(({ attempt, answer, code, cause, at }) => (
            <span key={attempt} class="detail">
              <Time at={at} /> attempt {attempt}:{" "}
              {[answer, code, cause].filter((text) => text !== null).join(", ")}
            </span>
          ))}
          <span class="detail">Request {requestId}</span>
        </li>
      ))}
    </ul>
  );
}
