/**
 * What the HTTP API answers, as far as this page reads it. A test holds these shapes to the engine's own schemas: the
 * page imports none of them.
 */
import type { Outcome } from "./alarms.ts";
import type { ClientView, FlowResult, Mismatch, ResponseRow, ServiceInfo } from "./feed.ts";

export interface ClientAnswer extends ClientView {
  readonly key: string | null;
  readonly heldBy: string | null;
  readonly deadlineAt: number | null;
  readonly rows: {
    readonly inserted: number;
    readonly present: number;
    readonly evicted: number;
    readonly cleared: number;
  };
}

export interface SearchResultsAnswer {
  readonly clientId: string;
  readonly results: {
    readonly lockGuid: string;
    readonly at: number;
    readonly truncated: boolean;
    readonly tickets: readonly TicketAnswer[];
    readonly path: {
      readonly elementId: string;
      readonly path: PathAnswer | null;
      readonly failure: string | null;
      readonly at: number;
    } | null;
  } | null;
}

export interface TicketAnswer {
  readonly ticketId: string;
  readonly kind: string;
  readonly status: string;
  readonly severity?: string;
  readonly owner?: string;
  readonly clientReference?: string;
  readonly networkElements: readonly string[];
  readonly summary?: string;
  readonly openedAt?: number;
}

export interface PathAnswer {
  readonly elementId: string;
  readonly hops: readonly {
    readonly hopNo: number;
    readonly elementId: string;
    readonly name: string | null;
    readonly type: string | null;
    readonly interface: string | null;
    readonly networkService: string | null;
  }[];
  readonly end?: string;
  readonly loadedAt: number;
}

export interface FlowAnswer {
  readonly lockGuid: string;
  readonly key: string;
  readonly clientId: string;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly result: FlowResult | null;
  readonly alarms: number;
  readonly decision: { readonly rule: string; readonly decision: string; readonly because: string } | null;
  readonly position: number;
}

export interface FlowDetailAnswer extends FlowAnswer {
  readonly facts: readonly {
    readonly position: number;
    readonly at: number;
    readonly type: string;
    readonly body: object;
  }[];
}

export interface ExplanationAnswer {
  readonly source: string;
  readonly id: string;
  readonly key: string;
  readonly notification: {
    readonly kind: string;
    readonly alarmedObject: string;
    readonly alarmType: string;
    readonly probableCause: string;
    readonly severity: string;
    readonly raisedAt: number;
    readonly clearedAt?: number;
  };
  readonly acceptedAt: number;
  readonly position: number;
  readonly outcome: Outcome | null;
  readonly because: string;
  readonly ticketId: string | null;
  readonly settledAt: number | null;
  readonly flows: readonly string[];
  readonly decisions: readonly {
    readonly rule: string;
    readonly decision: string;
    readonly because: string;
    readonly tickets: readonly {
      readonly ticketId: string;
      readonly kind: string;
      readonly status: string;
    }[];
    readonly path: readonly string[];
  }[];
  readonly requests: readonly {
    readonly requestId: string;
    readonly command: string;
    readonly service: string;
    readonly attempts: readonly {
      readonly attempt: number;
      readonly answer: string;
      readonly code: string | null;
      readonly cause: string | null;
      readonly at: number;
    }[];
    readonly result: string | null;
  }[];
}

export interface RequestAnswer {
  readonly requestId: string;
  readonly key: string;
  readonly clientId: string;
  readonly lockGuid: string;
  readonly service: string;
  readonly command: string;
  readonly ticketId: string | null;
  readonly status: string;
  readonly attempts: number;
  readonly alarms: number;
  readonly waitsFor: {
    readonly reason: string;
    readonly since: number;
    readonly until: number | null;
    readonly because: string;
  } | null;
}

export interface UnknownAnswer {
  readonly requestId: string;
  readonly key: string;
  readonly lockGuid: string;
  readonly service: string;
  readonly command: string;
  readonly ticketId: string | null;
  readonly alarms: readonly { readonly source: string; readonly id: string; readonly outcome: string }[];
}

export interface PathDetailsAnswer {
  readonly path: PathAnswer;
  readonly ageSeconds: number;
}

export interface GatewayAnswer {
  readonly waiting: {
    readonly create: number;
    readonly update: number;
    readonly close: number;
    readonly parked: number;
    readonly parkedFor: Readonly<Partial<Record<string, number>>>;
  };
  readonly inFlight: readonly RequestAnswer[];
  readonly counts: Readonly<
    Record<"planned" | "sending" | "retry" | "inDoubt" | "async" | "unknown", number>
  >;
  readonly requests: readonly RequestAnswer[];
  readonly unknown: readonly UnknownAnswer[];
  readonly mismatch: Mismatch | null;
}

export interface ActAnswer {
  readonly position: number;
  readonly at: number;
  readonly by: string;
  readonly action: string;
  readonly target: string;
  readonly lockGuid: string | null;
  readonly reason: string | null;
}

export interface ServicesAnswer {
  readonly selected: string | null;
  readonly services: readonly ServiceInfo[];
}

export interface PreviewAnswer {
  readonly added: readonly string[];
  readonly changed: readonly { readonly name: string; readonly columns: readonly string[] }[];
  readonly removed: readonly string[];
  readonly unchanged: readonly string[];
  readonly applied: boolean;
}

export interface SettingsAnswer {
  readonly relatedElements: {
    readonly ticketGateway: string;
    readonly topologyDatabase: string;
    readonly heartbeatReceiver: string;
  };
  readonly maxResponseRows: number;
}

export type ResponsesAnswer = { readonly rows: readonly ResponseRow[]; readonly next: number | null };

/** RFC 9457. */
export interface ProblemAnswer {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly errors?: readonly {
    readonly line?: number;
    readonly column?: string;
    readonly expected?: string;
    readonly got?: string;
    readonly detail: string;
  }[];
}
