/** The table of clients: its columns, its order, and the filter `state:locked age:>5m text`. Pure. */
import { type Client, sinceOf } from "./clients.ts";
import { ageText, readDuration } from "./text.ts";

export interface Column {
  readonly name: string;
  readonly title: string;
  readonly text: (client: Client, now: number) => string;
  /** What it is sorted by; null sorts last. */
  readonly rank: (client: Client, now: number) => number | string | null;
}

export const columns: readonly Column[] = [
  { name: "id", title: "Client", text: ({ clientId }) => clientId, rank: ({ clientId }) => clientId },
  { name: "state", title: "State", text: ({ view }) => view.state, rank: ({ view }) => view.state },
  {
    name: "time",
    title: "In state",
    text: (client, now) => {
      const since = sinceOf(client);
      return since === null ? "" : ageText(now - since);
    },
    rank: sinceOf,
  },
  {
    name: "guid",
    title: "Lock GUID",
    text: ({ view }) => view.lockGuid ?? "",
    rank: ({ view }) => view.lockGuid,
  },
  {
    name: "age",
    title: "Lock age",
    text: ({ view }, now) => (view.lockTime === null ? "" : ageText(now - view.lockTime)),
    rank: ({ view }) => view.lockTime,
  },
  { name: "key", title: "Key", text: ({ key }) => key ?? "", rank: ({ key }) => key },
  { name: "service", title: "Service", text: ({ service }) => service ?? "", rank: ({ service }) => service },
  {
    name: "busy",
    title: "Busy",
    text: ({ view }) => (view.busyStatus === "busy" ? "busy" : "not busy"),
    rank: ({ view }) => view.busyStatus,
  },
  {
    name: "data",
    title: "Client Processing Data",
    text: ({ view }) => view.processingData,
    rank: ({ view }) => view.processingData,
  },
];

type Test = (client: Client, now: number) => boolean;

export interface ClientFilter {
  readonly matches: Test;
  /** What of the text could not be read, in words; null: all could. */
  readonly complaint: string | null;
}

/** Words and `name:value`; all must fit. Ages: `age:>5m`, `time:<10s`. */
export function readFilter(text: string): ClientFilter {
  const tests: Test[] = [];
  let complaint: string | null = null;
  for (const word of text
    .trim()
    .split(/\s+/)
    .filter((one) => one !== "")) {
    const test = readWord(word);
    if (typeof test === "string") complaint ??= test;
    else tests.push(test);
  }
  return { matches: (client, now) => tests.every((test) => test(client, now)), complaint };
}

function readWord(word: string): Test | string {
  const colon = word.indexOf(":");
  if (colon < 1) return anywhere(word);
  const name = word.slice(0, colon);
  const value = word.slice(colon + 1);
  if (value === "") return () => true;
  if (name === "age" || name === "time") return aged(name, value);
  const column = columns.find((one) => one.name === (name === "lock" ? "guid" : name));
  if (column === undefined)
    return `There is no ${name}: here; there are ${columns.map((one) => `${one.name}:`).join(" ")}`;
  const wanted = value.toLowerCase();
  if (name === "busy")
    return ({ view }) => (view.busyStatus === "busy") === ["busy", "yes", "true"].includes(wanted);
  if (name === "state") return ({ view }) => view.state.startsWith(wanted);
  return (client, now) => column.text(client, now).toLowerCase().includes(wanted);
}

function anywhere(word: string): Test {
  const wanted = word.toLowerCase();
  return ({ clientId, view, key, service }) =>
    [clientId, view.state, view.lockGuid, key, service, view.processingData].some(
      (text) => text?.toLowerCase().includes(wanted) === true,
    );
}

function aged(name: "age" | "time", value: string): Test | string {
  const [, sign = ">", rest = ""] = /^([<>])?(.*)$/.exec(value) ?? [];
  const ms = readDuration(rest);
  if (ms === null) return `${name}:${value} is no duration; write ${name}:>5m, ${name}:<30s`;
  return (client, now) => {
    const from = name === "age" ? client.view.lockTime : sinceOf(client);
    if (from === null) return false;
    return sign === "<" ? now - from < ms : now - from > ms;
  };
}

export interface Order {
  readonly column: string;
  readonly descending: boolean;
}

/** Oldest lock first: its time is the smallest. */
export const defaultOrder: Order = { column: "age", descending: false };

export function readOrder(text: string | undefined): Order {
  const column = text?.replace(/^-/, "") ?? "";
  if (!columns.some(({ name }) => name === column)) return defaultOrder;
  return { column, descending: text?.startsWith("-") === true };
}

export function writeOrder({ column, descending }: Order): string {
  const text = `${descending ? "-" : ""}${column}`;
  return text === defaultOrder.column ? "" : text;
}

/** Ids in the order shown. */
export function selectClients(
  clients: Iterable<Client>,
  filter: ClientFilter,
  { column, descending }: Order,
  now: number,
): string[] {
  const rank = columns.find(({ name }) => name === column)?.rank ?? (() => null);
  const found: { readonly id: string; readonly rank: number | string | null }[] = [];
  for (const client of clients)
    if (filter.matches(client, now)) found.push({ id: client.clientId, rank: rank(client, now) });
  const sign = descending ? -1 : 1;
  found.sort((one, other) => compare(one, other, sign));
  return found.map(({ id }) => id);
}

interface Ranked {
  readonly id: string;
  readonly rank: number | string | null;
}

function compare(one: Ranked, other: Ranked, sign: number): number {
  if (one.rank === other.rank) return one.id < other.id ? -1 : 1;
  if (one.rank === null) return 1;
  if (other.rank === null) return -1;
  return one.rank < other.rank ? -sign : sign;
}
