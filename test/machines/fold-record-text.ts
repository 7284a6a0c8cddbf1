/** What each fact of a history changes in the state, as text for people: a line for each place that changed. */
import { stateText } from "../../machines/fold-snapshot.ts";
import { applyFact } from "../../machines/fold.ts";
import type { Fact } from "../../machines/facts.ts";
import { emptyState } from "../../machines/state.ts";
import { recordValue } from "./record-text.ts";

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** Of every fact: where it is in the ledger. What they say has tests of its own. */
const places = new Set(["position", "revision", "lastAt", "shape"]);

/** From the fact at `from` on. Not whole: without what only a client's lock or its response table knows of. */
export function changesText(facts: readonly Fact[], from: number, isWhole: boolean): string[] {
  const state = emptyState();
  let before = read(stateText(state));
  const lines: string[] = [];
  for (const [index, fact] of facts.entries()) {
    applyFact(state, fact);
    const after = read(stateText(state));
    if (index >= from) {
      const place = fact.stream.startsWith("key/") ? fact.stream.slice(4) : fact.stream;
      const all = [...changes("", before, after)];
      const told = isWhole ? all : all.filter((change) => !/^(clients|tables)\./.test(change));
      if (told.length > 0 || all.length === 0)
        lines.push(`${fact.position} ${fact.type} (${place})`, ...told.map((change) => `    ${change}`));
    }
    before = after;
  }
  return lines;
}

/** What is known before any fact, a line for each member that is something. */
export function emptyText(): string[] {
  const members = JSON.parse(stateText(emptyState())) as { readonly [name: string]: Json };
  return Object.entries(members).flatMap(([name, value]) =>
    value === null || value === "" || (isArray(value) && value.length === 0)
      ? []
      : [`${name}: ${recordValue(value)}`],
  );
}

function read(text: string): Json {
  return mapsAsObjects(JSON.parse(text) as Json);
}

/** `[name, value]` pairs, as a Map is written, and keys by their names. */
function mapsAsObjects(value: Json): Json {
  if (value === null || typeof value !== "object") return value;
  if (!isArray(value))
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, mapsAsObjects(one)]));
  const entries = value.map(entryOf);
  if (entries.length > 0 && entries.every((one) => one !== null)) return Object.fromEntries(entries);
  return value.map(mapsAsObjects);
}

function entryOf(value: Json): [string, Json] | null {
  if (value === null || typeof value !== "object") return null;
  if (isArray(value)) {
    const [name, one = null] = value;
    return value.length === 2 && typeof name === "string" ? [name, mapsAsObjects(one)] : null;
  }
  const { key, waiting } = value;
  return typeof key === "string" && waiting !== undefined ? [key, mapsAsObjects(value)] : null;
}

function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function* changes(path: string, before: Json, after: Json): Generator<string> {
  if (JSON.stringify(before) === JSON.stringify(after)) return;
  if (isArray(before) && isArray(after)) return yield* spliced(path, before, after);
  const [from, to] = [branch(before), branch(after)];
  if (from === null || to === null) return yield `${path}: ${valueText(after)}`;
  for (const name of new Set([...Object.keys(from), ...Object.keys(to)])) {
    if (places.has(name) && (path === "" || /^(keys|clients)\.[^.]+$/.test(path))) continue;
    const was = from[name];
    const is = to[name];
    const place = path === "" ? name : `${path}.${name}`;
    if (is === undefined) yield `${place} gone`;
    else yield* changes(place, was ?? null, is);
  }
}

/** Elements that left and came, where. */
function* spliced(path: string, before: readonly Json[], after: readonly Json[]): Generator<string> {
  const same = (a: Json | undefined, b: Json | undefined): boolean => JSON.stringify(a) === JSON.stringify(b);
  let front = 0;
  while (front < Math.min(before.length, after.length) && same(before[front], after[front])) front += 1;
  let [last, lastNow] = [before.length, after.length];
  while (last > front && lastNow > front && same(before[last - 1], after[lastNow - 1])) {
    last -= 1;
    lastNow -= 1;
  }
  for (let at = front; at < last; at += 1) yield `${path}[${at}] gone`;
  for (let at = front; at < lastNow; at += 1) yield `${path}[${at}]: ${valueText(after[at] ?? null)}`;
}

/** The members; of a Map that is empty, none. */
function branch(value: Json): { readonly [name: string]: Json } | null {
  if (value === null || typeof value !== "object") return null;
  if (!isArray(value)) return value;
  return value.length === 0 ? {} : null;
}

/** Of a notification only what tells it from others. */
function valueText(value: Json): string {
  return recordValue(shortened(value));
}

function shortened(value: Json): Json {
  if (value === null || typeof value !== "object") return value;
  if (isArray(value)) return value.map(shortened);
  const { notification, ...others } = value;
  const short = Object.fromEntries(Object.entries(others).map(([name, one]) => [name, shortened(one)]));
  if (notification === undefined || notification === null || typeof notification !== "object") return short;
  const { kind, alarm } = notification as { readonly kind: string; readonly alarm: string };
  return { ...short, notification: `${kind} of ${alarm}` };
}
