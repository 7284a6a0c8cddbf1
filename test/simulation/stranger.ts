/** Somebody who works at the ticketing service by hand, and tells nobody. */
import type { ServiceInfo } from "../../machines/vocabulary.ts";
import type { Act } from "./scenario.ts";
import type { SimulatedClock } from "./simulated-clock.ts";
import type { TicketTruth } from "./ticket-truth.ts";

/** True when a ticket of ours has ended by it. */
export function actAsStranger(
  { what, key, ms }: Extract<Act, { act: "stranger" }>,
  truth: TicketTruth,
  [service]: readonly ServiceInfo[],
  clock: SimulatedClock,
): boolean {
  if (service === undefined) return false;
  switch (what) {
    case "sameKey":
      truth.makeByHand(service.name, "MO", key, ms, key);
      return false;
    case "plan":
      truth.makeByHand(service.name, "PLM", key, ms);
      return false;
    case "outageTicket":
      truth.makeByHand(service.name, "MO", key, ms);
      clock.setTimeout(() => truth.closeByHand(service.name), ms);
      return false;
    case "take":
      truth.touch(key, what);
      return false;
    case "close":
    case "remove":
      return truth.touch(key, what);
  }
}
