/** The Service Info Table that a start finds in its ledger, before the engine is there. */
import type { Ledger } from "../../actors/ports.ts";
import type { ServiceInfo } from "../../machines/vocabulary.ts";

export interface TableAtStart {
  readonly services: readonly ServiceInfo[];
  /** Name of the service that requests go to. */
  readonly selected: string;
}

/** Of a ledger without any: `seed`, of which `wished` is selected, or else the first. */
export async function tableAtStart(
  ledger: Pick<Ledger, "readStream">,
  seed: readonly ServiceInfo[],
  wished: string,
): Promise<TableAtStart> {
  let services = seed;
  let selected = (seed.find(({ name }) => name === wished) ?? seed[0])?.name ?? "";
  for (const { type, body } of await ledger.readStream("services")) {
    if (type === "services.imported") ({ services } = body);
    if (type === "service.selected") selected = body.name;
  }
  return { services, selected };
}
