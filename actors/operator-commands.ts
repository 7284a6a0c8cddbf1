/**
 * What operators force: the end of a lock, or of the command that a client executes.
 *   L4 the client is freed, not the key.  L6 a force names the lock that the operator saw, who and why; the
 *   record is durable before the effect.
 * Source: architecture.md, "Supervisor API"; domain.md, "The Ticket Client's states".
 */
import { entry, type Entry, type Expectation } from "../machines/entry.ts";
import { fail, ok, type Result } from "../machines/failure.ts";
import { noDelays } from "../machines/state.ts";
import { keyOfHand, leaveRequest } from "../machines/flow-end.ts";
import type { Fact, FactBodies, FoldSettings } from "../machines/facts.ts";
import { clientStream, keyStream, type RequestState, type State } from "../machines/state.ts";
import type { TicketClientRef } from "../machines/ticket-client.machine.ts";
import type { Verdict } from "../machines/verdict.ts";
import type { SettingsPatch } from "./api-messages.ts";
import type { ClientView } from "./engine-views.ts";
import type { Journal } from "./journal.ts";
import type { Clock } from "./ports.ts";
import type { RefusedCommands } from "./refused-commands.ts";
import { resolveRequest } from "./request-verdict.ts";
import { endForcibly } from "./ticket-client.ts";

export interface ForceOptions {
  /** The lock that the operator saw: a newer one is never released (L6). */
  readonly lockGuid: string;
  readonly by: string;
  readonly reason: string;
}

export interface OperatorPorts {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly views: ReadonlyMap<string, ClientView>;
  readonly client: (clientId: string) => TicketClientRef | undefined;
  readonly refused: RefusedCommands;
}

export class OperatorCommands {
  readonly #ports: OperatorPorts;
  #clearing: Promise<unknown> = Promise.resolve();

  constructor(ports: OperatorPorts) {
    this.#ports = ports;
  }

  /** L4, L6. Resolves when it is durable and the client is free. */
  async forceUnlock(clientId: string, force: ForceOptions): Promise<Result<null>> {
    const seen = this.#seen(clientId, force);
    if (!seen.ok) return seen;
    const { lockGuid, fence } = seen.value;
    // The lock that the operator saw may end while we append: then the ledger refuses, and a newer one stands.
    const done = await endForcibly(
      { journal: this.#ports.journal, clock: this.#ports.clock },
      clientId,
      { how: "forced", by: force.by, reason: force.reason },
      lockGuid,
    );
    if (!done.ok) return done.failure.code === "STALE_GUID" ? this.#moved(clientId) : done;
    this.#ports.client(clientId)?.send({ type: "client.forceUnlock", lockGuid, fence });
    return ok(null);
  }

  /** L4, L6: ends the command being executed, not the lock. */
  async forceNotBusy(clientId: string, force: ForceOptions): Promise<Result<null>> {
    for (;;) {
      const seen = this.#seen(clientId, force);
      if (!seen.ok) return seen;
      if (this.#ports.views.get(clientId)?.busyStatus !== "busy")
        return fail("NOT_BUSY", `${clientId} is not executing a command.`);
      const { lockGuid, fence } = seen.value;
      const { state } = this.#ports.journal;
      const client = state.clients.get(clientId);
      // Its lock may have ended in the ledger and the client not know yet.
      if (client?.lock?.lockGuid !== lockGuid) return this.#moved(clientId);
      const at = this.#ports.clock.now();
      const entries: Entry[] = [
        entry(clientStream(clientId), at, "client.notBusyForced", {
          clientId,
          lockGuid,
          fence,
          by: force.by,
          reason: force.reason,
        }),
      ];
      const expect: Expectation[] = [{ stream: clientStream(clientId), revision: client.revision }];
      const name = client.key ?? keyOfHand(state, lockGuid);
      const key = name === null ? undefined : state.keys.get(name);
      const request = key?.request ?? null;
      if (key !== undefined) {
        expect.push({ stream: keyStream(key.key), revision: key.revision });
        const because = `An operator ended the command: ${force.reason}`;
        if (request !== null && this.#ports.views.get(clientId)?.state === "forwarding") {
          entries.push(...leaveRequest(key, request, at, because, true));
        }
      }
      const done = await this.#ports.journal.append(entries, expect);
      if (done.kind === "conflict") continue;
      const claim = done.facts[0]?.position ?? done.position;
      this.#ports.client(clientId)?.send({
        type: "client.forceNotBusy",
        lockGuid,
        fence,
        request: whatBecameOf(request),
        claim,
        at,
      });
      return ok(null);
    }
  }

  /** A2: replaces the outcome of an `unknown` request. Fails UNKNOWN_REQUEST, NOT_UNKNOWN, INVALID. */
  resolve(requestId: string, verdict: Verdict): Promise<Result<{ readonly key: string }>> {
    return resolveRequest(this.#ports, requestId, verdict);
  }

  /** G6. One after the other: each tells of its own rows. Fails UNKNOWN_CLIENT. */
  clearResponses(clientId: string | null, by: string): Promise<Result<{ readonly cleared: number }>> {
    const clearing = this.#clearing.then(() => this.#clearResponses(clientId, by));
    this.#clearing = clearing.catch(() => undefined);
    return clearing;
  }

  async #clearResponses(clientId: string | null, by: string): Promise<Result<{ readonly cleared: number }>> {
    const { journal, clock, views } = this.#ports;
    if (clientId !== null && !views.has(clientId) && !journal.state.tables.has(clientId))
      return unknownClient(clientId);
    const before = clearedRows(journal.state);
    await journal.append([entry("audit", clock.now(), "responses.cleared", { clientId, by })]);
    return ok({ cleared: clearedRows(journal.state) - before });
  }

  /** The topology database has new data. */
  async topologyLoaded(loaded: FactBodies["topology.loaded"]): Promise<void> {
    const { journal, clock } = this.#ports;
    await journal.append([entry("audit", clock.now(), "topology.loaded", loaded)]);
  }

  /** R1: settings the fold reads are facts. Appends nothing where nothing changes. Of two at one time neither is lost. */
  async changeSettings(patch: SettingsPatch, by: string): Promise<Result<null>> {
    const { journal, clock } = this.#ports;
    for (;;) {
      // Those of the stream: what is durable may not be folded yet.
      const facts = await journal.ledger.readStream("settings");
      const settings = settingsOf(facts) ?? journal.state.settings;
      const changed = patched(settings, patch);
      const revision = facts.at(-1)?.position ?? 0;
      if (JSON.stringify(changed) === JSON.stringify(patched(settings, {}))) {
        while (revision > journal.state.position) await journal.append([]); // another's change: told once it is in force
        return ok(null);
      }
      const done = await journal.append(
        [entry("settings", clock.now(), "settings.changed", { ...changed, by })],
        [{ stream: "settings", revision }],
      );
      if (done.kind === "committed") return ok(null);
    }
  }

  #seen(clientId: string, force: ForceOptions): Result<{ lockGuid: string; fence: number }> {
    const view = this.#ports.views.get(clientId);
    if (view === undefined) return unknownClient(clientId);
    if (view.lockGuid === null || view.fence === null)
      return fail("NOT_LOCKED", `${clientId} is not locked; there is nothing to force.`);
    if (view.lockGuid !== force.lockGuid) return this.#moved(clientId);
    return ok({ lockGuid: view.lockGuid, fence: view.fence });
  }

  #moved(clientId: string): Result<never> {
    this.#ports.refused.note(); // L3
    const holder = this.#ports.journal.state.clients.get(clientId)?.lock?.lockGuid ?? null;
    return fail(
      "STALE_GUID",
      holder === null
        ? `${clientId} is free by now; the lock you saw has ended.`
        : `${clientId} is held by ${holder} by now; look at that flow before forcing it.`,
    );
  }
}

function unknownClient(clientId: string): Result<never> {
  return fail("UNKNOWN_CLIENT", `There is no Ticket Client ${clientId}; they are named client-01 and so on.`);
}

function clearedRows(state: State): number {
  let cleared = 0;
  for (const table of state.tables.values()) cleared += table.cleared;
  return cleared;
}

/** null: none were ever written. */
function settingsOf(facts: readonly Fact[]): FoldSettings | null {
  const last = facts.findLast((fact) => fact.type === "settings.changed");
  if (last === undefined) return null;
  const { by: _by, configured: _configured, ...settings } = last.body;
  return settings;
}

const noElements = { ticketGateway: "", topologyDatabase: "", heartbeatReceiver: "" };

/** All settings, with those of the patch in their place. */
function patched(settings: FoldSettings, { relatedElements, delays, ...patch }: SettingsPatch): FoldSettings {
  return {
    ...settings,
    ...defined(patch),
    delays: { ...noDelays, ...settings.delays, ...defined(delays ?? {}) },
    relatedElements: { ...noElements, ...settings.relatedElements, ...defined(relatedElements ?? {}) },
  };
}

/** Without the members that are not there. */
function defined<T extends object>(members: T): { [Name in keyof T]: Exclude<T[Name], undefined> } {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- exactly what the filter leaves
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as never;
}

/** L4 of a client's request, when its command was ended. A8: what was not even planned has settled nothing. */
function whatBecameOf(request: RequestState | null): "left" | "settled" | "cancelled" {
  if (request === null) return "cancelled";
  return request.status === "planned" || request.status === "retry" ? "settled" : "left";
}
