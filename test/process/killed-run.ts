/**
 * One run of the canonical scenario in which the engine's process is killed at a given system call, and what must
 * hold afterwards.
 *   A1 what was acknowledged is there.  A2 one outcome each.  A4 a repeat is known.  T1 one ticket each.
 *   R2 a recovery may be killed as well.
 */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as wait } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { verifyLedger } from "../../adapters/ledger/inspection.ts";
import { alarmStream } from "../../machines/facts.ts";
import { calm, engineWords, figures } from "../acceptance/house.ts";
import { launch, portOf, type How, type Launched } from "../acceptance/processes.ts";
import { isSoonEnough, startOf, type Start } from "../acceptance/starts.ts";
import { openSender, type AlarmSender } from "./alarm-sender.ts";
import { canonicalAlarms, type CanonicalAlarms } from "./canonical-alarms.ts";
import { readTrace, straceWords, type Call, type CallNumber } from "./tracing.ts";

export interface Place {
  /** Of this run alone: everything it writes is in it. */
  readonly folder: string;
  readonly dataDir: string;
  /** Names the run: its alarms and keys are its own. */
  readonly run: string;
  readonly desk: { readonly port: number; readonly dir: string };
  /** Of the engines' environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** What was acknowledged so far, by the index of the alarm: its position. */
type Acknowledged = Map<number, number>;

/** How far a life of the engine is to come. */
export type Until = "recovered" | "settled" | "stopped";

const lookMs = 4;
/** A minute; in looks, not in time, so that a machine that pauses everything fails nobody. */
const looksMost = 15_000;

export class KilledRun {
  readonly #place: Place;
  readonly #script: CanonicalAlarms;
  readonly #acknowledged: Acknowledged = new Map();
  /** What did not hold. */
  readonly wrong: string[] = [];

  constructor(place: Place) {
    this.#place = place;
    this.#script = canonicalAlarms(place.run);
  }

  /** A life under strace. Resolves with its calls when it was killed or came as far as it was to. */
  async trace(kill: CallNumber | null, until: Until, bytesShown?: number): Promise<readonly Call[]> {
    const { folder, dataDir } = this.#place;
    const trace = join(folder, "trace");
    rmSync(trace, { force: true });
    const engine = this.#launch({
      under: straceWords({ dataDir, trace, kill, ...(bytesShown === undefined ? {} : { bytesShown }) }),
    });
    await this.#live(engine, until);
    return readTrace(readFileSync(trace, "utf8"), dataDir);
  }

  /** A life that nothing disturbs, and everything that must hold at its end. */
  async conclude(): Promise<Start | null> {
    const engine = this.#launch({});
    const ready = await engine.ready;
    if (ready === null) {
      this.wrong.push(`it did not start again: ${(await engine.ended).said.trim()}`);
      return null;
    }
    const port = portOf(ready);
    const start = await startOf({ port }, ready.readyMs);
    this.#must(isSoonEnough(start), `ready after ${start.ms} ms (CPU ${start.cpuMs} ms)`);
    await this.#untilSettled(port);
    await this.#send(port);
    await this.#check(port);
    engine.child.kill("SIGKILL");
    await engine.ended;
    return start;
  }

  #launch(how: Pick<How, "under">): Launched {
    const { folder, dataDir, desk, env } = this.#place;
    const config = { clients: 2, coalesce: false };
    const words = engineWords({ folder, dataDir, deskPort: desk.port, promise: calm, config }, 0);
    return launch(words, { ...how, env });
  }

  async #live(engine: Launched, until: Until): Promise<void> {
    const ready = await engine.ready;
    if (ready !== null) {
      const port = portOf(ready);
      let alive = await this.#untilSettled(port);
      if (alive && until !== "recovered") alive = await this.#send(port);
      if (alive) engine.child.kill(until === "stopped" ? "SIGTERM" : "SIGKILL");
    }
    await engine.ended;
  }

  /** The alarms not acknowledged yet, each settled before the next. False: the engine is gone. */
  async #send(port: number): Promise<boolean> {
    const sender = await openSender(port);
    if (sender === null) return false;
    try {
      for (const [index, alarm] of this.#script.alarms.entries()) {
        if (this.#acknowledged.has(index)) continue;
        const answer = await sender.send(alarm);
        if (answer === null) return false;
        if (answer.kind === "accepted") this.#acknowledged.set(index, answer.position);
        else this.wrong.push(`alarm ${alarm.id} was refused with ${answer.code}`);
        if (!(await this.#untilSettled(port))) return false;
      }
      return true;
    } finally {
      sender.close();
    }
  }

  async #untilSettled(port: number): Promise<boolean> {
    for (let looks = 1; ; looks += 1) {
      const seen = await figures({ port }).catch(() => null);
      if (seen === null) return false;
      if (seen.settled === seen.accepted) return true;
      if (looks > looksMost) {
        this.wrong.push(`${seen.accepted - seen.settled} alarms were not settled after ${looks} looks`);
        return true;
      }
      await wait(lookMs);
    }
  }

  async #check(port: number): Promise<void> {
    const sender = await openSender(port);
    if (sender === null) return void this.wrong.push("the engine is gone at the end");
    await this.#checkRepeats(sender);
    sender.close();
    this.#checkLedger();
    this.#checkDesk();
    await verifyLedger(this.#place.dataDir).catch((error: unknown) => this.wrong.push(String(error)));
  }

  /** A1 A4: sent again, each is known, at the position it was acknowledged with. */
  async #checkRepeats(sender: AlarmSender): Promise<void> {
    for (const [index, alarm] of this.#script.alarms.entries()) {
      const answer = await sender.send(alarm);
      const position = this.#acknowledged.get(index);
      this.#equal(`A1 A4: alarm ${alarm.id} sent again`, answer, {
        kind: "accepted",
        position,
        duplicate: true,
      });
    }
  }

  /** A1 A2: at its position, once, and with one outcome. */
  #checkLedger(): void {
    const db = new DatabaseSync(join(this.#place.dataDir, "ledger.db"), { readOnly: true });
    try {
      const accepted = db.prepare("SELECT position FROM facts WHERE type = 'alarm.accepted' AND stream = ?");
      const settled = db.prepare(
        "SELECT body ->> '$.outcome' AS outcome FROM facts WHERE type = 'alarm.settled' AND body ->> '$.alarm.position' = ?",
      );
      for (const [index, { source, id, outcome }] of this.#script.alarms.entries()) {
        const position = this.#acknowledged.get(index) ?? 0;
        const places = accepted.all(alarmStream(source, id)).map((row) => row["position"]);
        this.#equal(`A1: places of alarm ${id} in the ledger`, places, [position]);
        const outcomes = settled.all(position).map((row) => row["outcome"]);
        this.#equal(`A2: outcomes of alarm ${id}`, outcomes, [outcome]);
      }
    } finally {
      db.close();
    }
  }

  /** T1, from the desk's own files. */
  #checkDesk(): void {
    const db = new DatabaseSync(join(this.#place.desk.dir, "desk.db"), { readOnly: true });
    try {
      const tickets = db.prepare(
        "SELECT status NOT IN ('closed', 'cancelled', 'resolved') AS open, body ->> '$.severity' AS severity FROM ticket WHERE client_reference = ?",
      );
      for (const { key, open, severity } of this.#script.tickets) {
        const rows = tickets.all(key).map((row) => ({ open: row["open"] === 1, severity: row["severity"] }));
        this.#equal(`T1: tickets of ${key} at the desk`, rows, [{ open, severity }]);
      }
    } finally {
      db.close();
    }
  }

  #equal(what: string, seen: unknown, expected: unknown): void {
    const text = `${what}: ${JSON.stringify(seen)}, expected ${JSON.stringify(expected)}`;
    this.#must(isDeepStrictEqual(seen, expected), text);
  }

  #must(holds: boolean, sentence: string): void {
    if (!holds) this.wrong.push(sentence);
  }
}
