/**
 * Connections of who sends alarms, over WebSocket or HTTP: so many are kept, all together, and the rest of the port is
 * for operators.
 *   S3 a request that comes when all are taken has a connection of its own, which ends with the answer; so many at once.
 */
import type { Duplex } from "node:stream";

export class SenderConnections {
  readonly #keptMax: number;
  readonly #passingMax: number;
  readonly #kept = new Set<Duplex>();
  readonly #passing = new Set<Duplex>();

  constructor(keptMax: number, passingMax: number) {
    this.#keptMax = keptMax;
    this.#passingMax = passingMax;
  }

  /** Alarms come over this one: from now on it is a sender's, until it closes. False: all are taken. */
  keep(socket: Duplex): boolean {
    return hold(this.#kept, socket, this.#keptMax);
  }

  /** For one request, whose answer ends it. False: too many at once. */
  letPass(socket: Duplex): boolean {
    return hold(this.#passing, socket, this.#passingMax);
  }
}

function hold(held: Set<Duplex>, socket: Duplex, most: number): boolean {
  if (held.has(socket)) return true;
  if (held.size >= most) return false;
  held.add(socket);
  socket.once("close", () => held.delete(socket));
  return true;
}
