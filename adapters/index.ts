/** What embedders import to reach the world: one implementation, or more, of each port. */
export { startEngine, type Engine, type EngineOptions } from "./engine.ts";
export { openSqliteLedger, type SqliteLedgerOptions } from "./ledger/sqlite.ts";
export { createMemoryLedger } from "./ledger/memory.ts";
export { createHttpReceiver, type HttpReceiverOptions } from "./heartbeat/http.ts";
export { guardHosts, type HostGuard } from "./service/allowed-hosts.ts";
export { createOsbService, type OsbOptions } from "./service/osb.ts";
export { createMemoryService, type MemoryService } from "./service/memory.ts";
export { csvCodec } from "./service-table/csv.ts";
export { startDesk, type Desk, type DeskOptions } from "./desk/desk.ts";
export { systemClock, systemIds } from "./clock/system.ts";
export { openTopology } from "./topology/open.ts";
export { loadTopologyInThread } from "./topology/load-in-thread.ts";
export { createMemoryTopology } from "./topology/memory.ts";
export type { LoadSummary, TopologyDatabase } from "./topology/topology.ts";
