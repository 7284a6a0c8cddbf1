/**
 * What a crashed child leaves behind, made durable before the child may live again.
 *   R6 one crashing client disturbs nobody else.  G2 what a crashed gateway was sending is in doubt, never
 *   simply sent again.  L4 a crash frees the client, not the key.
 * Source: laws.md; architecture.md, "The actors".
 */
import { entry } from "../machines/entry.ts";
import { keyOfHand } from "../machines/flow-end.ts";
import type { HeartbeatCheck } from "../machines/heartbeat.ts";
import { leftInDoubt } from "../machines/recovery.ts";
import { cancelRequest } from "../machines/settlement.ts";
import { clientStream, keyStream, type RequestState, type State } from "../machines/state.ts";
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
        this.#show(viewOf(child, quarantined ? "quarantined" : "restarting", null));
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

  /** Whoever looks on does not decide whether it lives again. */
  #show(view: ClientView): void {
    try {
      this.#ports.show(view);
    } catch (error) {
      this.#ports.log.error("crash.unshown", { child: view.clientId, error: String(error) });
    }
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
    const { journal, clock } = this.#ports;
    const { state } = journal;
    const at = clock.now();
    this.#ports.landed(service);
    const waiting = [...this.#ports.views.values()].filter((view) => view.state === "forwarding");
    const guids = new Set(waiting.map(({ lockGuid }) => lockGuid));
    const keyOf = ({ clientId, lockGuid }: ClientView): string | null =>
      state.clients.get(clientId)?.key ?? (lockGuid === null ? null : keyOfHand(state, lockGuid));
    // By now: what becomes of a hand's request takes it from its lock.
    const keys = new Map(waiting.map((view) => [view, keyOf(view)]));
    await Promise.all(requestsAt(state, service).map((request) => this.#endInFlight(request, cause)));
    // Behind what was on its way to the disk: a plan among it has lost its place in line as well.
    await journal.append([]);
    const planned = requestsAt(state, service).filter(
      ({ clientId, lockGuid, status }) =>
        status === "planned" &&
        (guids.has(lockGuid) || state.clients.get(clientId)?.lock?.lockGuid !== lockGuid),
    );
    await Promise.all(planned.map((request) => this.#endInFlight(request, cause)));
    for (const [{ clientId, lockGuid, fence }, name] of keys) {
      // Its answer died with the gateway: what became of the request is a fact by now, and the flow goes on.
      const request = name === null ? null : (state.keys.get(name)?.request ?? null);
      if (lockGuid === null || fence === null || name === null) continue;
      if (request !== null && request.service.name !== service) continue;
      const { key = null, revision: claim = 0 } = state.clients.get(clientId) ?? {};
      this.#ports.client(clientId)?.send({
        type: "client.forceNotBusy",
        lockGuid,
        fence,
        request: key === null && request === null ? "cancelled" : "left",
        claim,
        at,
      });
    }
  }

  /**
   * G2 in doubt if it was being sent, L4 cancelled if it was planned; nothing, if the gateway that was opened meanwhile
   * has taken it up: judged again while the key moves on.
   */
  async #endInFlight({ key: name, requestId, status, attempts }: RequestState, cause: string): Promise<void> {
    const { journal, clock } = this.#ports;
    for (;;) {
      const key = journal.state.keys.get(name);
      const request = key?.request ?? null;
      if (key === undefined || request?.requestId !== requestId) return;
      if (request.status !== status || request.attempts !== attempts) return;
      const at = clock.now();
      const entries =
        status === "planned"
          ? cancelRequest(key, request, at, `The gateway crashed before it was sent: ${cause}`, false)
          : leftInDoubt(key, request, at, {
              code: "RESET",
              cause,
              because: `The gateway crashed while it was being sent: ${cause}`,
            });
      const done = await journal.append(entries, [{ stream: keyStream(name), revision: key.revision }]);
      if (done.kind === "committed") return;
    }
  }
}

/** Planned or being sent, as they are now. */
function requestsAt({ requests, keys }: State, service: string): RequestState[] {
  return [...requests.values()].flatMap((name) => {
    const request = keys.get(name)?.request ?? null;
    if (request === null || request.service.name !== service) return [];
    return request.status === "planned" || request.status === "sending" ? [{ ...request }] : [];
  });
}
