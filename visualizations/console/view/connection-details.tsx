/** Connection Details: the lock, the Service Info Table and its import, and the Configuration subpage. */
import { useEffect, useState } from "preact/hooks";
import { newIdempotencyKey } from "../connection/api.ts";
import { api, notice, shown } from "../live.ts";
import type { ServicesAnswer, SettingsAnswer } from "../model/api-messages.ts";
import type { Client } from "../model/clients.ts";
import { ForceButton } from "./force-dialog.tsx";
import { ImportDialog } from "./import-dialog.tsx";
import { Age, download, Facts, Guid, Refusal, Section, Time } from "./parts.tsx";

export function ConnectionDetails({ client }: { readonly client: Client }) {
  const { view, key, deadlineAt } = client;
  return (
    <>
      <Section title="Lock">
        <Facts
          isAbreast
          rows={[
            ["Lock Status", view.lockStatus === "locked" ? "Locked" : "Unlocked"],
            ["LockGuidId", <Guid guid={view.lockGuid} />],
            ["Lock Time", <Time at={view.lockTime} />],
            ["Lock age", <Age since={view.lockTime} />],
            ["Ends by itself", <Time at={deadlineAt} />],
            ["Key", key],
          ]}
        />
      </Section>
      <Configuration client={client} />
      <Services />
    </>
  );
}

const columns = [
  "name",
  "host",
  "port",
  "path",
  "protocol",
  "idempotency",
  "settleSeconds",
  "timeoutSeconds",
  "asyncSeconds",
  "user",
  "notes",
] as const;

function Services() {
  const { services, selectedService } = shown();
  const [isImporting, setImporting] = useState(false);
  const [refusal, setRefusal] = useState<string | null>(null);

  async function select(name: string): Promise<void> {
    const answer = await api<ServicesAnswer>(
      { method: "PUT", path: "/services/selected", json: { name } },
      newIdempotencyKey(),
    );
    setRefusal(answer.ok ? null : answer.problem.detail);
    if (answer.ok) notice.value = `New flows use ${name}.`;
  }
  async function exportCsv(): Promise<void> {
    const answer = await api<string>({ method: "GET", path: "/services/export" });
    setRefusal(answer.ok ? null : answer.problem.detail);
    if (answer.ok) download("services.csv", answer.value);
  }

  return (
    <Section
      title="Service Info Table"
      actions={
        <span class="bar">
          <label>
            Service Selection{" "}
            <select
              value={selectedService ?? ""}
              onChange={({ currentTarget }) => void select(currentTarget.value)}
            >
              {selectedService === null && <option value="">none</option>}
              {services.map(({ name }) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
          </label>
          <button type="button" onClick={() => void exportCsv()}>
            Export CSV
          </button>
          <button type="button" onClick={() => setImporting(true)}>
            Import CSV
          </button>
        </span>
      }
    >
      <Refusal text={refusal} />
      <div class="wide" tabIndex={0} role="region" aria-label="Services known">
        <table class="plain">
          <thead>
            <tr>
              {columns.map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {services.map((row) => (
              <tr key={row.name} aria-selected={row.name === selectedService}>
                {columns.map((name) => (
                  <td key={name}>
                    {row[name]}
                    {name === "name" && row.name === selectedService ? " (selected)" : ""}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {isImporting && <ImportDialog onClose={() => setImporting(false)} />}
    </Section>
  );
}

const elements = [
  ["ticketGateway", "Ticket Gateway"],
  ["topologyDatabase", "Topology Database"],
  ["heartbeatReceiver", "Heartbeat Receiver"],
] as const;

function Configuration({ client }: { readonly client: Client }) {
  const [settings, setSettings] = useState<SettingsAnswer | null>(null);
  const [refusal, setRefusal] = useState<string | null>(null);
  const { auditedAt } = shown();
  // Anew whenever somebody changed something; what is being typed stays.
  useEffect(() => {
    let isStill = true;
    void api<SettingsAnswer>({ method: "GET", path: "/configuration" }).then((answer) => {
      if (!isStill) return;
      if (answer.ok) setSettings(answer.value);
      else setRefusal(answer.problem.detail);
    });
    return () => {
      isStill = false;
    };
  }, [auditedAt]);

  async function save(form: HTMLFormElement): Promise<void> {
    const json = changedIn(form);
    const answer = await api<SettingsAnswer>(
      { method: "PATCH", path: "/configuration", json },
      newIdempotencyKey(),
    );
    setRefusal(answer.ok ? null : (answer.problem.errors?.[0]?.detail ?? answer.problem.detail));
    if (!answer.ok) return;
    setSettings(answer.value);
    notice.value = "The configuration is changed.";
  }

  return (
    <Section title="Configuration" actions={<ForceButton verb="force-unlock" client={client} />}>
      {settings !== null && (
        <form
          class="grid"
          onSubmit={(event) => {
            event.preventDefault();
            void save(event.currentTarget);
          }}
        >
          {elements.map(([name, title]) => (
            <label key={name}>
              {title}
              <input
                name={name}
                type="text"
                maxLength={200}
                defaultValue={settings.relatedElements[name]}
                autocomplete="off"
              />
            </label>
          ))}
          <label>
            Rows of the Response Table, at most
            <input
              name="maxResponseRows"
              type="number"
              min={1}
              max={10_000}
              required
              defaultValue={settings.maxResponseRows}
            />
          </label>
          <div class="buttons">
            <button type="submit">Save</button>
          </div>
        </form>
      )}
      <Refusal text={refusal} />
    </Section>
  );
}

/** What was typed, and no more: the rest may have been changed by another meanwhile. */
function changedIn(form: HTMLFormElement): object {
  const typed = new Map(
    [...form.querySelectorAll("input")]
      .filter(({ value, defaultValue }) => value !== defaultValue)
      .map(({ name, value }) => [name, value]),
  );
  const rows = typed.get("maxResponseRows");
  return {
    relatedElements: Object.fromEntries([...typed].filter(([name]) => name !== "maxResponseRows")),
    ...(rows === undefined ? undefined : { maxResponseRows: Number(rows) }),
  };
}
