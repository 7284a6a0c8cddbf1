/**
 * What a crashed child leaves behind, made durable before the child may live again.
 *   R6 one crashing client disturbs nobody else.  G2 what a crashed gateway was sending is in doubt, never
 *   simply sent again.  L4 a crash frees the client, not the key.
 * Source: laws.md; architecture.md, "The actors".
 */
import { entry, type Entry } from "../machines/entry.ts";
import { keyOfHand } from "../machines/flow-end.ts";
import type { HeartbeatCheck } from "../machines/heartbeat.ts";
import { cancelRequest, doubtDelay, park } from "../machines/settlement.ts";
import { clientStream, keyStream } from "../machines/state.ts";
import { heartbeatCheckOf } from "../machines/supervisor.machine.ts";
import type { TicketClientRef } from "../machines/ticket-client.machine.ts";
import { viewOf, type ClientView } from "./engine-views.ts";
import type { Journal } from "./journal.ts";
import type { Clock, Log } from "./ports.ts";
import { endForcibly } from "./ticket-client.ts";

export interface CrashPorts {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Log;
  readonly views: ReadonlyMap<string, ClientView>;
  readonly client: (clientId: string) => TicketClientRef | undefined;
  readonly show: (view: ClientView) => void;
  /** The client takes no flow until it is idle again. */
  readonly gone: (clientId: string) => void;
  /** The service's gateway has nothing in flight any more. */
  readonly landed: (service: string) => void;
  /** The crash is durable: the supervisor may start the child again. */
  readonly revive: (child: string) => void;
}

export class CrashRecovery {
  readonly #ports: CrashPorts;

  constructor(ports: CrashPorts) {
    this.#ports = ports;
  }

  /** R6: the crash becomes durable, then the child may live again. */
  async crashed(
    report: { readonly child: string; readonly cause: string; readonly crashes: number },
    quarantined: boolean,
  ): Promise<void> {
    const { child, cause, crashes } = report;
    const { log, clock } = this.#ports;
    log.error("child.crashed", { child, cause, crashes, quarantined });
    try {
      const check = heartbeatCheckOf(child);
      if (check !== null) await this.#missBeat(check, cause);
      else if (child.startsWith("gateway:")) await this.#doubtInFlight(child.slice("gateway:".length), cause);
      else {
        this.#ports.gone(child);
        this.#ports.show(viewOf(child, quarantined ? "quarantined" : "restarting", null));
        await endForcibly({ journal: this.#ports.journal, clock }, child, { how: "crashed", cause }, null);
        if (quarantined)
          await this.#ports.journal.append([
            entry(clientStream(child), clock.now(), "client.quarantined", {
              clientId: child,
              crashes,
              cause,
            }),
          ]);
      }
    } catch (error) {
      log.error("crash.unrecorded", { child, error: String(error) });
      return;
    }
    if (!quarantined) this.#ports.revive(child);
  }

  /** The actor of a check that crashed sends nothing for its run; whatever its probe held, the probe gives back. */
  async #missBeat(check: HeartbeatCheck, cause: string): Promise<void> {
    const detail = `The actor of the heartbeat's check ${check} crashed: ${cause}`;
    await this.#ports.journal.append([
      entry("heartbeat", this.#ports.clock.now(), "heartbeat.failed", {
        check,
        beat: null,
        rid: null,
        because: "no beat came about",
        lockGuid: null,
        durationMs: null,
        failure: { code: "BEAT_CRASHED", detail },
      }),
    ]);
  }

  /** A gateway that crashed took the answer of its request with it: nobody knows. */
  async #doubtInFlight(service: string, cause: string): Promise<void> {
    const { state } = this.#ports.journal;
    const at = this.#ports.clock.now();
    const entries: Entry[] = [];
    for (const name of state.requests.values()) {
      const key = state.keys.get(name);
      const request = key?.request ?? null;
      if (key === undefined || request === null || request.service.name !== service) continue;
      if (request.status === "planned")
        entries.push(
          ...cancelRequest(key, request, at, `The gateway crashed before it was sent: ${cause}`, false),
        );
      if (request.status !== "sending") continue;
      const { requestId, attempts } = request;
      entries.push(
        entry(keyStream(name), at, "request.answered", {
          requestId,
          key: name,
          attempt: attempts,
          answer: "inDoubt",
          code: "RESET",
          cause,
          ticketId: null,
        }),
        park(
          key,
          at,
          "inDoubt",
          doubtDelay(request),
          `The gateway crashed while it was being sent: ${cause}`,
        ),
      );
    }
    this.#ports.landed(service);
    const waiting = [...this.#ports.views.values()].filter((view) => view.state === "forwarding");
    await this.#ports.journal.append(entries);
    // By now durable too: what was on its way to the disk as planned, and whose place in line died with the gateway.
    const guids = new Set(waiting.map(({ lockGuid }) => lockGuid));
    const left = this.#plannedUnder(guids, service, `The gateway crashed before it was sent: ${cause}`);
    if (left.length > 0) await this.#ports.journal.append(left);
    for (const { clientId, lockGuid, fence } of waiting) {
      // Its answer died with the gateway: what became of the request is a fact by now, and the flow goes on.
      const key = state.keys.get(
        state.clients.get(clientId)?.key ?? (lockGuid === null ? "" : (keyOfHand(state, lockGuid) ?? "")),
      );
      if (
        lockGuid === null ||
        fence === null ||
        (key?.request !== null && key?.request?.service.name !== service)
      )
        continue;
      const claim = state.clients.get(clientId)?.revision ?? 0;
      this.#ports.client(clientId)?.send({
        type: "client.forceNotBusy",
        lockGuid,
        fence,
        sending: true,
        claim,
        at,
      });
    }
  }

  /** L4 */
  #plannedUnder(guids: ReadonlySet<string | null>, service: string, because: string): Entry[] {
    const { state } = this.#ports.journal;
    const entries: Entry[] = [];
    for (const name of state.requests.values()) {
      const key = state.keys.get(name);
      const request = key?.request ?? null;
      if (key === undefined || request?.status !== "planned" || request.service.name !== service) continue;
      if (guids.has(request.lockGuid))
        entries.push(...cancelRequest(key, request, this.#ports.clock.now(), because, false));
    }
    return entries;
  }
}
