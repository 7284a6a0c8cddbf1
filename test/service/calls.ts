/** Requests and searches for tests: everything given, any member replaceable. */
import { randomUUID } from "node:crypto";
import type { TicketingService } from "../../actors/ports.ts";
import type { RequestPayload, SearchCriteria, ServiceInfo } from "../../machines/vocabulary.ts";

type SendCall = Parameters<TicketingService["send"]>[0];
type SearchCall = Parameters<TicketingService["search"]>[0];
type Create = Extract<RequestPayload, { readonly command: "create" }>;

export function serviceRow(port: number, more: Partial<ServiceInfo> = {}): ServiceInfo {
  return {
    name: "OSB",
    host: "127.0.0.1",
    port,
    path: "/TicketService",
    protocol: "osb",
    idempotency: "requestId",
    settleSeconds: 60,
    timeoutSeconds: 30,
    asyncSeconds: 0,
    ...more,
  };
}

export function createPayload(more: Partial<Create> = {}): Create {
  return {
    command: "create",
    kind: "MO",
    clientReference: "key-1",
    networkElements: ["ne-1", "ne-2"],
    severity: "major",
    summary: "Loss of signal",
    startAt: Date.UTC(2026, 0, 1),
    alarmRefs: [{ source: "urn:test", alarmId: "1" }],
    ...more,
  };
}

export function sendCall(
  service: ServiceInfo,
  payload: RequestPayload = createPayload(),
  more: { readonly requestId?: string; readonly attempt?: number; readonly signal?: AbortSignal } = {},
): SendCall {
  return {
    service,
    signal: more.signal ?? new AbortController().signal,
    attempt: more.attempt ?? 1,
    request: {
      requestId: more.requestId ?? randomUUID(),
      key: "key-1",
      clientId: "client-01",
      lockGuid: "6f1c2f6e-0000-4000-8000-000000000001",
      service,
      payload,
    },
  };
}

export function searchCall(
  service: ServiceInfo,
  criteria: SearchCriteria = { clientReference: "key-1" },
  more: { readonly requestId?: string; readonly signal?: AbortSignal } = {},
): SearchCall {
  return {
    service,
    signal: more.signal ?? new AbortController().signal,
    requestId: more.requestId ?? randomUUID(),
    clientId: "client-01",
    lockGuid: "6f1c2f6e-0000-4000-8000-000000000001",
    criteria,
  };
}
