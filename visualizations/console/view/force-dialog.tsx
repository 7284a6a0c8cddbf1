/** Force unlock and force not busy: who is hit, what will happen, why, and the end of the GUID that was seen (L6). */
import { useState } from "preact/hooks";
import { api, notice, now } from "../live.ts";
import type { ClientAnswer } from "../model/api-messages.ts";
import type { Client } from "../model/clients.ts";
import { force, forceEffect, type ForceVerb, whyNoForce } from "../model/intents.ts";
import { ageText, lastFour, timeText } from "../model/text.ts";
import { CommandDialog } from "./command-dialog.tsx";
import { StateMark } from "./parts.tsx";

const names: Readonly<Record<ForceVerb, string>> = {
  "force-unlock": "Force unlock",
  "force-not-busy": "Force not busy",
};

export function ForceButton({ verb, client }: { readonly verb: ForceVerb; readonly client: Client }) {
  const [seen, setSeen] = useState<Client | null>(null);
  const because = whyNoForce(verb, client);
  return (
    <span class="force">
      <button
        type="button"
        disabled={because !== null}
        onClick={() => setSeen(client)}
        aria-describedby={because === null ? undefined : `${verb}-why`}
      >
        {names[verb]}
      </button>
      {because !== null && (
        <span id={`${verb}-why`} class="detail">
          {because}
        </span>
      )}
      {seen !== null && <ForceDialog verb={verb} client={seen} onClose={() => setSeen(null)} />}
    </span>
  );
}

/** `client`: as it was when the dialog was opened; its lock is the one that is named. */
function ForceDialog({
  verb,
  client,
  onClose,
}: {
  readonly verb: ForceVerb;
  readonly client: Client;
  readonly onClose: () => void;
}) {
  const { clientId, view } = client;
  const seen = view.lockGuid ?? "";
  const [four, setFour] = useState("");

  async function send(reason: string, commandKey: string): Promise<string | null> {
    const intent = force(verb, clientId, seen, { reason, lastFour: four });
    if (!intent.ok) return intent.because;
    const answer = await api<ClientAnswer>(intent.call, commandKey);
    if (!answer.ok) return `${answer.problem.detail}${await holderNow(answer.problem.code, clientId)}`;
    notice.value = `${names[verb]}: ${clientId} is ${answer.value.state} now.`;
    return null;
  }

  return (
    <CommandDialog
      title={`${names[verb]}: ${clientId}`}
      facts={[
        ["State", <StateMark state={view.state} />],
        ["Held by", holderOf(client)],
        ["Lock GUID", <code title={seen}>{seen}</code>],
        ["Locked for", view.lockTime === null ? null : ageText(now.value - view.lockTime)],
      ]}
      reasonLabel="Reason, for the audit"
      last={
        <label>
          Last four characters of the GUID (… {lastFour(seen)})
          <input
            type="text"
            maxLength={4}
            size={6}
            autocomplete="off"
            value={four}
            onInput={({ currentTarget }) => setFour(currentTarget.value)}
            required
          />
        </label>
      }
      verb={names[verb]}
      send={send}
      onClose={onClose}
    >
      <p>{forceEffect(verb, client)}</p>
    </CommandDialog>
  );
}

function holderOf({ key, heldBy }: Client): string {
  if (key !== null) return `the flow for ${key}`;
  return heldBy === "hand" ? "a program that locked it by hand" : "a flow whose key is not known here";
}

/** A newer lock is not released: who has it now. */
async function holderNow(code: string, clientId: string): Promise<string> {
  if (code !== "STALE_GUID" && code !== "NOT_LOCKED") return "";
  const answer = await api<ClientAnswer>({ method: "GET", path: `/clients/${encodeURIComponent(clientId)}` });
  if (!answer.ok) return "";
  const { lockGuid, lockTime, key, state } = answer.value;
  if (lockGuid === null || lockTime === null) return ` ${clientId} is ${state} now, and not locked.`;
  return ` It is held now for ${key ?? "an unknown key"} by ${lockGuid}, since ${timeText(lockTime, Date.now())}.`;
}
