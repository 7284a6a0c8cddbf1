/** The alarms of a storm, the same for the same plan: which event of which source is due when. */
import { Random } from "../simulation/random.ts";

export interface StormPlan {
  /** Part of the sources' names: events of two plans with different names are different events. */
  readonly name: string;
  /** Each speaks over a connection of its own, for objects of its own. */
  readonly sources: number;
  readonly objects: number;
  /** First every object is raised, within so long. */
  readonly burstSeconds: number;
  /** Then so many a second, for so long: changes, further raises, clears. At the end nothing is active. */
  readonly perSecond: number;
  readonly seconds: number;
}

export interface SourcePlan {
  readonly source: string;
  /** Milliseconds after the start, never falling. The index is the place in the source, and as text the event's id. */
  readonly due: Float64Array;
  readonly texts: readonly string[];
}

export function planStorm(plan: StormPlan): SourcePlan[] {
  const random = new Random(plan.name);
  const objects = Array.from({ length: plan.objects }, (_, n) => new StormObject(n));
  const visits: StormObject[] = [];
  while (visits.length < plan.perSecond * plan.seconds) visits.push(...shuffled(objects, random));
  visits.length = Math.floor(plan.perSecond * plan.seconds);
  for (const object of visits) object.visitsLeft += 1;

  const parts = Array.from({ length: plan.sources }, (_, n) => ({
    source: `urn:storm:${plan.name}:${n + 1}`,
    due: [] as number[],
    texts: [] as string[],
  }));
  const emit = (object: StormObject, step: Step, dueMs: number): void => {
    const { source, due, texts } = parts[object.number % parts.length] as (typeof parts)[number];
    texts.push(object.event(step, { source, id: String(texts.length), dueMs }));
    due.push(dueMs);
  };
  for (const object of objects)
    emit(
      object,
      { kind: "raise", type: "linkDown" },
      (object.number / plan.objects) * plan.burstSeconds * 1_000,
    );
  for (const [n, object] of visits.entries()) {
    const dueMs = (plan.burstSeconds + n / plan.perSecond) * 1_000;
    emit(object, object.nextStep(random), dueMs);
  }
  return parts.map(({ source, due, texts }) => ({ source, due: Float64Array.from(due), texts }));
}

interface Step {
  readonly kind: "raise" | "change" | "clear";
  readonly type: (typeof alarmTypes)[number];
}

const alarmTypes = ["linkDown", "powerLoss"] as const;
const epoch = Date.UTC(2026, 0, 5);

/** One object with up to two alarms; how its next event goes on from those before. */
class StormObject {
  readonly number: number;
  visitsLeft = 0;
  /** By alarm type: when it was raised. */
  readonly #active = new Map<string, number>();

  constructor(number: number) {
    this.number = number;
  }

  /** The last two visits clear what is active. */
  nextStep(random: Random): Step {
    const left = this.visitsLeft--;
    const active = alarmTypes.filter((type) => this.#active.has(type));
    const quiet = alarmTypes.filter((type) => !this.#active.has(type));
    if (left <= alarmTypes.length) return { kind: "clear", type: active[0] ?? "linkDown" };
    const kind = random.weighted({
      raise: quiet.length,
      change: active.length === 0 ? 0 : 1,
      clear: active.length,
    });
    return { kind, type: random.pick(kind === "raise" ? quiet : active) };
  }

  event(
    { kind, type }: Step,
    { source, id, dueMs }: { readonly source: string; readonly id: string; readonly dueMs: number },
  ): string {
    const at = epoch + Math.round(dueMs);
    const raisedAt = kind === "raise" ? at : (this.#active.get(type) ?? at);
    if (kind === "clear") this.#active.delete(type);
    else this.#active.set(type, raisedAt);
    return JSON.stringify({
      specversion: "1.0",
      id,
      source,
      type: `org.tmforum.alarm.${eventTypes[kind]}`,
      time: new Date(at).toISOString(),
      data: {
        externalAlarmId: `${this.number}/${type}`,
        alarmRaisedTime: new Date(raisedAt).toISOString(),
        ...(kind === "clear" ? { alarmClearedTime: new Date(at).toISOString() } : undefined),
        alarmType: type,
        alarmedObject: { id: `node-${this.number}` },
        perceivedSeverity: { raise: "major", change: "critical", clear: "cleared" }[kind],
        probableCause: "lossOfSignal",
        specificProblem: `Port ${this.number % 48} of node-${this.number} reports ${type}`,
        sourceSystemId: "ems-1",
        state: { raise: "raised", change: "updated", clear: "cleared" }[kind],
      },
    });
  }
}

const eventTypes = {
  raise: "AlarmCreateEvent",
  change: "AlarmAttributeValueChangeEvent",
  clear: "AlarmStateChangeEvent",
} as const;

function shuffled<T>(list: readonly T[], random: Random): T[] {
  const mixed = [...list];
  for (let at = mixed.length - 1; at > 0; at -= 1) {
    const other = random.int(0, at);
    [mixed[at], mixed[other]] = [mixed[other] as T, mixed[at] as T];
  }
  return mixed;
}
