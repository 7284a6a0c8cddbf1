/** Every statechart that is drawn, by the name of its file. */
import type { AnyStateMachine } from "xstate";
import { automaticFlowMachine } from "../../machines/automatic-flow.machine.ts";
import { gatewayMachine } from "../../machines/gateway.machine.ts";
import { heartbeatMachine } from "../../machines/heartbeat.machine.ts";
import { supervisorMachine } from "../../machines/supervisor.machine.ts";
import { ticketClientMachine } from "../../machines/ticket-client.machine.ts";

export const statecharts: ReadonlyMap<string, AnyStateMachine> = new Map<string, AnyStateMachine>([
  ["ticket-client", ticketClientMachine],
  ["automatic-flow", automaticFlowMachine],
  ["gateway", gatewayMachine],
  ["heartbeat", heartbeatMachine],
  ["supervisor", supervisorMachine],
]);
