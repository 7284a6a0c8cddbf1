/** What is on the screen of `top` for what it knows, at a size. Pure. What is abnormal has a mark and words; colour only repeats them. */
import type { TopClient, TopModel } from "./top-model.ts";
import { ageText, cellsOf, cut, fitted, harmless } from "./terminal-text.ts";
import { count } from "./output.ts";
import type { Instant } from "../../machines/vocabulary.ts";

export type LineState =
  | { readonly kind: "connecting" }
  | { readonly kind: "live" }
  /** `retryAt`: when it is tried again. */
  | { readonly kind: "lost"; readonly because: string; readonly retryAt: Instant };

export interface Shown {
  readonly url: string;
  readonly model: TopModel;
  readonly line: LineState;
  readonly isPaused: boolean;
}

/** Infinity: as wide or as long as it is. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export interface ScreenLine {
  readonly text: string;
  readonly level: "plain" | "heading" | "alarm";
}

/** Of the time a lock is given; what is older is an exception, as in the console. */
const lockShareMax = 0.75;
const lockedStates = new Set(["locked", "searching", "forwarding", "closing"]);

/** At most `rows` lines of at most `columns` cells. */
export function topScreen(shown: Shown, { columns, rows }: Size, now: Instant): readonly ScreenLine[] {
  const clients = oldestLockFirst([...shown.model.clients.values()]);
  const head = [
    ...headLines(shown, now),
    ...abnormal(shown.model, clients, now).map((text) => ({ text: `! ${text}`, level: "alarm" as const })),
    { text: "", level: "plain" as const },
  ];
  const foot: ScreenLine[] = Number.isFinite(rows)
    ? [{ text: `q quits   p ${shown.isPaused ? "goes on" : "pauses"}`, level: "plain" }]
    : [];
  const room = Math.max(0, rows - head.length - foot.length - 1);
  const isCut = clients.length > room;
  const drawn = clients.slice(0, isCut ? Math.max(0, room - 1) : room);
  const body = tableLines(drawn, columns, now);
  if (isCut) body.push({ text: restText(clients.slice(drawn.length)), level: "plain" });
  return [...head, ...body]
    .slice(0, Math.max(0, rows - foot.length))
    .concat(foot)
    .slice(0, rows)
    .map(({ text, level }) => ({ text: cut(text, columns).trimEnd(), level }));
}

function headLines({ url, model, line, isPaused }: Shown, now: Instant): ScreenLine[] {
  const { counters, gateway } = model;
  const lines: ScreenLine[] = [
    {
      text: `Ticket Client  ${url}  ${isPaused ? "paused" : line.kind === "live" ? "live" : "not live"}`,
      level: "heading",
    },
  ];
  if (line.kind === "lost") {
    const age =
      model.heardAt === null
        ? "nothing was heard yet"
        : `what is shown is ${ageText(now - model.heardAt)} old`;
    lines.push({
      text: `! ${harmless(line.because)}; ${age}, next try in ${ageText(line.retryAt - now)}`,
      level: "alarm",
    });
  } else if (isPaused && model.heardAt !== null)
    lines.push({ text: `paused: what is shown is ${ageText(now - model.heardAt)} old`, level: "plain" });
  if (counters !== null)
    lines.push({
      text: `accepted ${count(counters.accepted)}  settled ${count(counters.settled)}  under way ${count(counters.unsettled)}  open tickets ${count(counters.openTickets)}`,
      level: "plain",
    });
  const parts = [
    gateway === null
      ? "queue –"
      : `queue ${count(gateway.waiting.create + gateway.waiting.update + gateway.waiting.close)} (${count(gateway.waiting.parked)} parked)`,
    `in flight ${inFlightText(gateway)}`,
    heartbeatText(model, now),
  ];
  lines.push({ text: parts.join("  "), level: "plain" });
  return lines;
}

function inFlightText(gateway: TopModel["gateway"]): string {
  if (gateway === null) return "–";
  if (gateway.inFlight.length === 0) return "nothing";
  return gateway.inFlight
    .map(({ command, key, service }) => `${command} of ${harmless(key)} at ${harmless(service)}`)
    .join(", ");
}

function heartbeatText({ heartbeat }: TopModel, now: Instant): string {
  const checks = Object.values(heartbeat ?? {}).filter((check) => check !== null);
  if (checks.length === 0) return "heartbeat off";
  const last = Math.max(...checks.map(({ lastSentAt }) => lastSentAt ?? 0));
  return last === 0 ? "heartbeat none yet" : `heartbeat ${ageText(now - last)} ago`;
}

function abnormal(model: TopModel, clients: readonly TopClient[], now: Instant): string[] {
  const found: string[] = [];
  const say = (number: number, one: string, many: string): void => {
    if (number > 0) found.push(number === 1 ? `1 ${one}` : `${count(number)} ${many}`);
  };
  say(
    clients.filter((client) => isOverAge(client, now)).length,
    "lock near or past the end of its time",
    "locks near or past the end of their time",
  );
  say(
    clients.filter(({ view }) => view.state === "quarantined").length,
    "client quarantined: it crashed too often",
    "clients quarantined: they crashed too often",
  );
  const { unknown = 0, inDoubt = 0 } = model.gateway?.counts ?? {};
  say(
    unknown,
    "request of unknown fate: it waits for an operator's verdict",
    "requests of unknown fate: they wait for an operator's verdict",
  );
  say(inDoubt, "request in doubt", "requests in doubt");
  const { storm = 0 } = model.gateway?.waiting.parkedFor ?? {};
  say(storm, "key held back: event storm", "keys held back: event storm");
  for (const [check, view] of Object.entries(model.heartbeat ?? {}))
    if (view !== null && view.missed > 0)
      found.push(`heartbeat of the ${check}: ${view.missed} in a row not taken`);
  return found;
}

/** Held for most of the time a lock is given, or beyond it. */
function isOverAge({ view, deadlineAt }: TopClient, now: Instant): boolean {
  if (view.lockTime === null || deadlineAt === null) return false;
  return now - view.lockTime > (deadlineAt - view.lockTime) * lockShareMax;
}

function isAbnormal(client: TopClient, now: Instant): boolean {
  return isOverAge(client, now) || client.view.state === "quarantined" || client.view.state === "restarting";
}

/** Then what has no lock and is not idle, then by id. */
export function oldestLockFirst(clients: readonly TopClient[]): TopClient[] {
  const rank = ({ view }: TopClient): number =>
    view.lockTime ?? (view.state === "idle" ? Infinity : Number.MAX_SAFE_INTEGER);
  return clients.toSorted((one, other) => {
    const [first, second] = [rank(one), rank(other)];
    if (first !== second) return first < second ? -1 : 1;
    return one.view.clientId < other.view.clientId ? -1 : 1;
  });
}

function restText(rest: readonly TopClient[]): string {
  const held = rest.filter(({ view }) => lockedStates.has(view.state)).length;
  return `… ${count(rest.length)} more${held === 0 ? ", none of them locked" : `, ${count(held)} of them locked`}`;
}

interface Column {
  readonly title: string;
  readonly side?: "right";
  readonly text: (client: TopClient, now: Instant) => string;
  /** Cells at most; the last column takes what is left. */
  readonly cellsMax: number;
  /** Left out on a terminal of fewer columns. */
  readonly from: number;
}

const tableColumns: readonly Column[] = [
  { title: " ", text: (client, now) => (isAbnormal(client, now) ? "!" : " "), cellsMax: 1, from: 0 },
  { title: "client", text: ({ view }) => view.clientId, cellsMax: 12, from: 0 },
  { title: "state", text: ({ view }) => view.state, cellsMax: 11, from: 0 },
  {
    title: "lock age",
    side: "right",
    text: ({ view }, now) => (view.lockTime === null ? "" : ageText(now - view.lockTime)),
    cellsMax: 12,
    from: 36,
  },
  { title: "busy", text: ({ view }) => (view.busyStatus === "busy" ? "busy" : ""), cellsMax: 4, from: 60 },
  { title: "key", text: ({ key }) => harmless(key ?? ""), cellsMax: 28, from: 50 },
  { title: "lock GUID", text: ({ view }) => view.lockGuid ?? "", cellsMax: 36, from: 130 },
  {
    title: "what is happening",
    text: ({ view }) => harmless(view.processingData),
    cellsMax: Infinity,
    from: 70,
  },
];

function tableLines(clients: readonly TopClient[], columns: number, now: Instant): ScreenLine[] {
  const shown = tableColumns.filter(({ from }) => columns >= from);
  const cells = clients.map((client) => shown.map(({ text }) => text(client, now)));
  const widths = shown.map(({ title, cellsMax }, place) =>
    Math.min(cellsMax, Math.max(cellsOf(title), ...cells.map((row) => cellsOf(row[place] ?? "")))),
  );
  const line = (row: readonly string[]): string =>
    row.map((text, place) => fitted(text, widths[place] ?? 0, shown[place]?.side)).join("  ");
  return [
    { text: line(shown.map(({ title }) => title)), level: "heading" },
    ...clients.map((client, index): ScreenLine => ({
      text: line(cells[index] ?? []),
      level: isAbnormal(client, now) ? "alarm" : "plain",
    })),
  ];
}
