/** Audit: who did what, when and why, and whose lock it was. */
import { useEffect, useState } from "preact/hooks";
import { address, api, ask, shown } from "../live.ts";
import type { ActAnswer } from "../model/api-messages.ts";
import { csvOf } from "../model/csv.ts";
import { countOf } from "../model/text.ts";
import { useAgain } from "./answer.ts";
import { download, Guid, Heading, Link, Refusal, SearchBox, Time } from "./parts.tsx";
import { VirtualTable } from "./virtual-table.tsx";

const columns = [
  ["at", "When"],
  ["by", "Who"],
  ["action", "What"],
  ["target", "On"],
  ["holder", "Whose lock"],
  ["reason", "Why"],
] as const;

interface Page {
  readonly acts: readonly ActAnswer[];
  readonly next: number | null;
}

export function AuditPage() {
  const { auditedAt } = shown();
  const { filter = "" } = address.value.query;
  const [page, setPage] = useState<Page>({ acts: [], next: null });
  const [refusal, setRefusal] = useState<string | null>(null);

  async function load(before: number | null): Promise<void> {
    const answer = await api<Page>({
      method: "GET",
      path: `/audit?limit=100${before === null ? "" : `&before=${before}`}`,
    });
    setRefusal(answer.ok ? null : answer.problem.detail);
    if (!answer.ok) return;
    setPage(({ acts }) => ({
      ...answer.value,
      acts: before === null ? answer.value.acts : [...acts, ...answer.value.acts],
    }));
  }
  // Anew whenever somebody did something.
  useEffect(() => void load(null), [auditedAt]);
  useAgain(refusal, () => load(null));

  const wanted = filter.toLowerCase();
  const acts = page.acts.filter((act) =>
    [act.by, act.action, act.target, act.lockGuid, act.reason].some(
      (text) => text?.toLowerCase().includes(wanted) === true,
    ),
  );
  return (
    <main class="fill">
      <Heading title="Audit">
        <SearchBox
          name="filter"
          label="Filter the audit"
          hint="who, what, why"
          onText={(text) => ask({ filter: text })}
        />
        <span class="count" role="status">
          {countOf(acts.length, "act")}
        </span>
        {page.next !== null && (
          <button type="button" onClick={() => void load(page.next)}>
            Load older
          </button>
        )}
        <Csv acts={acts} />
      </Heading>
      <Refusal text={refusal} />
      <VirtualTable
        label="Audit"
        columns={columns.map(([name, title]) => ({ name, title }))}
        count={acts.length}
        keyOf={(index) => String(acts[index]?.position ?? index)}
        cells={(index) => {
          const act = acts[index];
          if (act === undefined) return [];
          return [
            <Time at={act.at} />,
            act.by,
            act.action,
            act.target,
            <Holder lockGuid={act.lockGuid} />,
            <span title={act.reason ?? ""}>{act.reason}</span>,
          ];
        }}
        empty={
          page.acts.length === 0
            ? "Nobody has forced or changed anything. Whoever does stands here: when, who, what, whose lock and why."
            : "Nothing fits the filter."
        }
      />
    </main>
  );
}

/** The flow that held it, by its key where that is known here. */
function Holder({ lockGuid }: { readonly lockGuid: string | null }) {
  if (lockGuid === null) return <span class="none">–</span>;
  const key = shown().flows.byGuid.get(lockGuid)?.key;
  return (
    <Link to={{ page: "flow", lockGuid }}>
      {key === undefined ? null : `${key}, `}
      <Guid guid={lockGuid} />
    </Link>
  );
}

function Csv({ acts }: { readonly acts: readonly ActAnswer[] }) {
  return (
    <button
      type="button"
      disabled={acts.length === 0}
      onClick={() =>
        download(
          "audit.csv",
          csvOf(
            columns.map(([, title]) => title),
            acts.map(({ at, by, action, target, lockGuid, reason }) => [
              new Date(at).toISOString(),
              by,
              action,
              target,
              lockGuid ?? "",
              reason ?? "",
            ]),
          ),
        )
      }
    >
      CSV
    </button>
  );
}
