/** What one automatic flow does next. */
import type { Entry } from "./entry.ts";
import { limits } from "./limits.ts";
import { openStatuses, type SearchCriteria, type ServiceInfo, type TicketRequest } from "./vocabulary.ts";

export type SearchPurpose = "key" | "elements" | "requestedBy" | "ticketId" | "verify" | "parent" | "unknown";

export type FlowStep =
  | {
      readonly step: "search";
      readonly purpose: SearchPurpose;
      readonly criteria: SearchCriteria;
      readonly service: ServiceInfo;
      /** Element whose path is looked up side by side with the search. */
      readonly look?: string;
    }
  | { readonly step: "forward"; readonly request: TicketRequest; readonly entries: readonly Entry[] }
  | { readonly step: "end"; readonly result: "settled" | "parked"; readonly entries: readonly Entry[] };

export function byKey(key: string): SearchCriteria {
  return { clientReference: key, kind: "MO", status: openStatuses, maxResults: limits.searchResultsMax };
}

export function search(
  purpose: SearchPurpose,
  criteria: SearchCriteria,
  service: ServiceInfo,
): Extract<FlowStep, { step: "search" }> {
  return { step: "search", purpose, criteria, service };
}

export function end(result: "settled" | "parked", entries: readonly Entry[]): FlowStep {
  return { step: "end", result, entries };
}
