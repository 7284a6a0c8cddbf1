/**
 * Answers on their way, of each connection.
 *   S3 a connection asks for so many at once, and is let go when it does not read what it asked for.
 */
import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

export class OpenAnswers {
  readonly #most: number;
  readonly #open = new WeakMap<Duplex, Set<ServerResponse>>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Open until all of it was handed to the system. False: its connection has too many. */
  begin(response: ServerResponse, socket: Duplex): boolean {
    const open = this.#open.get(socket) ?? new Set();
    if (open.size >= this.#most) return false;
    this.#open.set(socket, open.add(response));
    response.once("finish", () => open.delete(response));
    return true;
  }

  /** Whether we owe it an answer, rather than it to read one. */
  isOwed(socket: Duplex): boolean {
    return [...(this.#open.get(socket) ?? [])].some((response) => !response.writableEnded);
  }
}
