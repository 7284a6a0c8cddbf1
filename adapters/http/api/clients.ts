/** Ticket Clients: who holds them, what they found, and how an operator frees one (L4, L6). */
import { z } from "zod";
import {
  clientSchema,
  clientsSchema,
  forceSchema,
  searchResultsSchema,
} from "../../../actors/api-messages.ts";
import type { ForceOptions, Supervisor } from "../../../actors/supervisor.ts";
import { fail, ok, type Result } from "../../../machines/failure.ts";
import { operation, type Operation } from "./operation.ts";

const params = z.object({ id: z.string().meta({ description: "client-01 and so on" }) });

export function clientOperations(supervisor: Supervisor): readonly Operation[] {
  const { reader } = supervisor;
  const shown = (id: string) => found(reader.client(id), id);

  function force(
    verb: "force-unlock" | "force-not-busy",
    summary: string,
    order: (id: string, options: ForceOptions) => Promise<Result<null>>,
  ): Operation {
    return operation({
      method: "POST",
      path: `/clients/{id}/${verb}`,
      id: verb.replaceAll(/-(\w)/g, (_match, letter: string) => letter.toUpperCase()),
      summary,
      role: "operator",
      isCommand: true,
      params,
      body: forceSchema,
      answer: clientSchema,
      refusals: ["UNKNOWN_CLIENT", "NOT_LOCKED", "NOT_BUSY", "STALE_GUID"],
      async handle({ params: { id }, body, by }) {
        const done = await order(id, { ...body, by });
        return done.ok ? shown(id) : done;
      },
    });
  }

  return [
    operation({
      method: "GET",
      path: "/clients",
      id: "listClients",
      summary: "Every Ticket Client: state, lock, busy status, what is happening now",
      role: "viewer",
      answer: clientsSchema,
      handle: () => ok({ position: reader.position, clients: reader.clients() }),
    }),
    operation({
      method: "GET",
      path: "/clients/{id}",
      id: "getClient",
      summary: "One Ticket Client",
      role: "viewer",
      params,
      answer: clientSchema,
      refusals: ["UNKNOWN_CLIENT"],
      handle: ({ params: { id } }) => shown(id),
    }),
    operation({
      method: "GET",
      path: "/clients/{id}/search-results",
      id: "getSearchResults",
      summary: "What its current or last flow found",
      role: "viewer",
      params,
      answer: searchResultsSchema,
      refusals: ["UNKNOWN_CLIENT"],
      handle: ({ params: { id } }) => found(reader.searchResults(id), id),
    }),
    force(
      "force-unlock",
      "Ends the lock that the operator saw; its flow is aborted, and what was not yet sent is cancelled",
      (id, options) => supervisor.forceUnlock(id, options),
    ),
    force(
      "force-not-busy",
      "Ends the command being executed, not the lock; a search counts as failed",
      (id, options) => supervisor.forceNotBusy(id, options),
    ),
  ];
}

function found<T>(value: T | null, id: string): Result<T> {
  if (value !== null) return ok(value);
  return fail("UNKNOWN_CLIENT", `There is no Ticket Client ${id}; they are named client-01 and so on.`);
}
