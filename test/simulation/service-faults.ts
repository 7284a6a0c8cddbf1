/** How the services and the topology of a simulated world fail, how often beside each other, and what that is called. */
import type { Situation } from "./situations.ts";

export const sendFaults = {
  nack: 2,
  busy: 2,
  notOwner: 1,
  refused: 3,
  unreachable: 2,
  failed: 2,
  resetBefore: 3,
  resetAfter: 4,
  silentBefore: 2,
  silentAfter: 4,
  slow: 2,
  late: 5,
  unreadable: 3,
  falseClaim: 5,
  noId: 1.5,
} as const;
export type SendFault = keyof typeof sendFaults;
/** What is applied long after it was searched for is what such services are feared for. */
export const sendFaultsOfNone = { ...sendFaults, late: 35 };

export const topologyFaults = ["error", "absent", "silent", "loop"] as const;
export const topologyTold = {
  error: "topology down",
  absent: "element not in the topology",
  silent: "topology never answers",
  loop: "path in a circle",
} as const satisfies Record<(typeof topologyFaults)[number], Situation>;

export const searchFaults = { error: 3, permanent: 0.8, silent: 2, slow: 2 } as const;

export const searchTold = {
  error: "search failed",
  permanent: "search failed for good",
  silent: "search never answered",
  slow: "search slow",
} as const satisfies Record<keyof typeof searchFaults, Situation>;

export const told: Partial<Record<SendFault, Situation>> = {
  nack: "nack",
  busy: "busy",
  notOwner: "not owner",
  refused: "refused",
  unreachable: "unreachable",
  failed: "permanent error",
  noId: "no id in the ACK",
  resetBefore: "reset before it was read",
  resetAfter: "reset after it was read",
  silentBefore: "never answered, and not applied",
  silentAfter: "never answered, and applied",
  unreadable: "unreadable answer",
  slow: "slow answer",
  late: "applied late",
};
