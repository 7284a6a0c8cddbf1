/**
 * What operators do to the Service Info Table: import, export, selection.
 *   S5 no address that is not allowed.  S9 an export comes back equal.  R1 the table is a fold of facts.
 * All or nothing, and a dry run is the same judgement without its last line.
 * Source: telenet-ticket-client.md, "Configuration of ticketing service"; architecture.md, "Supervisor API".
 */
import { entry, type Entry, type Expectation } from "../machines/entry.ts";
import { fail, ok, type Failure, type FailureCode, type Result } from "../machines/failure.ts";
import { isListed } from "../machines/service-host.ts";
import {
  cellsOf,
  changesInUse,
  compareTables,
  faultLine,
  inOrder,
  readTable,
  rowsInUse,
  shown,
  type TableChange,
  type TableFault,
  type TableRules,
  type TableText,
} from "../machines/service-table.ts";
import type { State } from "../machines/state.ts";
import type { Instant, ServiceInfo } from "../machines/vocabulary.ts";
import type { AppendResult, Clock, Ledger, ServiceTableCodec } from "./ports.ts";

export interface ServiceCommandsPorts {
  readonly journal: {
    readonly state: State;
    readonly ledger: Pick<Ledger, "readStream">;
    append(entries: readonly Entry[], expect: readonly Expectation[]): Promise<AppendResult>;
  };
  readonly clock: Pick<Clock, "now">;
  readonly codec: ServiceTableCodec;
  readonly rules: Omit<TableRules, "selected">;
}

/** What an import would do, or did. With `errors` all other lists are empty. */
export interface ServicesPreview extends TableChange {
  readonly errors: readonly TableFault[];
  /** Durable; false in a dry run and where there are errors. */
  readonly applied: boolean;
}

export type ImportResult =
  | { readonly ok: true; readonly value: ServicesPreview }
  | { readonly ok: false; readonly failure: Failure; readonly preview: ServicesPreview };

export interface ImportOptions {
  readonly by: string;
  /** Default false. */
  readonly dryRun?: boolean;
}

/** An engine that was given none: a programmer's mistake. */
export const noCodec: ServiceTableCodec = {
  parse: missingCodec,
  format: missingCodec,
};

function missingCodec(): never {
  throw new Error("Give `serviceTableCodec` to createSupervisor to import or export the Service Info Table.");
}

type Judgement =
  | { readonly ok: true; readonly services: readonly ServiceInfo[]; readonly change: TableChange }
  | { readonly ok: false; readonly code: FailureCode; readonly faults: readonly TableFault[] };

export class ServiceCommands {
  readonly #ports: ServiceCommandsPorts;
  /** When a row was last deselected in this life of the process: flows that began before may still plan with it. */
  readonly #leftAt = new Map<string, Instant>();

  constructor(ports: ServiceCommandsPorts) {
    this.#ports = ports;
  }

  /** The whole table as CSV. */
  exportServices(): string {
    return this.#ports.codec.format(this.#ports.journal.state.services.map(cellsOf));
  }

  /**
   * Puts the table of the CSV in place of the one there is. Resolves when durable. Refused SERVICES_INVALID
   * with every fault, SERVICE_IN_USE where a row must wait; then nothing has changed.
   */
  async importServices(
    csv: string | Uint8Array,
    { by, dryRun = false }: ImportOptions,
  ): Promise<ImportResult> {
    const { journal, clock, codec } = this.#ports;
    const text = codec.parse(csv);
    for (;;) {
      const revision = await this.#revision();
      const judged = this.#judge(text);
      if (!judged.ok) return refused(judged.code, judged.faults);
      const { services, change } = judged;
      if (dryRun) return { ok: true, value: { ...change, errors: [], applied: false } };
      const at = clock.now();
      const done = await journal.append(
        [
          entry("services", at, "services.imported", { services, by }),
          entry("services", at, "operator.acted", {
            by,
            action: "services.import",
            target: "services",
            reason: changeText(change),
          }),
        ],
        [{ stream: "services", revision }],
      );
      if (done.kind === "committed") return { ok: true, value: { ...change, errors: [], applied: true } };
    }
  }

  /**
   * New flows use this service; requests under way stay with the one they were planned with. Resolves when
   * durable. Refused UNKNOWN_SERVICE, or SERVICES_INVALID where its host or protocol cannot be used.
   */
  async selectService(name: string, { by }: { readonly by: string }): Promise<Result<null>> {
    const { journal, clock, rules } = this.#ports;
    for (;;) {
      const revision = await this.#revision();
      const { services, selectedService: before } = journal.state;
      const row = services.find((one) => one.name === name);
      if (row === undefined) {
        const known = services.map((one) => shown(one.name)).join(", ");
        return fail("UNKNOWN_SERVICE", `There is no service ${shown(name)}; the table has ${known}.`);
      }
      if (rules.allowedHosts !== null && !isListed(row.host, rules.allowedHosts))
        // S5
        return fail("SERVICES_INVALID", `${shown(name)}: ${row.host} is not among allowedServiceHosts.`);
      if (!rules.spoken.includes(row.protocol))
        return fail(
          "SERVICES_INVALID",
          `${shown(name)} speaks ${row.protocol}; this engine speaks ${rules.spoken.join(", ")}.`,
        );
      if (before === name) return ok(null);
      const at = clock.now();
      const done = await journal.append(
        [
          entry("services", at, "service.selected", { name, by }),
          entry("services", at, "operator.acted", {
            by,
            action: "services.select",
            target: name,
            reason: before === null ? "None was selected." : `${shown(before)} was selected.`,
          }),
        ],
        [{ stream: "services", revision }],
      );
      if (done.kind === "conflict") continue;
      if (before !== null) this.#leftAt.set(before, clock.now());
      return ok(null);
    }
  }

  /** Of the stream `services`, once all of it is folded: what is judged next is judged by that state or a newer one. */
  async #revision(): Promise<number> {
    const { journal } = this.#ports;
    const facts = await journal.ledger.readStream("services");
    const revision = facts.at(-1)?.position ?? 0;
    while (revision > journal.state.position) await journal.append([], []); // R3: not for ever, once nothing is folded
    return revision;
  }

  /** Without a pause before the append: nothing may change in between. */
  #judge(text: TableText): Judgement {
    const { state } = this.#ports.journal;
    const { services, faults } = readTable(text, { ...this.#ports.rules, selected: state.selectedService });
    if (faults.length > 0) return { ok: false, code: "SERVICES_INVALID", faults };
    const change = compareTables(state.services, services);
    const inUse = [
      ...changesInUse(change, text.rows, rowsInUse(state)),
      ...change.removed.flatMap((name) => this.#flowsOf(name)),
    ];
    if (inUse.length > 0) return { ok: false, code: "SERVICE_IN_USE", faults: inOrder(inUse) };
    return { ok: true, services, change };
  }

  /** A flow that began while the row was selected may still plan a request with it. */
  #flowsOf(name: string): TableFault[] {
    const leftAt = this.#leftAt.get(name);
    if (leftAt === undefined) return [];
    for (const [clientId, { lock }] of this.#ports.journal.state.clients) {
      if (lock === null || lock.lockTime > leftAt) continue;
      const expected = `a row named ${shown(name)} until the flow of ${clientId}, which began with it, has ended`;
      return [{ line: 1, column: "name", expected, got: "no such row" }];
    }
    return [];
  }
}

function changeText({ added, changed, removed, unchanged }: TableChange): string {
  return `${added.length} added, ${changed.length} changed, ${removed.length} removed, ${unchanged.length} unchanged`;
}

function refused(code: FailureCode, errors: readonly TableFault[]): ImportResult {
  const [first] = errors;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  const detail = `Nothing was imported: ${first === undefined ? "the table cannot be read" : faultLine(first)}${more}.`;
  return {
    ok: false,
    failure: { code, detail },
    preview: { added: [], changed: [], removed: [], unchanged: [], errors, applied: false },
  };
}
