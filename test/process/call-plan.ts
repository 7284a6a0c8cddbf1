/** Which calls of a run to be killed at, and what was hit in the end, by call and file. */
import { tableLines } from "./command.ts";
import type { Call, CallNumber } from "./tracing.ts";

/** Every call of a counted run. Two threads' calls of the same number are one aim: whichever comes first is hit. */
export function aimsOf(calls: readonly Call[]): CallNumber[] {
  const seen = new Map<string, CallNumber>();
  for (const { name, number, file } of calls) {
    const key = `${name} ${number} ${file}`;
    if (!seen.has(key)) seen.set(key, { name, number, file });
  }
  return [...seen.values()];
}

/** About `most` of them in their order: of each kind of call and file at least one, the others evenly. */
export function sampleOf(aims: readonly CallNumber[], most: number): CallNumber[] {
  const chosen = new Set<number>();
  for (const kind of new Set(aims.map(kindOf))) {
    const places = aims.flatMap((aim, index) => (kindOf(aim) === kind ? [index] : []));
    chosen.add(places[Math.floor(places.length / 2)] ?? 0);
  }
  const rest = aims.map((_, index) => index).filter((index) => !chosen.has(index));
  const wanted = Math.max(0, Math.min(rest.length, most - chosen.size));
  for (let n = 0; n < wanted; n += 1) chosen.add(rest[Math.floor(((n + 0.5) * rest.length) / wanted)] ?? 0);
  return aims.filter((_, index) => chosen.has(index));
}

export function kindOf({ name, file }: Pick<CallNumber, "name" | "file">): string {
  return `${name} ${file}`;
}

/** The call that the process did not come back from; null: it was not killed at its aim. */
export function hitOf(calls: readonly Call[], aim: CallNumber): Call | null {
  const isAim = ({ name, number, file }: CallNumber): boolean =>
    name === aim.name && number === aim.number && file === aim.file;
  return calls.find((call) => !call.done && isAim(call)) ?? null;
}

export interface Counted {
  readonly aimed: number;
  readonly hit: number;
}

/** `made`: in the counted run. */
export function hitTable(made: readonly CallNumber[], counted: ReadonlyMap<string, Counted>): string[] {
  const kinds = [...new Set([...made.map(kindOf), ...counted.keys()])].sort();
  const rows = kinds.map((kind) => {
    const [name = "", file = ""] = kind.split(" ");
    const { aimed = 0, hit = 0 } = counted.get(kind) ?? {};
    return [name, file, made.filter((aim) => kindOf(aim) === kind).length, aimed, hit];
  });
  const sum = (column: number): number => rows.reduce((total, row) => total + Number(row[column]), 0);
  return tableLines(
    ["call", "file", "made", "aimed at", "hit"],
    [...rows, ["all", "", sum(2), sum(3), sum(4)]],
  );
}
