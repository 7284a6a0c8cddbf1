/**
 * Searches under way, at most one a client: nobody waits for one whose client has gone on, and it is cut off.
 * Not invoked by the client's machine: an actor of XState's for each search is a twentieth of what a flow costs.
 */
export class RunningSearches {
  readonly #running = new Map<string, AbortController>();

  /** In place of one that a client which crashed has left. */
  begin(clientId: string): AbortSignal {
    this.abandon(clientId);
    const running = new AbortController();
    this.#running.set(clientId, running);
    return running.signal;
  }

  /** It has its answer. */
  end(clientId: string, signal: AbortSignal): void {
    if (this.#running.get(clientId)?.signal === signal) this.#running.delete(clientId);
  }

  abandon(clientId: string): void {
    this.#running.get(clientId)?.abort();
    this.#running.delete(clientId);
  }

  /** Once the pool is stopped. */
  stop(): void {
    for (const clientId of this.#running.keys()) this.abandon(clientId);
  }
}
