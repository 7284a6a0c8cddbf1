/** What `top` shows for a state and a size: the fold and the screen, without an engine and without a terminal. */
import { describe, expect, test } from "vitest";
import type { ClientMessage } from "../../actors/api-messages.ts";
import type { FeedMessage } from "../../actors/feed-messages.ts";
import { cellsOf, cut, fitted, harmless } from "../../adapters/cli/terminal-text.ts";
import { nothingHeard, takeClients, takeFeed, type TopModel } from "../../adapters/cli/top-model.ts";
import { type LineState, topScreen } from "../../adapters/cli/top-screen.ts";

const now = Date.UTC(2026, 10, 25, 3);
const guid = "9b2f0d6e-5c1b-4c0e-9a55-0f6d1f7f1a11";

const idle = (clientId: string) => ({
  clientId,
  state: "idle" as const,
  lockStatus: "unlocked" as const,
  lockGuid: null,
  lockTime: null,
  fence: null,
  busyStatus: "notBusy" as const,
  processingData: "",
});
const held = (clientId: string, ageSeconds: number, processingData = "searching tickets") => ({
  ...idle(clientId),
  state: "searching" as const,
  lockStatus: "locked" as const,
  lockGuid: guid,
  lockTime: now - ageSeconds * 1_000,
  fence: 1,
  busyStatus: "busy" as const,
  processingData,
});
type View = ReturnType<typeof idle> | ReturnType<typeof held>;

const time = new Date(now).toISOString();
const counters = {
  accepted: 61_382,
  duplicates: 0,
  settled: 61_300,
  unsettled: 82,
  outcomes: {},
  rows: { inserted: 0, present: 0, evicted: 0, cleared: 0 },
  openTickets: 120,
  claimsNotKept: 0,
  commandsRefused: 0,
};

function snapshot(clients: readonly View[], position = 10): FeedMessage {
  const data = {
    ledger: "L",
    position,
    reset: false,
    clients,
    queue: { create: 0, update: 0, close: 0, parked: 0, parkedFor: {} },
    gateway: { inFlight: [] },
    services: { rows: [], selected: null, mismatch: null },
    heartbeat: { chain: null, engine: null },
    counters,
  };
  return {
    specversion: "1.0",
    id: "1",
    source: "/v1/feed",
    time,
    type: "ticketclient.feed.snapshot",
    data,
  };
}

function message(type: string, data: object): FeedMessage {
  return {
    specversion: "1.0",
    id: "2",
    source: "/v1/feed",
    time,
    type: `ticketclient.${type}`,
    data,
  } as FeedMessage;
}

function heard(...messages: readonly FeedMessage[]): TopModel {
  const model = takeFeed(nothingHeard, messages, now);
  if (model === null) throw new Error("a gap");
  return model;
}

const gateway = {
  waiting: { create: 7, update: 2, close: 3, parked: 4, parkedFor: { storm: 2 } },
  inFlight: [],
  counts: { planned: 0, sending: 0, retry: 0, inDoubt: 0, async: 0, unknown: 1 },
  requests: [],
  unknown: [],
  mismatch: null,
};

const live: LineState = { kind: "live" };
function screen(
  model: TopModel,
  { columns = 160, rows = 24, line = live, isPaused = false, at = now } = {},
): string[] {
  const shown = { url: "http://127.0.0.1:8640", model, line, isPaused };
  return topScreen(shown, { columns, rows }, at).map(({ text }) => text);
}
const rowsOf = (lines: readonly string[]): string[] =>
  lines.flatMap((line) => /client-\d+/.exec(line)?.[0] ?? []);

describe("the screen", () => {
  test("counters, queue and heartbeat stand above; the oldest lock comes first, idle clients last", () => {
    const model = {
      ...heard(snapshot([idle("client-01"), held("client-02", 5), held("client-03", 65)])),
      gateway,
    };
    const lines = screen(model);
    expect(lines[0]).toBe("Ticket Client  http://127.0.0.1:8640  live");
    expect(lines[1]).toBe("accepted 61,382  settled 61,300  under way 82  open tickets 120");
    expect(lines[2]).toBe("queue 12 (4 parked)  in flight nothing  heartbeat off");
    expect(rowsOf(lines)).toEqual(["client-03", "client-02", "client-01"]);
    expect(lines.find((line) => line.includes("client-03"))).toMatch(
      /searching +1 min 05 s +busy .*searching tickets$/,
    );
    expect(lines.at(-1)).toBe("q quits   p pauses");
  });

  test("what is abnormal has a mark and words, and the row its mark: nothing is told by colour alone", () => {
    let model = heard(
      snapshot([
        held("client-01", 240),
        held("client-02", 10),
        { ...idle("client-03"), state: "quarantined" as never },
      ]),
    );
    const locked = (clientId: string, ageSeconds: number) => ({
      clientId,
      lockGuid: guid,
      key: `NE-${ageSeconds}`,
      deadlineAt: now - ageSeconds * 1_000 + 300_000,
    });
    model = takeClients(model, [
      locked("client-01", 240),
      locked("client-02", 10),
    ] as unknown as ClientMessage[]);
    const shown = { url: "u", model: { ...model, gateway }, line: live, isPaused: false };
    const lines = topScreen(shown, { columns: 160, rows: 24 }, now);
    const alarms = lines.filter(({ level }) => level === "alarm").map(({ text }) => text);
    expect(alarms).toEqual([
      "! 1 lock near or past the end of its time",
      "! 1 client quarantined: it crashed too often",
      "! 1 request of unknown fate: it waits for an operator's verdict",
      "! 2 keys held back: event storm",
      expect.stringMatching(/^! {2}client-01 .* NE-240 /),
      expect.stringMatching(/^! {2}client-03 {2}quarantined/),
    ]);
    expect(lines.filter(({ text, level }) => text.startsWith("!") !== (level === "alarm"))).toEqual([]);
  });

  test("a lost line says how old what is shown is, and when it is tried again; so does a pause", () => {
    const model = heard(snapshot([idle("client-01")]));
    const at = now + 125_000;
    const line: LineState = { kind: "lost", because: "the engine is stopping", retryAt: at + 4_000 };
    const lines = screen(model, { line, at });
    expect(lines[0]).toContain("not live");
    expect(lines[1]).toBe("! the engine is stopping; what is shown is 2 min 05 s old, next try in 4 s");
    const paused = screen(model, { isPaused: true, at });
    expect(paused[0]).toContain("paused");
    expect(paused[1]).toBe("paused: what is shown is 2 min 05 s old");
    expect(paused.at(-1)).toBe("q quits   p goes on");
  });

  test.each([
    [160, 24],
    [80, 24],
    [80, 8],
    [40, 12],
    [20, 5],
    [10, 3],
    [1, 1],
  ])("%d × %d: never wider, never longer, and the rest is counted", (columns, rows) => {
    const clients = Array.from({ length: 200 }, (_, index) =>
      held(`client-${String(index + 1).padStart(3, "0")}`, 200 - index, "x".repeat(300)),
    );
    const lines = screen({ ...heard(snapshot(clients)), gateway }, { columns, rows });
    expect(lines.length).toBe(rows);
    expect(Math.max(...lines.map(cellsOf))).toBeLessThanOrEqual(columns);
    const drawn = rowsOf(lines).length;
    if (rows >= 12) expect(lines.join("\n")).toContain(`… ${200 - drawn} more`.slice(0, columns));
  });

  test("without a terminal all clients are there, in full, and no keys are named", () => {
    const clients = Array.from({ length: 50 }, (_, index) =>
      held(`client-${index + 10}`, 50 - index, "y".repeat(200)),
    );
    const lines = screen(heard(snapshot(clients)), { columns: Infinity, rows: Infinity });
    expect(rowsOf(lines)).toHaveLength(50);
    expect(lines.join("\n")).toContain(guid);
    expect(lines.join("\n")).toContain("y".repeat(200));
    expect(lines.join("\n")).not.toContain("quits");
  });

  test("what an alarm says is shown, and no terminal obeys it", () => {
    const model = heard(snapshot([held("client-01", 5, "\u001b[2J\u0007evil\u202e\r\nmore")]));
    const text = screen(model).join("");
    expect(text).toContain("·[2J·evil···more");
    expect(text).not.toMatch(/[\p{Cc}\u202e]/u);
  });
});

describe("the fold", () => {
  test("F1: a fact whose previous one is missing is not taken", () => {
    const model = heard(snapshot([idle("client-01")]));
    const locked = {
      clientId: "client-01",
      lockGuid: guid,
      fence: 1,
      lockTime: now,
      deadlineAt: now + 1,
      by: "flow",
    };
    expect(
      takeFeed(model, [message("client.locked", { ...locked, position: 14, previous: 13 })], now),
    ).toBeNull();
    expect(
      takeFeed(model, [message("client.locked", { ...locked, position: 14, previous: 10 })], now)?.position,
    ).toBe(14);
  });

  test("key and deadline belong to a lock and go with it", () => {
    const facts = [
      snapshot([idle("client-01")]),
      message("client.locked", {
        clientId: "client-01",
        deadlineAt: now + 300_000,
        position: 11,
        previous: 10,
      }),
      message("flow.started", { clientId: "client-01", key: "NE-1", position: 12, previous: 11 }),
      message("client.state", held("client-01", 0)),
    ];
    expect(heard(...facts).clients.get("client-01")).toMatchObject({
      key: "NE-1",
      deadlineAt: now + 300_000,
    });
    expect(
      heard(...facts, message("client.state", idle("client-01"))).clients.get("client-01"),
    ).toMatchObject({
      key: null,
      deadlineAt: null,
    });
  });
});

describe("text in cells", () => {
  test("wide characters take two cells, marks above a letter none", () => {
    expect([cellsOf("abc"), cellsOf("局番"), cellsOf("é"), cellsOf("e\u0301")]).toEqual([3, 4, 1, 1]);
    expect(cut("局番号", 4)).toBe("局…");
    expect(cellsOf(fitted("局番号", 6))).toBe(6);
    expect(fitted("ab", 4, "right")).toBe("  ab");
    expect(harmless("a\nb\u009bc")).toBe("a·b·c");
  });
});
