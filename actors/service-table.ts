/** The Service Info Table of an engine: what operators do to it, and the gateway's own beside it. */
import { serviceProtocols } from "../machines/service-table.ts";
import type { ServiceProtocol } from "../machines/vocabulary.ts";
import type { Config } from "./config.ts";
import { GatewayTable } from "./gateway-table.ts";
import type { Journal } from "./journal.ts";
import type { Clock, GatewayTableSource, Log, ServiceTableCodec } from "./ports.ts";
import { noCodec, ServiceCommands } from "./service-commands.ts";

export interface ServiceTableOptions {
  /** How the text of imports and exports is read and written; without it both throw. */
  readonly serviceTableCodec?: ServiceTableCodec;
  /** Protocols that the ticketing service's adapter speaks: what a selected row may have. Default: all of them. */
  readonly spokenProtocols?: readonly ServiceProtocol[];
  /** The gateway's own service table; while it differs nothing is forwarded. Default: it follows every import. */
  readonly gatewayTable?: GatewayTableSource;
}

export interface ServiceTablePorts extends ServiceTableOptions {
  readonly config: Config;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Log;
  /** What waited for equal tables may go on. */
  readonly wake: () => void;
}

export function openServiceTable(ports: ServiceTablePorts): {
  readonly commands: ServiceCommands;
  readonly gatewayTable: GatewayTable;
} {
  const { journal, clock, log, config, wake } = ports;
  const gatewayTable = new GatewayTable({
    source: ports.gatewayTable ?? null,
    clock,
    log,
    services: () => journal.state.services,
    onEqual: wake,
  });
  journal.listen((facts) => gatewayTable.learn(facts));
  const commands = new ServiceCommands({
    journal,
    clock,
    codec: ports.serviceTableCodec ?? noCodec,
    rules: {
      allowedHosts: config.allowedServiceHosts,
      spoken: ports.spokenProtocols ?? serviceProtocols,
    },
  });
  return { commands, gatewayTable };
}
