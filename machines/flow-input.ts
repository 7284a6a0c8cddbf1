/** What a flow is given at its start, and what its searches have brought so far. */
import type { Decision, DecisionInput, DecisionSettings } from "./decision.ts";
import type { DoubtFindings } from "./doubt.ts";
import type { SearchPurpose } from "./flow-step.ts";
import type { KeyState, Waiting } from "./state.ts";
import type { Surroundings } from "./surroundings.ts";
import type { PathReading } from "./upstream.ts";
import type { Instant, ServiceInfo, Ticket } from "./vocabulary.ts";

export interface SearchFailure {
  readonly code: string;
  readonly cause: string;
  readonly permanent: boolean;
}

/** What the searches of this flow brought so far. */
export interface FlowFindings {
  readonly doubt: DoubtFindings;
  readonly verified: ReadonlyMap<string, Ticket | null>;
  /** Linked tickets that could not be read. */
  readonly unread: ReadonlySet<string>;
  /** Parents' tickets at other services, by name (ticketName): whether they count as open. */
  readonly parents: ReadonlyMap<string, boolean>;
  /** Answers to look-ups of `unknown` requests, by request id. */
  readonly unknown: ReadonlyMap<string, readonly Ticket[]>;
  /** What the topology said beside the first search; null: it was not asked, or holds nothing at all. */
  readonly path: PathReading | null;
  /** Open tickets on the alarmed element and upstream, as the service shows them; null: not searched for. */
  readonly elements: readonly Ticket[] | null;
  /** Searches whose list the service cut off: what they do not show may be there. */
  readonly cut: ReadonlySet<SearchPurpose>;
  /** What the reason of the decision must say of searches that told less than they were asked: sentences. */
  readonly notes: readonly string[];
}

export const noFindings: FlowFindings = {
  doubt: { byRequest: null, byTicket: null, byKey: null },
  verified: new Map(),
  unread: new Set(),
  parents: new Map(),
  unknown: new Map(),
  path: null,
  elements: null,
  cut: new Set(),
  notes: [],
};

export interface FlowInput {
  readonly key: KeyState;
  readonly group: readonly Waiting[];
  /** The selected service: where new tickets go. */
  readonly service: ServiceInfo;
  /** A row of the Service Info Table, for tickets that live elsewhere; null where it is gone. */
  readonly serviceNamed: (name: string) => ServiceInfo | null;
  readonly settings: DecisionSettings;
  /** Replaces the default decision (supervisor option `decide`). */
  readonly decide: (input: DecisionInput) => Decision;
  readonly clientId: string;
  readonly lockGuid: string;
  readonly fence: number;
  /** Id of the request, if this flow makes one. */
  readonly requestId: string;
  readonly startedAt: Instant;
  /** Whether there is a topology to ask: then tickets upstream are searched for, too. */
  readonly hasTopology: boolean;
  readonly around: Surroundings;
}
