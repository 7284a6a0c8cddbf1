/**
 * A machine's structure as plain data: the one reader for every kind of drawing.
 * It reads what the machine was created with and nothing that runs; the result is JSON.
 */
import type { AnyStateMachine, AnyStateNode } from "xstate";

export interface Chart {
  /** The machine's id. */
  readonly name: string;
  /** Stands for the machine itself; its path is empty. */
  readonly root: ChartState;
}

export interface ChartState {
  /** Keys from the root, joined by dots: a state value as text. */
  readonly path: string;
  readonly name: string;
  readonly kind: "atomic" | "compound" | "parallel" | "final" | "history";
  /** Path of the state entered first; null where there is none. */
  readonly initial: string | null;
  /** Actors invoked while in the state. */
  readonly runs: readonly string[];
  readonly arrows: readonly ChartArrow[];
  readonly states: readonly ChartState[];
}

export interface ChartArrow {
  /** Path; null: the state stays as it is. */
  readonly to: string | null;
  /** As the machine knows it; empty: taken at once. */
  readonly event: string;
  /** In words. */
  readonly when: string;
  /** In words; "else" where another transition of the same event is tried before; null: always. */
  readonly guard: string | null;
  /** In words. */
  readonly actions: readonly string[];
}

type Transition = NonNullable<AnyStateNode["always"]>[number];

export function readChart(machine: AnyStateMachine): Chart {
  return { name: machine.root.key, root: readState(machine.root) };
}

function readState(node: AnyStateNode): ChartState {
  const [initial] = node.initial?.target ?? [];
  const always = node.always ?? [];
  return {
    path: pathOf(node),
    name: node.key,
    kind: node.type,
    initial: initial === undefined ? null : pathOf(initial),
    runs: node.invoke.map(({ src }) => sourceName(src)),
    arrows: [...node.transitions.values(), always].flatMap((tried) => readArrows(node, tried)),
    states: Object.values(node.states).map((child) => readState(child)),
  };
}

/** `tried`: the transitions of one event, in the order in which they are tried. */
function readArrows(node: AnyStateNode, tried: readonly Transition[]): ChartArrow[] {
  return tried.flatMap((transition, order) => {
    const arrow = {
      event: transition.eventType,
      when: eventWords(node, transition),
      guard: guardWords(transition.guard) ?? (order > 0 ? "else" : null),
      actions: transition.actions
        .map(nameOf)
        .filter((name) => name !== null)
        .map(words),
    };
    const targets = transition.target?.map(pathOf) ?? [null];
    return targets.map((to) => ({ to, ...arrow }));
  });
}

/** XState's own event names carry ids of actors and states; what they mean is shorter. */
function eventWords(node: AnyStateNode, transition: Transition): string {
  const { eventType } = transition;
  const [, kind = "", id = ""] =
    /^xstate\.(done\.actor|error\.actor|done\.state)\.(.*)$/.exec(eventType) ?? [];
  if (kind === "done.actor") return `${actorWords(node, id)} done`;
  if (kind === "error.actor") return `${actorWords(node, id)} failed`;
  if (kind === "done.state") return `${node.key} done`;
  const delay: unknown = Reflect.get(transition, "delay");
  if (typeof delay === "number") return `after ${delay} ms`;
  if (delay !== undefined) return typeof delay === "string" ? `after ${words(delay)}` : "after a while";
  return eventType === "*" ? "any other event" : eventType;
}

function actorWords(node: AnyStateNode, id: string): string {
  if (id === "*") return "any actor";
  const invoked = node.invoke.find((one) => one.id === id);
  return invoked === undefined ? id : sourceName(invoked.src);
}

function sourceName(src: unknown): string {
  return typeof src === "string" && !src.startsWith("xstate.") ? words(src) : "an actor";
}

function guardWords(guard: unknown): string | null {
  if (guard === undefined || guard === null) return null;
  const name = nameOf(guard);
  return name === null ? "on a condition" : words(name);
}

/** Of a guard or an action; null: it was given without a name. */
function nameOf(given: unknown): string | null {
  if (typeof given === "string") return given;
  if (typeof given !== "object" || given === null) return null;
  const type: unknown = Reflect.get(given, "type");
  return typeof type === "string" ? type : null;
}

/** `isHeldFence` → `is held fence`. */
function words(name: string): string {
  return name.replaceAll(
    /([a-z\d])([A-Z])/g,
    (_, before: string, after: string) => `${before} ${after.toLowerCase()}`,
  );
}

function pathOf(node: AnyStateNode): string {
  return node.path.join(".");
}
