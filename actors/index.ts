/** What embedders import: the supervisor API, its ports and the words they use. */
export { createSupervisor } from "./supervisor.ts";
export type {
  ClientView,
  EngineCounters,
  EngineSnapshot,
  ForceOptions,
  ImportOptions,
  ImportResult,
  ServicesPreview,
  Supervisor,
  SupervisorOptions,
} from "./supervisor.ts";
export type { FoundByHand, HeldClient } from "./held-client.ts";
export type { Explanation } from "./explain.ts";
export type { Config, ConfigInput } from "./config.ts";
export { compileCorrelationKey } from "./alarm-key.ts";
export { parseAlarmEvent } from "./alarm-message.ts";
export type * from "./ports.ts";
export type * from "../machines/vocabulary.ts";
export type * from "../machines/facts.ts";
export type { Decision, DecisionInput } from "../machines/decision.ts";
export { decide } from "../machines/decision.ts";
export type { PathReading, TicketAbove } from "../machines/upstream.ts";
export { FailureError, type Failure, type FailureCode, type Result } from "../machines/failure.ts";
