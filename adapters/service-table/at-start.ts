/** The Service Info Table that a start finds in its ledger, before the engine is there. */
import { selectedAtStart } from "../../actors/opening.ts";
import type { Ledger } from "../../actors/ports.ts";
import { FailureError } from "../../machines/failure.ts";
import { shown } from "../../machines/service-table.ts";
import type { ServiceInfo, ServiceProtocol } from "../../machines/vocabulary.ts";

export interface TableAtStart {
  readonly services: readonly ServiceInfo[];
  /** Name of the service that requests go to. */
  readonly selected: string;
}

/**
 * Of a ledger without any: `seed`, which is asked then only. Where none was selected, `wished`, or else the first.
 * Throws CONFIGURATION_INVALID where that one's protocol is not spoken.
 */
export async function tableAtStart(
  ledger: Pick<Ledger, "readStream">,
  seed: () => readonly ServiceInfo[],
  { wished, spoken }: { readonly wished: string; readonly spoken: readonly ServiceProtocol[] },
): Promise<TableAtStart> {
  let services: readonly ServiceInfo[] | null = null;
  let selected: string | null = null;
  for (const { type, body } of await ledger.readStream("services")) {
    if (type === "services.imported") ({ services } = body);
    if (type === "service.selected") selected = body.name;
  }
  services ??= seed();
  if (selected !== null) return { services, selected };
  const row = selectedAtStart(services, wished);
  if (row !== undefined && !spoken.includes(row.protocol))
    throw new FailureError(
      "CONFIGURATION_INVALID",
      `No service is selected, and ${shown(row.name)} speaks ${row.protocol}; this engine speaks ${spoken.join(", ")}. ` +
        "Select another: ticket-client services select NAME.",
    );
  return { services, selected: row?.name ?? "" };
}
