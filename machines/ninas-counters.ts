/**
 * Edit Ninas Counters: a request about an element's counters, not about a ticket.
 * Source: telenet-ticket-client.md; TicketService.wsdl, EditNinasCounters.
 */
import { fail, ok, type Result } from "./failure.ts";
import { limits } from "./limits.ts";
import type { RequestPayload } from "./vocabulary.ts";

export type NinasCounters = Extract<RequestPayload, { readonly command: "editNinasCounters" }>;

/** Refused INVALID: no element, no counter or too many, one without a name, or without exactly one of delta and value. */
export function checkCounters({ networkElement, counters }: NinasCounters): Result<null> {
  if (networkElement.trim() === "")
    return fail("INVALID", "networkElement is empty; name the element to count for.");
  if (counters.length === 0 || counters.length > limits.ninasCountersMax) {
    return fail(
      "INVALID",
      `There are ${counters.length} counters; expected 1 to ${limits.ninasCountersMax} in one request.`,
    );
  }
  const names = new Set<string>();
  for (const [index, { name, delta, value }] of counters.entries()) {
    const where = `counters[${index}]`;
    if (name.trim() === "") return fail("INVALID", `${where}: name is empty.`);
    if (names.has(name)) return fail("INVALID", `${where}: ${name} is there twice; give each counter once.`);
    names.add(name);
    if ((delta === undefined) === (value === undefined))
      return fail("INVALID", `${where}: ${name} needs either delta or value, and not both.`);
    if (!Number.isSafeInteger(delta ?? value))
      return fail("INVALID", `${where}: ${name} must be a whole number, got ${delta ?? value}.`);
  }
  return ok(null);
}

/** Whether doing it twice comes to the same as doing it once. */
export function isRepeatable({ counters }: NinasCounters): boolean {
  return counters.every((one) => one.delta === undefined);
}
