/**
 * Which addresses may be connected to: the hosts of a list, and what their names resolve to, judged at every
 * connect.
 *   S5 a listed name is trusted to name a machine, not to lead into this one, its links or its cloud's metadata:
 *   such an address must be listed itself. The addresses that were judged are the ones that are called, so that a
 *   name which changes between two look-ups gains nothing.
 */
import dns from "node:dns";
import type { LookupFunction } from "node:net";
import { addressScope, isListed } from "../../machines/service-host.ts";

export interface HostGuard {
  /** Whether the list names this host, be it a name or an address. */
  readonly allows: (host: string) => boolean;
  /** For Node's sockets: gives allowed addresses only, or fails before any byte leaves. */
  readonly lookup: LookupFunction;
}

/** As `dns.lookup`, for every address of a name; answers in a later turn. */
export type Resolve = (
  name: string,
  options: dns.LookupAllOptions,
  answer: (error: NodeJS.ErrnoException | null, addresses: dns.LookupAddress[]) => void,
) => void;

/** `allowed`: allowedServiceHosts. */
export function guardHosts(allowed: readonly string[], resolve: Resolve = dns.lookup): HostGuard {
  const refusal = (why: string): NodeJS.ErrnoException =>
    Object.assign(new Error(why), { code: "EHOSTNOTALLOWED" });
  return {
    allows: (host) => isListed(host, allowed),
    lookup(name, options, answer) {
      if (!isListed(name, allowed)) {
        // In a later turn, as every look-up: a socket that fails at once looks as if it had been connected.
        setImmediate(() => answer(refusal(`${name} is not among allowedServiceHosts`), []));
        return;
      }
      resolve(name, { ...options, all: true }, (error, addresses) => {
        if (error !== null) return answer(error, []);
        const fit = addresses.filter(
          ({ address }) => addressScope(address) === "ordinary" || isListed(address, allowed),
        );
        const [first] = fit;
        if (first === undefined) {
          const [found] = addresses;
          const where = found === undefined ? "nothing" : `${found.address} (${addressScope(found.address)})`;
          return answer(refusal(`${name} resolves to ${where}, which allowedServiceHosts does not list`), []);
        }
        if (options.all === true) answer(null, fit);
        else answer(null, first.address, first.family);
      });
    },
  };
}
