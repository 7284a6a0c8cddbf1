/** The HTTP API below `/api`: every operation, its route, and the documents that describe them. */
import type { Clock } from "../../../actors/ports.ts";
import type { Supervisor } from "../../../actors/supervisor.ts";
import type { Route } from "../server.ts";
import type { Tokens } from "../tokens.ts";
import { clientOperations } from "./clients.ts";
import { configurationOperations } from "./configuration.ts";
import { documentRoutes } from "./documents.ts";
import { routeOf } from "./exchange.ts";
import { flowOperations } from "./flows.ts";
import { gatewayOperations } from "./gateway.ts";
import { IdempotencyKeys } from "./idempotency.ts";
import type { Operation } from "./operation.ts";
import { responseOperations } from "./responses.ts";
import { searchOperations } from "./search.ts";
import { serviceOperations } from "./services.ts";
import { topologyOperations, type TopologyAccess } from "./topology.ts";

export interface ApiPorts {
  readonly supervisor: Supervisor;
  readonly tokens: Tokens;
  readonly clock: Pick<Clock, "monotonicMs" | "now">;
  readonly topology: TopologyAccess;
}

export function apiOperations({
  supervisor,
  clock,
  topology,
}: Omit<ApiPorts, "tokens">): readonly Operation[] {
  return [
    ...clientOperations(supervisor),
    ...responseOperations(supervisor),
    ...serviceOperations(supervisor),
    ...configurationOperations(supervisor),
    ...flowOperations(supervisor),
    ...gatewayOperations(supervisor),
    ...topologyOperations(supervisor, topology, clock),
    ...searchOperations(supervisor),
  ];
}

export function apiRoutes({ tokens, ...ports }: ApiPorts): readonly Route[] {
  const { clock } = ports;
  const operations = apiOperations(ports);
  const keys = new IdempotencyKeys(() => clock.monotonicMs());
  return [...operations.map((one) => routeOf(one, { tokens, keys })), ...documentRoutes(operations)];
}
