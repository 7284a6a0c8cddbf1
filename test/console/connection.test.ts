/** The page's line to a real engine over real sockets: cut, resumed, refused. */
import { expect, onTestFinished, test } from "vitest";
import { createApi } from "../../visualizations/console/connection/api.ts";
import { FeedConnection } from "../../visualizations/console/connection/feed-connection.ts";
import type { OpenSocket } from "../../visualizations/console/connection/first-socket.ts";
import { readOlderFacts } from "../../visualizations/console/connection/older-facts.ts";
import type { ClientAnswer } from "../../visualizations/console/model/api-messages.ts";
import { emptyScreen, type Screen } from "../../visualizations/console/model/screen.ts";
import { ManualClock } from "../alarms/manual-clock.ts";
import { type ApiUnderTest, startApi } from "../http/api/rig.ts";

const openSocket: OpenSocket = (url, subprotocols, listener) => {
  const socket = new WebSocket(url, [...subprotocols]);
  socket.addEventListener("message", ({ data }) => listener.heard(String(data)));
  socket.addEventListener("close", ({ code, reason }) => listener.closed(code, reason));
  return socket;
};

class Page {
  readonly screen: Screen = emptyScreen();
  readonly clock = new ManualClock();
  readonly connection: FeedConnection;
  readonly urls: string[] = [];
  /** Messages that the line loses, by what they contain. */
  lose: string | null = null;
  /** While true no frame is drawn. */
  isHidden = false;
  /** What answers at the page's address now. */
  port: string;
  /** The frames that came over the newest connection, one after the other. */
  heard = "";
  #frame: (() => void) | null = null;
  #socket: { close(): void } | null = null;
  #waiting: (() => void) | null = null;

  constructor(api: ApiUnderTest, token: string | null = null, withHistory = false) {
    this.port = new URL(api.engine.url).port;
    this.connection = new FeedConnection({
      screen: this.screen,
      origin: api.engine.url.replace(/^http/, "ws"),
      token: () => token,
      withHistory,
      onChange: () => this.#waiting?.(),
      ports: {
        open: (...asked) => this.#open(...asked),
        nextFrame: (call) => {
          if (this.isHidden) this.#frame = call;
          else setImmediate(call);
        },
        setTimeout: (call, ms) => this.clock.setTimeout(call, ms),
        clearTimeout: (timer) => this.clock.clearTimeout(timer),
        monotonicMs: () => this.clock.monotonicMs(),
        now: () => this.clock.now(),
        random: () => 0.5,
      },
    });
    onTestFinished(() => this.connection.close());
    this.connection.open();
  }

  #open(...[url, subprotocols, listener]: Parameters<OpenSocket>): ReturnType<OpenSocket> {
    const address = new URL(url);
    address.port = this.port;
    this.urls.push(address.search);
    this.heard = "";
    const opened = this.urls.length;
    this.#socket = openSocket(address.href, subprotocols, {
      closed: (code, reason) => listener.closed(code, reason),
      heard: (text) => {
        if (this.lose !== null && text.includes(this.lose)) this.lose = null;
        else listener.heard(text);
        if (opened === this.urls.length) this.heard += text;
        this.#waiting?.();
      },
    });
    return this.#socket;
  }

  show(): void {
    this.isHidden = false;
    this.#frame?.();
  }

  cut(): void {
    this.#socket?.close();
  }

  async until(is: () => boolean): Promise<void> {
    while (!is()) await new Promise<void>((resolve) => (this.#waiting = resolve));
  }
}

const settledOf = ({ events }: Screen) =>
  events.flatMap((fact) => (fact.type === "ticketclient.alarm.settled" ? [fact.data.alarm.id] : []));

async function raiseAll(api: ApiUnderTest, ids: readonly string[]): Promise<void> {
  for (const id of ids) await api.raise(id, { key: `node-${id}` });
  for (const id of ids) await api.fact((fact) => fact.type === "alarm.settled" && fact.body.alarm.id === id);
}

test("F2: cut while the engine works, the page shows what it had, waits longer each time, and misses nothing", async () => {
  const api = await startApi({ config: { clients: 2 } });
  const page = new Page(api);
  await page.until(() => page.connection.state.kind === "live");
  await raiseAll(api, ["1"]);
  await page.until(() => settledOf(page.screen).length === 1);
  const { position } = page.screen;
  page.cut();
  await page.until(() => page.connection.state.kind === "lost");
  expect(page.connection.state).toMatchObject({ because: "The connection to the engine is lost." });
  expect(page.clock.nextInMs).toBe(500);
  await raiseAll(api, ["2", "3"]);
  expect(settledOf(page.screen)).toEqual(["1"]);
  page.clock.advance(500);
  await page.until(() => settledOf(page.screen).length === 3);
  expect(page.connection.state.kind).toBe("live");
  expect(page.urls[1]).toMatch(new RegExp(`^\\?after=[^:]+%3A\\d+&behind=reset$`));
  expect(Number(page.urls[1]?.split(/%3A|&/)[1])).toBeGreaterThanOrEqual(position);
  expect(page.screen.lost).toBeNull();
});

test("F1: a fact lost on the way is noticed at the next one, and fetched", async () => {
  const api = await startApi({ config: { clients: 1 } });
  const page = new Page(api);
  await page.until(() => page.connection.state.kind === "live");
  page.lose = "ticketclient.flow.decided";
  // The frame that is lost may hold all that came: then the next one is of a later alarm.
  let raised = 0;
  while (page.connection.gaps === 0) {
    raised += 1;
    await raiseAll(api, [String(raised)]);
  }
  await page.until(() => settledOf(page.screen).length === raised);
  expect(page.connection.gaps).toBe(1);
  const positions = page.screen.events.map(({ data }) => data.position);
  expect(positions).toEqual(positions.map((_, index) => (positions[0] ?? 0) + index));
});

test("F2: opened anew with facts that are not taken yet, the page gets them once, and misses nothing", async () => {
  const api = await startApi({ config: { clients: 1 } });
  const page = new Page(api);
  await page.until(() => page.connection.state.kind === "live");
  page.isHidden = true;
  await raiseAll(api, ["1"]);
  await page.until(() => page.heard.includes("ticketclient.alarm.settled"));
  page.connection.open();
  page.show();
  await page.until(() => page.urls.length === 2 && page.heard.includes("ticketclient.feed.snapshot"));
  await raiseAll(api, ["2"]);
  await page.until(() => settledOf(page.screen).includes("2"));
  expect(page.screen.lost).toBeNull();
  expect(settledOf(page.screen)).toEqual(["1", "2"]);
  expect(page.connection.gaps).toBe(0);
});

test("waits grow to a quarter of a minute; an engine that is gone is named", async () => {
  const api = await startApi({ keep: true });
  const page = new Page(api);
  await page.until(() => page.connection.state.kind === "live");
  await api.end();
  const waits: (number | null)[] = [];
  for (let attempt = 0; attempt < 7; attempt++) {
    await page.until(() => page.connection.state.kind === "lost" && page.clock.nextInMs !== null);
    waits.push(page.clock.nextInMs);
    page.clock.advance(page.clock.nextInMs ?? 0);
  }
  expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
});

test("F2: a page opened late shows what happened before, reads it once, and goes on without a gap", async () => {
  const api = await startApi({ config: { clients: 1 } });
  await raiseAll(api, ["1", "2"]);
  const page = new Page(api, null, true);
  await page.until(() => settledOf(page.screen).length === 2);
  await raiseAll(api, ["3"]);
  await page.until(() => settledOf(page.screen).length === 3);
  expect([...page.screen.alarms.values()].map(({ id, outcome }) => [id, outcome])).toEqual([
    ["1", "created"],
    ["2", "created"],
    ["3", "created"],
  ]);
  const positions = page.screen.events.map(({ data }) => data.position);
  expect(positions).toEqual(positions.map((_, index) => index + 1));
  expect(page.urls).toHaveLength(2);
  expect(page.connection.gaps).toBe(0);
  expect(page.screen.lost).toBeNull();
});

test("F2: where another ledger has come, the page says so, and shows what happened before in that one", async () => {
  const api = await startApi({ config: { clients: 1 } });
  const restored = await startApi({ config: { clients: 1 } });
  await raiseAll(api, ["1"]);
  await raiseAll(restored, ["a", "b"]);
  const page = new Page(api, null, true);
  await page.until(() => settledOf(page.screen).length === 1);
  page.port = new URL(restored.engine.url).port;
  page.connection.open();
  await page.until(() => settledOf(page.screen).length === 2);
  expect(settledOf(page.screen)).toEqual(["a", "b"]);
  expect(page.screen.lost).toMatchObject({ facts: null });
  await raiseAll(restored, ["c"]);
  await page.until(() => settledOf(page.screen).length === 3);
  expect(page.connection.gaps).toBe(0);
});

test("L4: a client that was freed by force stays idle when its request is answered late", async () => {
  const api = await startApi({
    config: { clients: 1 },
    row: { timeoutSeconds: 1 },
    desk: { faults: [{ match: { command: "create" }, fault: "silent", times: 1 }] },
  });
  const page = new Page(api);
  await page.until(() => page.connection.state.kind === "live");
  await api.raise("1", { key: "node-1" });
  const sending = await api.fact((fact) => fact.type === "request.sending");
  if (sending.type !== "request.sending") throw new Error("not sent");
  const { clientId, lockGuid } = sending.body;
  await api.engine.supervisor.forceUnlock(clientId, { lockGuid, by: "test", reason: "it hangs" });
  const answered = await api.fact((fact) => fact.type === "request.answered");
  await page.until(() => page.screen.events.some(({ type }) => type === "ticketclient.request.answered"));
  const steps = page.screen.clients.get(clientId)?.steps ?? [];
  const until = steps.filter(({ position }) => position <= answered.position).map(({ state }) => state);
  expect(until).toEqual(["locked", "searching", "locked", "forwarding", "idle"]);
});

test("older facts are fetched from before those that are kept", async () => {
  const api = await startApi({ config: { clients: 1 } });
  await raiseAll(api, ["1", "2"]);
  const page = new Page(api);
  await page.until(() => page.connection.state.kind === "live");
  const { ledger, position } = page.screen;
  const ask = (before: number, countMax: number) =>
    readOlderFacts({
      origin: api.engine.url.replace(/^http/, "ws"),
      ledger: ledger ?? "",
      before,
      countMax,
      subprotocols: [],
      open: openSocket,
    });
  expect((await ask(position + 1, 5)).map(({ data }) => data.position)).toEqual(
    [4, 3, 2, 1, 0].map((back) => position - back),
  );
  expect(await ask(4, 100)).toHaveLength(3);
  expect(await ask(1, 100)).toEqual([]);
});

test("S1: with tokens on, a page without one is refused, and one with a viewer's reads and may not force", async () => {
  const api = await startApi({ guarded: true });
  const without = new Page(api);
  await without.until(() => without.connection.state.kind === "lost");
  expect(without.screen.ledger).toBeNull();
  const page = new Page(api, "see");
  await page.until(() => page.connection.state.kind === "live");
  const ask = (token: string | null) => createApi({ fetch, token: () => token, origin: api.engine.url });
  expect(await ask(null)({ method: "GET", path: "/clients" })).toMatchObject({
    ok: false,
    problem: { status: 401 },
  });
  expect(await ask("see")<{ clients: ClientAnswer[] }>({ method: "GET", path: "/clients" })).toMatchObject({
    ok: true,
  });
  const force = {
    method: "POST",
    path: "/clients/client-01/force-unlock",
    json: { lockGuid: "x", reason: "y" },
  } as const;
  expect(await ask("see")(force)).toMatchObject({ ok: false, problem: { status: 403 } });
  expect(await ask("do")(force)).toMatchObject({ ok: false, problem: { status: 409, code: "NOT_LOCKED" } });
});

test("a token that no header can carry is told as one that is not good, and not as a lost engine", async () => {
  const { engine } = await startApi({ guarded: true });
  const kept = createApi({ fetch, token: () => "see\u200b", origin: engine.url });
  expect(await kept({ method: "GET", path: "/clients" })).toMatchObject({
    ok: false,
    problem: { status: 401, detail: expect.stringContaining("This cannot be a token") as string },
  });
});

test("an engine that cannot be reached is a refusal, not a crash", async () => {
  const api = createApi({ fetch, token: () => null, origin: "http://127.0.0.1:1" });
  expect(await api({ method: "GET", path: "/clients" })).toMatchObject({ ok: false, problem: { status: 0 } });
});
