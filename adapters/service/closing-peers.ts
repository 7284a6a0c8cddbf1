/**
 * Peers that close a connection which their answer had left open: the next request on it may or may not have been read,
 * which is a create in doubt. Their requests go on connections of their own.
 */
import { limits } from "../../machines/limits.ts";
import type { ServiceInfo } from "../../machines/vocabulary.ts";

type Peer = Pick<ServiceInfo, "host" | "port">;

export interface ClosingPeers {
  noticed(peer: Peer): void;
  /** Whether the next request is to have a connection of its own; counts it if so. */
  takes(peer: Peer): boolean;
}

export function createClosingPeers(): ClosingPeers {
  /** How many requests are still to have one each. */
  const left = new Map<string, number>();
  const nameOf = ({ host, port }: Peer) => `${host} ${port}`;
  return {
    noticed(peer) {
      left.set(nameOf(peer), limits.serviceFreshConnections);
    },
    takes(peer) {
      const name = nameOf(peer);
      const count = left.get(name) ?? 0;
      if (count <= 1) left.delete(name);
      else left.set(name, count - 1);
      return count > 0;
    },
  };
}
