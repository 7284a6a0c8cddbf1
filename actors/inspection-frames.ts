/**
 * Frames of the inspector protocol (`@statelyai/inspect` 0.7) from live actors: plain JSON of bounded size.
 *   F4 nothing here runs what it shows: getters are not read, classes not opened, and whatever throws is left out.
 *   S3 depth, values and text of every member are bounded.  S4 no secret and no function leaves.
 * Ids are ours (`client-07`, `gateway:OSB`, a flow's lock GUID), never XState's sessionIds: those count per process.
 */
import { limits } from "../machines/limits.ts";
import type { Instant } from "../machines/vocabulary.ts";

/** What is read of an XState actor; XState types less of it. */
export interface InspectedActor {
  readonly id: string;
  /** The name of its logic where it was invoked or spawned by name. */
  readonly src?: unknown;
  readonly logic?: { readonly config?: unknown };
  readonly options?: { readonly input?: unknown };
  readonly _parent?: InspectedActor | undefined;
  getSnapshot(): unknown;
}

/** Receivers tell inspection frames from other messages by it. */
export const inspectVersion = "0.7.2";
export const rootId = "supervisor";

/** Our id of an actor: its own, a flow's lock GUID, and of what a gateway has begun `gateway:OSB/claim`. */
export function stableId(actor: InspectedActor): string {
  const { id } = actor;
  const parent = parentOf(actor);
  if (parent === undefined) return rootId;
  if (id === "flow") return lockGuidOf(actor) ?? `${stableId(parent)}/flow`;
  if (isMachine(actor)) return id;
  return `${stableId(parent)}/${typeof actor.src === "string" ? actor.src : "actor"}`;
}

export function parentOf({ _parent: parent }: InspectedActor): InspectedActor | undefined {
  return parent;
}

/** Machines have a chart; the rest is what one of them has begun. */
export function isMachine({ logic }: InspectedActor): boolean {
  return typeof logic?.config === "object" && logic.config !== null;
}

export function childrenOf(actor: InspectedActor): InspectedActor[] {
  const children = dataOf(actor.getSnapshot(), "children");
  if (typeof children !== "object" || children === null) return [];
  return Object.values(children).filter((child: unknown) => child !== undefined) as InspectedActor[];
}

/** `active`, `done`, `error` or `stopped`. */
export function statusOf(snapshot: unknown): unknown {
  return (snapshot as { readonly status?: unknown } | undefined)?.status;
}

/** `withParent`: false for the uppermost actor that a reader is shown. */
export function actorFrame(
  actor: InspectedActor,
  snapshot: unknown,
  { at, withParent }: { readonly at: Instant; readonly withParent: boolean },
): string {
  const parent = parentOf(actor);
  const head = frame("@xstate.actor", stableId(actor), at, {
    name: nameOf(actor),
    ...(withParent && parent !== undefined ? { parentId: stableId(parent) } : undefined),
    snapshot: plainSnapshot(snapshot),
  });
  // The longest part by far, and the same for every actor of a machine.
  return `${head.slice(0, -1)},"definition":${definitionText(actor)}}`;
}

export function eventFrame(
  actor: InspectedActor,
  event: unknown,
  { at, source }: { readonly at: Instant; readonly source: InspectedActor | null },
): string {
  return frame("@xstate.event", stableId(actor), at, {
    ...(source === null ? undefined : { sourceId: stableId(source) }),
    event: plainMembers(event),
  });
}

export function snapshotFrame(actor: InspectedActor, snapshot: unknown, event: unknown, at: Instant): string {
  return frame("@xstate.snapshot", stableId(actor), at, {
    event: plainMembers(event),
    snapshot: plainSnapshot(snapshot),
  });
}

function frame(type: string, sessionId: string, at: Instant, more: object): string {
  return JSON.stringify({
    type,
    sessionId,
    rootId,
    id: null,
    createdAt: String(at),
    _version: inspectVersion,
    ...more,
  });
}

function nameOf(actor: InspectedActor): string {
  const id = dataOf(actor.logic?.config, "id");
  return parentOf(actor) === undefined && typeof id === "string" ? id : stableId(actor);
}

function lockGuidOf({ options }: InspectedActor): string | null {
  // Asked at every step of every actor, of an input that is ours.
  const guid = (options?.input as { readonly lockGuid?: unknown } | undefined)?.lockGuid;
  return typeof guid === "string" ? guid : null;
}

const definitions = new WeakMap<object, string>();

/** JSON text of a string that is JSON: the machine's configuration, functions as `{type: name}`. */
function definitionText(actor: InspectedActor): string {
  const config = actor.logic?.config;
  if (typeof config !== "object" || config === null)
    return JSON.stringify(JSON.stringify({ id: nameOf(actor) }));
  const known = definitions.get(config);
  if (known !== undefined) return known;
  const text = JSON.stringify(
    JSON.stringify(config, (_key, value: unknown) =>
      typeof value === "function" ? { type: value.name } : value,
    ),
  );
  definitions.set(config, text);
  return text;
}

function plainSnapshot(snapshot: unknown): object {
  const tags = dataOf(snapshot, "tags");
  const shown = {
    status: dataOf(snapshot, "status") ?? "active",
    value: plain(dataOf(snapshot, "value")),
    context: plainMembers(dataOf(snapshot, "context")),
    tags: tags instanceof Set ? plain(tags) : [],
    children: plainChildren(dataOf(snapshot, "children")),
    output: plain(dataOf(snapshot, "output")),
    error: plain(dataOf(snapshot, "error")),
  };
  // What a machine has begun has an input and neither states nor children.
  if (shown.value === undefined)
    return { status: shown.status, output: shown.output, error: shown.error, context: shown.context };
  return shown;
}

function plainChildren(children: unknown): object {
  if (typeof children !== "object" || children === null) return {};
  const shown: Record<string, object> = {};
  for (const name of Object.keys(children).slice(0, limits.inspectMembersMax)) {
    const child = dataOf(children, name);
    if (typeof child === "object" && child !== null) {
      const id = stableId(child as InspectedActor);
      shown[id] = { xstate$$type: 1, id };
    }
  }
  return shown;
}

/** Each member by itself, so that a long one takes nothing from the others. */
function plainMembers(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return plain(value);
  try {
    const names = Object.keys(value);
    const shown = empty();
    for (const name of names.slice(0, limits.inspectMembersMax)) shown[cut(name)] = plainMember(value, name);
    if (names.length > limits.inspectMembersMax)
      shown["…"] = `${names.length - limits.inspectMembersMax} more`;
    return shown;
  } catch {
    return unreadable;
  }
}

function plainMember(value: object, name: string): unknown {
  return new Projection().member(value, name, 1);
}

function plain(value: unknown): unknown {
  return new Projection().of(value, 0);
}

const unreadable = "[unreadable]";
const more = "[…]";
/** S4: by their names; the product keeps secrets in files and puts none into a machine, an embedder's decision may. */
const secret = /passw|passphrase|secret|token|authori[sz]ation|cookie|credential|api.?key/i;
const userInUrl = /\/\/[^/\s@]*@/g;

/** One value within one allowance of values and text. */
class Projection {
  #values: number = limits.inspectValuesMax;
  #chars: number = limits.inspectTextCharsMax;

  get #isSpent(): boolean {
    return this.#values <= 0 || this.#chars <= 0;
  }

  of(value: unknown, depth: number): unknown {
    if (--this.#values < 0) return more;
    switch (typeof value) {
      case "string":
        return this.#text(value);
      case "number":
        return Number.isFinite(value) ? value : String(value);
      case "bigint":
        return this.#text(String(value));
      case "boolean":
      case "undefined":
        return value;
      case "object":
        if (value === null) return null;
        if (depth >= limits.inspectDepthMax) return more;
        try {
          return this.#object(value, depth);
        } catch {
          return unreadable;
        }
      default:
        return `[${typeof value}]`;
    }
  }

  member(value: object, name: string, depth: number): unknown {
    try {
      const found = Object.getOwnPropertyDescriptor(value, name);
      if (found === undefined || !("value" in found)) return "[getter]";
      if (secret.test(name) && found.value !== null && found.value !== undefined) return "[redacted]";
      return this.of(found.value, depth);
    } catch {
      return unreadable;
    }
  }

  #object(value: object, depth: number): unknown {
    if (Array.isArray(value)) return this.#array(value, depth);
    if (value instanceof Map) return this.#entries(value, depth);
    if (value instanceof Set) return this.#array([...value], depth);
    if (value instanceof Date) return value.toISOString();
    if (value instanceof Error) return { name: this.#text(value.name), message: this.#text(value.message) };
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) return this.#instance(value, prototype);
    const shown = empty();
    const names = Object.keys(value);
    for (const [index, name] of names.entries()) {
      if (this.#isSpent) {
        shown["…"] = `${names.length - index} more`;
        break;
      }
      shown[this.#name(name)] = this.member(value, name, depth + 1);
    }
    return shown;
  }

  #array(values: readonly unknown[], depth: number): unknown[] {
    const shown: unknown[] = [];
    while (shown.length < values.length) {
      if (this.#isSpent) {
        shown.push(`[${values.length - shown.length} more]`);
        break;
      }
      shown.push(this.member(values, String(shown.length), depth + 1) ?? null);
    }
    return shown;
  }

  #entries(map: ReadonlyMap<unknown, unknown>, depth: number): object {
    const shown = empty();
    for (const [key, value] of map) {
      if (this.#isSpent) {
        shown["…"] = `${map.size} in all`;
        break;
      }
      const name = typeof key === "string" ? key : String(plain(key));
      shown[this.#name(name)] = secret.test(name) ? "[redacted]" : this.of(value, depth + 1);
    }
    return shown;
  }

  /** Another actor by its id; of any other class only its name. */
  #instance(value: object, prototype: unknown): unknown {
    if (typeof dataOf(value, "sessionId") === "string")
      return { xstate$$type: 1, id: stableId(value as InspectedActor) };
    const made: unknown = dataOf(prototype, "constructor");
    return `[${typeof made === "function" ? cut(String(dataOf(made, "name"))) : "object"}]`;
  }

  #name(name: string): string {
    this.#chars -= Math.min(name.length, limits.inspectStringCharsMax);
    return cut(name);
  }

  #text(value: string): string {
    const text = cut(value).slice(0, Math.max(0, this.#chars));
    this.#chars -= text.length;
    const shown = text.includes("//") ? text.replaceAll(userInUrl, "//[redacted]@") : text;
    return text.length < value.length ? `${shown}…` : shown;
  }
}

/** Without a prototype: a member named `__proto__` is a member like any other (S7). */
function empty(): Record<string, unknown> {
  return Object.create(null) as Record<string, unknown>;
}

function cut(text: string): string {
  return text.length > limits.inspectStringCharsMax ? text.slice(0, limits.inspectStringCharsMax) : text;
}

/** An own member that is data; undefined where there is none or it would have to be called for. */
function dataOf(value: unknown, name: string): unknown {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return undefined;
  try {
    return Object.getOwnPropertyDescriptor(value, name)?.value as unknown;
  } catch {
    return undefined;
  }
}
