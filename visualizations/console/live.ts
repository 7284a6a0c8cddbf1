/**
 * What the page is made of while it runs: the screen and who feeds it, the clock, the address, what was asked of the
 * engine. Views read from here and keep nothing themselves.
 */
import { batch, computed, signal } from "@preact/signals";
import { createApi } from "./connection/api.ts";
import { FeedConnection, type LineState } from "./connection/feed-connection.ts";
import { bearer, firstSocket, type OpenSocket, openWebSocket, tokenName } from "./connection/first-socket.ts";
import { readOlderFacts } from "./connection/older-facts.ts";
import { type Address, type Place, type Query, readAddress, writeAddress } from "./model/address.ts";
import type { ClientAnswer, FlowAnswer, GatewayAnswer } from "./model/api-messages.ts";
import { putClients, putFlows, putGateway } from "./model/asked.ts";
import { bounds } from "./model/bounds.ts";
import { frozenCopy } from "./model/frozen.ts";
import { type Exception, exceptionsOf } from "./model/overview.ts";
import { emptyScreen, oldestOf, type Screen } from "./model/screen.ts";
import { countText } from "./model/text.ts";
import { canBeToken, unfitToken, whyTokenAsked } from "./model/token.ts";

const pollMs = 1_000;
/** What is abnormal is counted on every page; those that show no more of the gateway ask for it every so many times. */
const pollElsewhereEvery = 5;
const tickMs = 1_000;
/** A feed that says nothing for so long may be a dead line, which a page cannot see: the port is asked. */
const silentMsMax = 15_000;
const answerMsMax = 5_000;

const screen = emptyScreen();
let frozen: Screen | null = null;

/** Rises when the screen has changed; read it to be drawn again. */
export const version = signal(0);
export const now = signal(Date.now());
export const line = signal<LineState>({ kind: "connecting" });
export const address = signal<Address>(readAddress(location.hash));
export const gateway = signal<GatewayAnswer | null>(null);
export const isPaused = signal(false);
/** How often the line came to life: what was refused before may be answered now. */
export const lives = signal(0);
/** Why the page asks for a token; null: it does not. */
export const tokenAsked = signal<string | null>(null);
export const isHelpOpen = signal(false);
/** What the last command came to, for the live region. */
export const notice = signal("");

/** Nothing on the screen is newer than this: the present, or when the line was cut or the page paused. */
export const isStale = computed(() => line.value.kind === "lost");

const token = (): string | null => sessionStorage.getItem(tokenName);
export const api = createApi({ fetch: (...asked) => fetch(...asked), token, origin: "" });

/** What views show; what was there at the pause while paused. */
export function shown(): Screen {
  void version.value;
  return frozen ?? screen;
}

const exceptionsMs = 500;
let found: {
  readonly list: readonly Exception[];
  readonly of: Screen;
  readonly gateway: GatewayAnswer | null;
  readonly at: number;
} | null = null;

/** What is abnormal. All clients are looked through for it: twice a second at most, and once for all who show it. */
export function exceptions(): readonly Exception[] {
  const of = shown();
  const asked = gateway.value;
  const present = now.value;
  const at = performance.now();
  if (found?.of !== of || found.gateway !== asked || at - found.at >= exceptionsMs)
    found = { list: exceptionsOf(of, asked, present), of, gateway: asked, at };
  return found.list;
}

export function setPaused(paused: boolean): void {
  frozen = paused ? frozenCopy(screen) : null;
  batch(() => {
    isPaused.value = paused;
    version.value += 1;
  });
}

export function go(place: Place, query: Query = {}, how: "push" | "replace" = "push"): void {
  const hash = writeAddress(place, query);
  if (hash === location.hash) return;
  if (how === "push") history.pushState(null, "", hash);
  else history.replaceState(null, "", hash);
  address.value = readAddress(hash);
}

/** Changes what the address says of the same page; empty = the default. */
export function ask(changes: Query): void {
  const { query, ...place } = address.peek();
  go(place, { ...query, ...changes }, "replace");
}

/** Returns a sentence where the text can be no token. */
export function setToken(text: string): string | null {
  const given = text.trim();
  if (!canBeToken(given)) return unfitToken;
  sessionStorage.setItem(tokenName, given);
  tokenAsked.value = null;
  connection.open();
  void loadBefore();
  return null;
}

const openSocket: OpenSocket = (...asked) => firstSocket?.take(...asked) ?? openWebSocket(...asked);

const origin = location.origin.replace(/^http/, "ws");

/** A hidden page draws no frames; its facts are taken all the same. */
function nextFrame(call: () => void): void {
  if (document.hidden) setTimeout(call, 250);
  else requestAnimationFrame(call);
}

const connection = new FeedConnection({
  screen,
  origin,
  token,
  ports: {
    open: openSocket,
    nextFrame,
    setTimeout: (call, ms) => setTimeout(call, ms),
    clearTimeout: (timer) => clearTimeout(timer as number),
    monotonicMs: () => performance.now(),
    now: () => Date.now(),
    random: () => Math.random(),
  },
  withHistory: true,
  onChange,
});

/**
 * What changes is drawn at once, and under load ten times a second, as often as states come: frames in between are free
 * for whoever scrolls or types.
 */
const drawMs = 100;
let drawnAt = -Infinity;
let drawTimer: ReturnType<typeof setTimeout> | null = null;

function draw(): void {
  if (drawTimer !== null || frozen !== null) return;
  const present = performance.now();
  if (present - drawnAt >= drawMs) {
    drawnAt = present;
    version.value += 1;
    return;
  }
  drawTimer = setTimeout(
    () => {
      drawTimer = null;
      draw();
    },
    drawnAt + drawMs - present,
  );
}

let isLoaded = false;

/** A page that is drawn before it knows anything is drawn twice: the snapshot is waited for, a little. */
const patienceMs = 200;
let sayReady: () => void = () => undefined;
const ready = new Promise<void>((resolve) => (sayReady = resolve));

function onChange(): void {
  heardAt = Date.now();
  sayReady();
  const seen = line.peek();
  batch(() => {
    draw();
    line.value = connection.state;
    if (connection.state.kind === "live" && seen.kind !== "live") lives.value += 1;
  });
  // Not before the first rows are drawn: the answer is as long as the snapshot was.
  if (connection.state.kind === "live" && seen.kind !== "live")
    nextFrame(() => setTimeout(() => void loadBefore(), 0));
  // A refused socket says nothing; the API says whether it is the token.
  if (connection.state.kind === "lost" && connection.state !== seen) void loadBefore();
}

export function reconnect(): void {
  connection.open();
}

/** What lies before the first fact of this page. */
async function loadBefore(): Promise<void> {
  const asked = token();
  const clients = await api<{ clients: ClientAnswer[] }>({ method: "GET", path: "/clients" });
  if (!clients.ok) {
    // Another was given meanwhile: this says nothing of it.
    if (token() !== asked) return;
    tokenAsked.value = whyTokenAsked(clients.problem, asked !== null) ?? tokenAsked.peek();
    return;
  }
  putClients(screen, clients.value.clients);
  if (!isLoaded) {
    const flows = await api<{ flows: FlowAnswer[] }>({ method: "GET", path: "/flows?limit=200" });
    if (flows.ok) putFlows(screen, flows.value.flows);
    isLoaded = flows.ok;
  }
  onChange();
}

async function poll(turn = 0): Promise<void> {
  const { page } = address.peek();
  const isTurn = page === "overview" || page === "gateway" || turn % pollElsewhereEvery === 0;
  if (isTurn && !document.hidden && line.peek().kind === "live") await refreshGateway();
  setTimeout(() => void poll(turn + 1), pollMs);
}

let heardAt = Date.now();

async function listen(): Promise<void> {
  if (line.peek().kind === "live" && Date.now() - heardAt > silentMsMax) {
    heardAt = Date.now();
    await fetch("/healthz", { signal: AbortSignal.timeout(answerMsMax), cache: "no-store" }).catch(() =>
      connection.giveUp(),
    );
  }
  setTimeout(() => void listen(), answerMsMax);
}

export async function refreshGateway(): Promise<void> {
  const answer = await api<GatewayAnswer>({ method: "GET", path: "/gateway" });
  if (!answer.ok) return;
  putGateway(screen, answer.value, Date.now());
  batch(() => {
    gateway.value = answer.value;
    onChange();
  });
}

/** Before the oldest that is shown. Resolves with a sentence where it failed. */
export async function loadOlder(): Promise<string | null> {
  const asked = frozen ?? screen;
  const { ledger } = asked;
  const oldest = oldestOf(asked);
  if (ledger === null) return null;
  if (asked.older.length >= bounds.olderEventsMax)
    return `A page keeps ${countText(bounds.olderEventsMax)} older events at most; ticket-client ledger export has all.`;
  const known = token();
  try {
    const older = await readOlderFacts({
      origin,
      ledger,
      before: oldest?.data.position ?? asked.position + 1,
      countMax: bounds.olderEventsPage,
      subprotocols: known === null ? [] : [bearer(known)],
      open: openWebSocket,
    });
    if ((frozen ?? screen) !== asked || oldestOf(asked) !== oldest)
      return "What is there has changed meanwhile; ask again.";
    // Of a page that is paused the present goes on: it gets them where they still join it.
    for (const one of new Set([asked, screen]))
      if (oldestOf(one) === oldest) one.older = [...older, ...one.older].slice(-bounds.olderEventsMax);
    version.value += 1;
    return older.length === 0 ? "There is nothing before." : null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** What was missed has been read. */
export function dismissLost(): void {
  screen.lost = null;
  if (frozen !== null) frozen.lost = null;
  version.value += 1;
}

/** Resolves when there is something to draw, or has not been for a while. */
export function start(): Promise<void> {
  addEventListener("hashchange", () => (address.value = readAddress(location.hash)));
  addEventListener("popstate", () => (address.value = readAddress(location.hash)));
  setInterval(() => {
    if (!isPaused.peek()) now.value = Date.now();
  }, tickMs);
  connection.open();
  void poll();
  void listen();
  setTimeout(sayReady, patienceMs);
  return ready;
}
