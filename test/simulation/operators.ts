/**
 * What people do to a running engine: force, resolve, select, import, clear, hold a client by hand.
 *   L6 a force under a lock that has ended is refused.  S9 an export comes back equal.
 */
import type { ClientView } from "../../actors/engine-views.ts";
import type { HeldClient } from "../../actors/held-client.ts";
import type { Supervisor } from "../../actors/supervisor.ts";
import type { Act } from "./scenario.ts";
import type { Life, SimulatedClock } from "./simulated-clock.ts";
import type { Counters, Situation } from "./situations.ts";
import type { TicketTruth } from "./ticket-truth.ts";

export interface OperatorParts {
  readonly clock: SimulatedClock;
  readonly truth: TicketTruth;
  readonly counters: Counters;
  /** How long ago the last socket of the request ended, in ms; Infinity: none did. */
  readonly restedMs: (requestId: string) => number;
}

type Force = Extract<Act, { act: "force" }>;

const inState: Readonly<Partial<Record<string, Situation>>> = {
  idle: "force in idle",
  locked: "force in locked",
  searching: "force in searching",
  forwarding: "force in forwarding",
  closing: "force in closing",
};

export class Operators {
  readonly broken: string[] = [];
  readonly #parts: OperatorParts;
  #engine: { readonly supervisor: Supervisor; readonly life: Life } | null = null;
  #waiting: Force[] = [];
  /** A lock of each client that has been seen. */
  readonly #seen = new Map<string, string>();

  constructor(parts: OperatorParts) {
    this.#parts = parts;
  }

  connect(supervisor: Supervisor, life: Life): void {
    this.#engine = { supervisor, life };
  }

  disconnect(): void {
    this.#engine = null;
  }

  /** Nobody waits for a moment any more. */
  goHome(): void {
    this.#waiting = [];
  }

  /** A client has changed: somebody may have waited for that. */
  onClient(view: ClientView): void {
    const due = this.#waiting.filter((one) =>
      one.state === "inLine"
        ? view.state === "forwarding"
        : one.state === view.state && clientName(one) === view.clientId,
    );
    if (due.length > 0) {
      this.#waiting = this.#waiting.filter((one) => !due.includes(one));
      this.#parts.clock.setTimeout(() => {
        for (const one of due) {
          if (one.state === "inLine") this.#forceInLine(one, view.clientId);
          else this.#force(one);
        }
      }, 0);
    }
    if (view.lockGuid !== null && !this.#seen.has(view.clientId))
      this.#seen.set(view.clientId, view.lockGuid);
  }

  force(act: Force): void {
    if (act.state === null) this.#force(act);
    else this.#waiting.push(act);
  }

  /** As soon as the client's request waits for another's at the gateway; where it does not soon, the next time. */
  #forceInLine(act: Force, clientId: string, looks = 20): void {
    this.#ask(async ({ state }) => {
      const known = [...state.requests.values()].map((key) => state.keys.get(key)?.request);
      const isPlanned = known.some((one) => one?.clientId === clientId && one.status === "planned");
      if (isPlanned && known.some((one) => one?.status === "sending")) return this.#force(act, clientId);
      if (looks === 0) this.#waiting.push(act);
      else this.#parts.clock.setTimeout(() => this.#forceInLine(act, clientId, looks - 1), 1);
    });
  }

  act(act: Extract<Act, { act: "resolve" | "select" | "import" | "rows" | "clearRows" | "hand" }>): void {
    this.#ask(async (supervisor, life) => {
      const { counters } = this.#parts;
      const by = "ann";
      switch (act.act) {
        case "resolve":
          return this.#resolveAll(supervisor);
        case "select": {
          const service = supervisor.state.services[act.service];
          if (service !== undefined) await supervisor.selectService(service.name, { by });
          return;
        }
        case "import":
          return this.#import(supervisor, act.what);
        case "rows":
          await supervisor.operators.changeSettings({ maxResponseRows: act.max }, by);
          counters.count("fewer rows");
          return;
        case "clearRows":
          await supervisor.operators.clearResponses(null, by);
          return;
        case "hand":
          return this.#hold(supervisor, life, act);
      }
    });
  }

  /** G4: says of every unknown request what is true. */
  resolveAll(): void {
    this.#ask((supervisor) => this.#resolveAll(supervisor));
  }

  /** What fails because the ledger or the process did is no concern of the operator's. */
  #ask(what: (supervisor: Supervisor, life: Life) => Promise<void>): void {
    const engine = this.#engine;
    if (engine === null) return;
    engine.life.reach(() => void what(engine.supervisor, engine.life).catch(() => undefined));
  }

  async #resolveAll(supervisor: Supervisor): Promise<void> {
    const { truth, counters, restedMs } = this.#parts;
    for (const [requestId, key] of supervisor.state.unknown) {
      const request = supervisor.state.keys.get(key)?.unknown.find((one) => one.requestId === requestId);
      const service = supervisor.state.services.find((one) => one.name === request?.service);
      if (service === undefined || restedMs(requestId) < service.settleSeconds * 4_000) continue;
      const effect = truth.effectOf(requestId);
      const applied = effect?.kind === "ack";
      const told = await supervisor.resolve(requestId, {
        verdict: applied ? "applied" : "notApplied",
        ticketId: applied ? effect.ticketId : null,
        by: "ann",
        reason: "looked it up",
      });
      if (told.ok) counters.count(applied ? "verdict applied" : "verdict not applied");
    }
  }

  async #import(supervisor: Supervisor, what: "notes" | "without" | "bad"): Promise<void> {
    const lines = supervisor.exportServices().trimEnd().split(/\r?\n/);
    const csv =
      what === "notes"
        ? lines.map((line, index) => (index === 0 ? line : `${line.slice(0, line.lastIndexOf(","))},seen`))
        : what === "without"
          ? lines.slice(0, -1)
          : [...lines, "half a row"];
    const told = await supervisor.importServices(`${csv.join("\n")}\n`, { by: "ann" });
    if (!told.ok) this.#parts.counters.count("import refused");
    if (what === "bad" && told.ok) this.broken.push("CSV: a ragged row was imported");
  }

  /** A flow written by hand: it may hold its client for longer than it should. */
  async #hold(supervisor: Supervisor, life: Life, act: Extract<Act, { act: "hand" }>): Promise<void> {
    const client = await supervisor.lock({ timeoutSeconds: 30 });
    if (act.searches) await client.search({ clientReference: act.key });
    life.setTimeout(() => void this.#letGo(client), act.holdMs);
  }

  async #letGo(client: HeldClient): Promise<void> {
    const told = await client.close();
    if (!told.ok) this.#parts.counters.count("stale fence");
  }

  #force(act: Force, clientId = clientName(act)): void {
    this.#ask(async (supervisor) => {
      const { counters } = this.#parts;
      const view = supervisor.snapshot().clients.find((one) => one.clientId === clientId);
      if (view === undefined) return;
      // Held and not busy is a flow for no time at all, a hand for long.
      if (act.state === "locked" && view.state !== "locked") return void this.#waiting.push(act);
      const situation = inState[view.state];
      if (situation !== undefined) counters.count(situation);
      const old = this.#seen.get(clientId);
      const lockGuid = act.guid === "old" && old !== undefined ? old : (view.lockGuid ?? old ?? "none");
      const isOld = lockGuid !== view.lockGuid;
      const how = { lockGuid, by: "ann", reason: "stuck" };
      const tries = Array.from({ length: act.times }, () =>
        act.what === "unlock"
          ? supervisor.forceUnlock(clientId, how)
          : supervisor.forceNotBusy(clientId, how),
      );
      for (const told of await Promise.all(tries)) {
        if (told.ok && isOld)
          this.broken.push(`L6: ${clientId} was forced under ${lockGuid}, which had ended`);
        if (!told.ok && told.failure.code === "STALE_GUID") counters.count("force refused as stale");
      }
    });
  }
}

function clientName({ client }: Force): string {
  return `client-${String(client + 1).padStart(2, "0")}`;
}
