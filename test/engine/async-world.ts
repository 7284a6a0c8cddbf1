/** A service that answers twice: an ACK without a ticket id, and its result when a test delivers it. */
import type { AsyncResult } from "../../actors/ports.ts";
import { World, type WorldOptions } from "./engine-under-test.ts";

export const ack = { kind: "ack", ticketId: null } as const;

export function result(requestId: string, more: Partial<AsyncResult> = {}): AsyncResult {
  return { requestId, result: "OK", ticketId: "MEM-1", code: null, cause: null, text: "<result/>", ...more };
}

/** Its result may take 30 s; `sent` names its requests. */
export async function asyncWorld(options: WorldOptions = {}) {
  const world = new World({ ...options, row: { asyncSeconds: 30, ...options.row } });
  const engine = await world.open();
  const sent: string[] = [];
  world.onSend = ({ request }) => {
    sent.push(request.requestId);
    return { answer: ack };
  };
  return { world, engine, sent, last: () => sent.at(-1) ?? "" };
}
