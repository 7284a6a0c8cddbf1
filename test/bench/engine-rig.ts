/** The engine as it is shipped, wired for a measurement: real supervisor, real SQLite ledger, a service in this process. */
import { createSupervisor, type Supervisor } from "../../actors/supervisor.ts";
import type { Ids, Log, TicketingService } from "../../actors/ports.ts";
import { systemClock, systemIds } from "../../adapters/clock/system.ts";
import { openSqliteLedger } from "../../adapters/ledger/sqlite.ts";
import { createMemoryService, type MemoryService } from "../../adapters/service/memory.ts";
import type { ServiceInfo } from "../../machines/vocabulary.ts";

const serviceRow: ServiceInfo = {
  name: "OSB",
  host: "127.0.0.1",
  port: 8650,
  path: "/TicketService",
  protocol: "osb",
  idempotency: "requestId",
  settleSeconds: 60,
  timeoutSeconds: 30,
  asyncSeconds: 0,
};

/** A measurement in which something is logged as wrong is no measurement. */
export const strictLog: Log = {
  info: () => undefined,
  warn: (event, fields) => fall(event, fields),
  error: (event, fields) => fall(event, fields),
};

function fall(event: string, fields: unknown): never {
  throw new Error(`${event} ${JSON.stringify(fields)}`);
}

/** Answers in the same turn, and honours the request id. */
export function instantService(): MemoryService {
  return createMemoryService({ idempotency: "requestId", now: () => systemClock.now() });
}

/** Never answers a search: every client that gets a flow stays held. */
export function silentService(): MemoryService {
  const never = new Promise<never>(() => undefined);
  return createMemoryService({
    idempotency: "requestId",
    now: () => systemClock.now(),
    onSearch: () => ({ hold: never }),
  });
}

export interface EngineRigOptions {
  readonly dir: string;
  readonly clients: number;
  readonly service: TicketingService;
  /** Default true, as shipped. */
  readonly coalesce?: boolean;
  readonly ids?: Ids;
}

export function openLedger(dir: string) {
  return openSqliteLedger({ dir, now: () => systemClock.now(), uuid: () => systemIds.uuid() });
}

export async function startEngineRig(options: EngineRigOptions): Promise<Supervisor> {
  const { dir, clients, service, coalesce = true, ids = systemIds } = options;
  return createSupervisor({
    config: { clients, coalesce, maxOpenTickets: 1_000_000 },
    ledger: await openLedger(dir),
    service,
    clock: systemClock,
    ids,
    log: strictLog,
    services: [serviceRow],
    onBroken: (error) => {
      throw error;
    },
  });
}
