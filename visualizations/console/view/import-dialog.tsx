/** Import of the Service Info Table: drop, paste or pick; see what would change; then all rows or none. */
import { useRef, useState } from "preact/hooks";
import { newIdempotencyKey } from "../connection/api.ts";
import { api, notice } from "../live.ts";
import type { PreviewAnswer } from "../model/api-messages.ts";
import { badRows, csvText, type ImportFault } from "../model/import-preview.ts";
import { importServices } from "../model/intents.ts";
import { Dialog, download, Refusal } from "./parts.tsx";

/** Bytes as they were picked, so that the engine sees the file's own encoding; or what was pasted. */
type Csv = Uint8Array<ArrayBuffer> | string;

type Seen =
  | { readonly kind: "preview"; readonly preview: PreviewAnswer }
  | { readonly kind: "refused"; readonly detail: string; readonly faults: readonly ImportFault[] };

export function ImportDialog({ onClose }: { readonly onClose: () => void }) {
  const [csv, setCsv] = useState<Csv | null>(null);
  const [seen, setSeen] = useState<(Seen & { readonly of: Csv }) | null>(null);
  /** Answers may come in another order than they were asked for. */
  const last = useRef<Csv | null>(null);
  /** The table before the import, to be put back. */
  const [former, setFormer] = useState<string | null>(null);
  const [commandKey, setCommandKey] = useState(newIdempotencyKey);

  async function look(given: Csv): Promise<void> {
    last.current = given;
    setCsv(given);
    setCommandKey(newIdempotencyKey());
    const answer = await send(given, true);
    if (last.current === given) setSeen({ ...answer, of: given });
  }

  async function commit(given: Csv): Promise<void> {
    const before = await api<string>({ method: "GET", path: "/services/export" });
    const done = await send(given, false, commandKey);
    setSeen({ ...done, of: given });
    setCommandKey(newIdempotencyKey());
    if (done.kind !== "preview") return;
    setFormer(before.ok ? before.value : null);
    notice.value = "The Service Info Table is imported.";
  }

  return (
    <Dialog title="Import of the Service Info Table" onClose={onClose}>
      <div
        class="drop"
        onDragOver={(event) => event.preventDefault()}
        onDrop={(event) => {
          event.preventDefault();
          void readFile(event.dataTransfer?.files[0], look);
        }}
      >
        <label>
          Pick a CSV file, or drop it here
          <input
            type="file"
            accept=".csv,text/csv"
            onChange={({ currentTarget }) => void readFile(currentTarget.files?.[0], look)}
          />
        </label>
        <label>
          Or paste it
          <textarea
            rows={4}
            spellcheck={false}
            value={typeof csv === "string" ? csv : ""}
            onInput={({ currentTarget }) => void look(currentTarget.value)}
          />
        </label>
      </div>
      {seen?.kind === "preview" && <Preview preview={seen.preview} />}
      {seen?.kind === "refused" && (
        <>
          <Refusal text={seen.detail} />
          <Faults faults={seen.faults} csv={csv ?? ""} />
        </>
      )}
      <div class="buttons">
        {former !== null && (
          <button type="button" onClick={() => void look(former)}>
            Restore the former table …
          </button>
        )}
        <button type="button" onClick={onClose}>
          Close
        </button>
        <button
          type="button"
          class="danger"
          disabled={csv === null || seen?.kind !== "preview" || seen.of !== csv || seen.preview.applied}
          onClick={() => csv !== null && void commit(csv)}
        >
          Import
        </button>
      </div>
    </Dialog>
  );
}

async function send(csv: Csv, dryRun: boolean, key?: string): Promise<Seen> {
  const answer = await api<PreviewAnswer>(importServices(csv, dryRun), key);
  if (answer.ok) return { kind: "preview", preview: answer.value };
  return { kind: "refused", detail: answer.problem.detail, faults: answer.problem.errors ?? [] };
}

async function readFile(
  file: File | undefined,
  take: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>,
): Promise<void> {
  if (file !== undefined) await take(new Uint8Array(await file.arrayBuffer()));
}

function Preview({ preview }: { readonly preview: PreviewAnswer }) {
  const { added, changed, removed, unchanged, applied } = preview;
  const rows: readonly (readonly [string, readonly string[]])[] = [
    ["added", added],
    ["changed", changed.map(({ name, columns }) => `${name} (${columns.join(", ")})`)],
    ["removed", removed],
    ["unchanged", unchanged],
  ];
  return (
    <>
      <p role="status">{applied ? "Done. This was changed:" : "This would change:"}</p>
      <dl class="facts">
        {rows.map(([what, names]) => (
          <div key={what}>
            <dt>
              {names.length} {what}
            </dt>
            <dd>{names.length === 0 ? <span class="none">–</span> : names.join(", ")}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

function Faults({ faults, csv }: { readonly faults: readonly ImportFault[]; readonly csv: Csv }) {
  if (faults.length === 0) return null;
  return (
    <>
      <div class="wide faults" tabIndex={0} role="region" aria-label="Errors">
        <table class="plain">
          <thead>
            <tr>
              <th scope="col">Line</th>
              <th scope="col">Column</th>
              <th scope="col">Expected</th>
              <th scope="col">Got</th>
            </tr>
          </thead>
          <tbody>
            {faults.map(({ line, column, expected, got, detail }) => (
              <tr key={detail}>
                <td>{line}</td>
                <td>{column}</td>
                <td>{expected ?? detail}</td>
                <td>{got}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <button type="button" onClick={() => download("bad-rows.csv", badRows(csvText(csv), faults))}>
        Download the bad rows
      </button>
    </>
  );
}
