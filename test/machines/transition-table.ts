/** Reads and checks the transition tables of the tests: plain text, a row a state, a column an event. */
import type { AnyStateMachine, AnyStateNode } from "xstate";
import { expect } from "vitest";

/** State → event → cell. An event of several kinds has a column each: `search.done/found`. */
type Table = Map<string, Map<string, string>>;

/** Lines of cells separated by `|`: first `state` and the events, then a line a state. */
function readTable(text: string): Table {
  const cells = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .map((line) => line.split("|").map((one) => one.trim()));
  const [[, ...events] = [], ...rows] = cells;
  return new Map(
    rows.map(([state = "", ...row]) => [
      state,
      new Map(events.map((event, index) => [event, row[index] ?? "no cell"])),
    ]),
  );
}

function lines(table: Table): string[] {
  return [...table].flatMap(([state, cells]) =>
    [...cells].map(([event, cell]) => `${state}: ${event} → ${cell}`),
  );
}

function nameOf(src: unknown): string {
  return typeof src === "string" ? src : "an actor without a name";
}

/** Every state of the machine, those within others too. */
export function statesOf(machine: AnyStateMachine): AnyStateNode[] {
  const below = (node: AnyStateNode): AnyStateNode[] =>
    Object.values(node.states).flatMap((one) => [one, ...below(one)]);
  return below(machine.root);
}

/**
 * Every event that some state of the machine answers. An invoked actor's end is named after the actor:
 * `search done`, `search fails`; a delayed transition is `after`.
 */
function eventsOf(machine: AnyStateMachine): string[] {
  const sources = new Map<string, string>();
  for (const node of statesOf(machine)) for (const { id, src } of node.invoke) sources.set(id, nameOf(src));
  const named = (event: string): string => {
    const [, kind, id = ""] = /^xstate\.(done|error)\.actor\.(.+)$/.exec(event) ?? [];
    if (kind !== undefined) return `${sources.get(id) ?? id} ${kind === "done" ? "done" : "fails"}`;
    return event.startsWith("xstate.after.") ? "after" : event;
  };
  const all = [machine.root, ...statesOf(machine)].flatMap((node) => node.ownEvents);
  return [...new Set(all.filter((event) => event !== "").map(named))].sort();
}

/** The event that the end of an invoked actor sends, as the state that invokes it sees it; null: it invokes no such. */
export function endOfActor(machine: AnyStateMachine, state: string, event: string): string | null {
  const [src, how] = event.split(" ");
  const node = statesOf(machine).find(({ key }) => key === state);
  const invoked = node?.invoke.find((one) => nameOf(one.src) === src);
  return invoked === undefined
    ? null
    : `xstate.${how?.startsWith("done") === true ? "done" : "error"}.actor.${invoked.id}`;
}

/** Fails with the cells that differ, and when the machine has a state or an event that the table has not. */
export function checkTable(
  machine: AnyStateMachine,
  text: string,
  probe: (state: string, event: string) => string,
): void {
  const table = readTable(text);
  expect([...table.keys()], "states of the machine and rows of the table").toEqual(
    statesOf(machine).map(({ path }) => path.join(".")),
  );
  const [firstRow] = table.values();
  const columns = [...(firstRow?.keys() ?? [])];
  const events = [...new Set(columns.map((column) => column.split("/")[0] ?? ""))].sort();
  expect(events, "events of the machine and columns of the table").toEqual(eventsOf(machine));
  const real: Table = new Map(
    [...table.keys()].map((state) => [
      state,
      new Map(columns.map((column) => [column, probe(state, column)])),
    ]),
  );
  expect(lines(real)).toEqual(lines(table));
}

/** Laws that hold for every chart, read from its configuration. */
export function checkChart(machine: AnyStateMachine): void {
  expect(machine.options.maxIterations, `${machine.id} has maxIterations`).toBeLessThan(
    Number.POSITIVE_INFINITY,
  );
  for (const node of [machine.root, ...statesOf(machine)]) {
    expect(node.ownEvents, `${node.id} has no transition for just any event`).not.toContain("*");
    for (const { id } of node.invoke) {
      expect(node.ownEvents, `${node.id}: onDone of ${id}`).toContain(`xstate.done.actor.${id}`);
      expect(node.ownEvents, `${node.id}: onError of ${id}`).toContain(`xstate.error.actor.${id}`);
    }
  }
}
