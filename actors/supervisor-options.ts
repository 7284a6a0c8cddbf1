/** What an engine is made of: its settings and its ports. */
import type { Decision, DecisionInput } from "../machines/decision.ts";
import type { ServiceInfo } from "../machines/vocabulary.ts";
import type { ConfigInput } from "./config.ts";
import type { Clock, HeartbeatReceiver, Ids, Ledger, Log, TicketingService, Topology } from "./ports.ts";
import type { ServiceTableOptions } from "./service-table.ts";

export interface SupervisorOptions extends ServiceTableOptions {
  /** Unset members take their defaults; see config.ts. */
  readonly config?: ConfigInput;
  readonly ledger: Ledger;
  readonly service: TicketingService;
  /** Paths for D2 and D5; closed with the engine. Without one every key is decided by its own tickets. */
  readonly topology?: Topology;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** The Service Info Table of the first start; later starts take the ledger's. At least one row. */
  readonly services: readonly ServiceInfo[];
  /** Instead of the default decision D0–D13. Must be pure; when it throws, the flow crashes (R6). */
  readonly decide?: (input: DecisionInput) => Decision;
  /** Opens the way to a receiver of `heartbeat.url` or `heartbeat.engineUrl`; needed where one is set. */
  readonly heartbeatReceiver?: (url: string) => HeartbeatReceiver;
  /** Once, when the ledger fails or is damaged (R3, R4), or cannot be folded (ENGINE_DEFECT): the process should stop. */
  readonly onBroken?: (error: unknown) => void;
}
