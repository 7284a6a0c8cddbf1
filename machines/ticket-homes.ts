/** The service at which a ticket lives: not always the one that is selected by now. */
import type { FlowFindings, FlowInput } from "./flow-input.ts";
import type { ServiceInfo } from "./vocabulary.ts";

/** Where a ticket is looked up: at its home; at the selected service where that row is gone. */
export function serviceOf({ serviceNamed, service }: FlowInput, home: string): ServiceInfo {
  return home === service.name ? service : (serviceNamed(home) ?? service);
}

/** Tickets found by the ids of lost creates, each at the service that was asked for it: ticket → service. */
export function homesOf(input: FlowInput, found: FlowFindings): ReadonlyMap<string, string> {
  const homes = new Map<string, string>();
  for (const unknown of input.key.unknown)
    for (const { ticketId } of found.unknown.get(unknown.requestId) ?? [])
      homes.set(ticketId, serviceOf(input, unknown.service).name);
  return homes;
}

/** A close or an update goes where its ticket lives, whichever service is selected by now, or nowhere. */
export function homeOf(
  { key, service }: FlowInput,
  ticketId: string,
  homes: ReadonlyMap<string, string>,
): string {
  return (
    key.open.get(ticketId)?.service ??
    homes.get(ticketId) ??
    key.closed.get(ticketId)?.service ??
    service.name
  );
}
