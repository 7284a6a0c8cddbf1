/** What each page selects from the screen, and what operators order. */
import { parse } from "csv-parse/sync";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { z } from "zod";
import type {
  ClientMessage,
  ResponsesMessage,
  SearchResultsMessage,
  SettingsMessage,
} from "../../actors/api-messages.ts";
import type { pathSchema } from "../../actors/api-look-ups.ts";
import type {
  ActMessage,
  explanationSchema,
  FlowDetailMessage,
  FlowMessage,
  GatewayMessage,
} from "../../actors/api-records.ts";
import { outcomeSchema } from "../../actors/vocabulary-schemas.ts";
import { csvCodec } from "../../adapters/service-table/csv.ts";
import { cellsOf } from "../../machines/service-table.ts";
import {
  type Address,
  clientTabs,
  pages,
  readAddress,
  writeAddress,
} from "../../visualizations/console/model/address.ts";
import type * as Answers from "../../visualizations/console/model/api-messages.ts";
import {
  columns,
  defaultOrder,
  readFilter,
  readOrder,
  selectClients,
  writeOrder,
} from "../../visualizations/console/model/client-table.ts";
import { putGateway } from "../../visualizations/console/model/asked.ts";
import { type Client, newClient, sinceOf } from "../../visualizations/console/model/clients.ts";
import { csvOf } from "../../visualizations/console/model/csv.ts";
import { badRows } from "../../visualizations/console/model/import-preview.ts";
import { force, resolve, whyNoForce } from "../../visualizations/console/model/intents.ts";
import type { Outcome } from "../../visualizations/console/model/alarms.ts";
import { calmText, exceptionsOf } from "../../visualizations/console/model/overview.ts";
import { emptyScreen } from "../../visualizations/console/model/screen.ts";
import { ageText, durationText, readDuration } from "../../visualizations/console/model/text.ts";
import { canBeToken, whyTokenAsked } from "../../visualizations/console/model/token.ts";
import { verdictOf } from "../../visualizations/console/model/verdict.ts";
import { timeAxis } from "../../visualizations/console/model/time-axis.ts";
import { serviceRow } from "../service/calls.ts";

const now = Date.UTC(2026, 10, 23, 12);
const minute = 60_000;

function client(number: number, lockedFor: number | null, busy = false): Client {
  const locked = lockedFor !== null;
  const one = newClient({
    clientId: `client-0${number}`,
    state: busy ? "searching" : locked ? "locked" : "idle",
    lockStatus: locked ? "locked" : "unlocked",
    lockGuid: locked ? `0000000${number}-0000-4000-8000-00000000abc${number}` : null,
    lockTime: locked ? now - lockedFor : null,
    fence: locked ? 1 : null,
    busyStatus: busy ? "busy" : "notBusy",
    processingData: busy ? "searching tickets" : "",
  });
  return {
    ...one,
    deadlineAt: locked ? now - lockedFor + 5 * minute : null,
    since: locked ? now - lockedFor : null,
  };
}

const pool = [client(1, null), client(2, minute), client(3, 4 * minute), client(4, 2 * minute, true)];
const ids = (filter: string, sort = "") => selectClients(pool, readFilter(filter), readOrder(sort), now);

test("clients: the oldest lock first, those without one last; any column, either way", () => {
  expect(ids("")).toEqual(["client-03", "client-04", "client-02", "client-01"]);
  expect(ids("", "-id")).toEqual(["client-04", "client-03", "client-02", "client-01"]);
  expect(ids("", "nonsense")).toEqual(ids(""));
  for (const { name } of columns)
    for (const sign of ["", "-"]) expect(ids("", sign + name).toSorted()).toEqual(ids("", "id"));
  expect(writeOrder(defaultOrder)).toBe("");
  expect(readOrder(writeOrder({ column: "id", descending: true }))).toEqual({
    column: "id",
    descending: true,
  });
});

test("clients: how long in its state, where only facts from before the page tell", () => {
  const idle = client(1, null);
  const step = { at: now - minute, by: "client.unlocked", position: 1, lockGuid: null, key: null };
  expect(sinceOf(idle)).toBeNull();
  expect(sinceOf({ ...idle, steps: [{ ...step, state: "idle" }] })).toBe(now - minute);
  expect(sinceOf({ ...idle, steps: [{ ...step, state: "closing" }] })).toBeNull();
  expect(sinceOf({ ...idle, since: now, steps: [{ ...step, state: "idle" }] })).toBe(now);
});

test("clients: a filter narrows by words, names and ages, and says what it cannot read", () => {
  expect(ids("state:locked age:>90s")).toEqual(["client-03"]);
  expect(ids("age:<90s")).toEqual(["client-02"]);
  expect(ids("busy:busy")).toEqual(["client-04"]);
  expect(ids("tickets")).toEqual(["client-04"]);
  expect(ids("lock:abc2")).toEqual(["client-02"]);
  expect(ids("state:")).toHaveLength(4);
  expect(readFilter("age:>soon").complaint).toContain("age:>5m");
  expect(readFilter("colour:red").complaint).toContain("state:");
});

test("the address holds place and query, and comes back as it went", () => {
  const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 });
  const place = fc.oneof(
    fc.record({ page: fc.constantFrom(...pages) }),
    fc.record({ page: fc.constant("client" as const), clientId: text, tab: fc.constantFrom(...clientTabs) }),
    fc.record({ page: fc.constant("flow" as const), lockGuid: text }),
    fc.record({ page: fc.constant("alarm" as const), source: text, id: text }),
  );
  const query = fc.dictionary(fc.constantFrom("filter", "sort", "type", "at"), text, {
    noNullPrototype: true,
  });
  fc.assert(
    fc.property(place, query, (where, asked) => {
      expect(readAddress(writeAddress(where, asked))).toEqual({ ...where, query: asked } satisfies Address);
    }),
  );
  fc.assert(
    fc.property(fc.string(), (hash) => {
      expect(readAddress(hash).page).toBeTypeOf("string");
    }),
  );
});

test("why there is (no) ticket is said first, in words, for every outcome", () => {
  const say = (outcome: Outcome | null, rule = "D8", ticketId: string | null = "MO-31") =>
    verdictOf({ id: "4711", outcome, ticketId, rule });
  expect(say("adopted", "D5")).toEqual({
    title: "No ticket of its own: alarm 4711 is covered by ticket MO-31.",
    isBad: false,
  });
  expect(say("adopted", "D4").title).toBe(
    "No new ticket: alarm 4711 belongs to ticket MO-31, which is open.",
  );
  expect(say("created").title).toBe("Ticket: alarm 4711 made ticket MO-31.");
  expect(say(null).title).toContain("Not settled yet");
  expect(say("stopped", "D10", "TCK-1").title).toBe(
    "No ticket of its own: alarm 4711 leaves ticket TCK-1 as it is.",
  );
  expect(say("stopped", "D12", null).title).toBe("No ticket: nothing is to be done for alarm 4711.");
  expect(say("unknown").title).toBe("Nobody can say whether alarm 4711 has a ticket.");
  for (const outcome of outcomeSchema.options) {
    const { title, isBad } = say(outcome);
    expect(title).toMatch(/^(Ticket|No ticket|No new ticket|Nobody can say)/);
    expect(title).toContain("4711");
    expect(isBad).toBe(["rejected", "failed", "unknown"].includes(outcome));
  }
});

test("ages and durations", () => {
  expect([0, 999, 61_000, 3_600_000, 90_000_000].map(ageText)).toEqual([
    "0 s",
    "0 s",
    "1 min 01 s",
    "1 h 00 min",
    "1 d 1 h",
  ]);
  expect([3, 1_500, 42_000].map(durationText)).toEqual(["3 ms", "1.5 s", "42 s"]);
  expect(["5m", "90s", "250ms", "2h", "7", "x", "5y"].map(readDuration)).toEqual([
    300_000,
    90_000,
    250,
    7_200_000,
    7_000,
    null,
    null,
  ]);
});

test("S9: a table as CSV cannot run in a spreadsheet", () => {
  expect(
    csvOf(
      ["a", "b"],
      [
        ["=1+1", 'say "no"'],
        ["-2", "x,y"],
      ],
    ),
  ).toBe('a,b\r\n"\'=1+1","say ""no"""\r\n"\'-2","x,y"\r\n');
});

describe("S9: no cell of an exported table is a formula, whatever separates cells where it is opened", () => {
  const attempts = [
    'x;=HYPERLINK("http://evil.example","a")',
    "x;=cmd|' /C calc'!A1",
    'x;"=1+1"',
    "x;'=1+1",
    "x;－1",
    "x\t=1+1",
    "x\n=1+1",
    "x\r\n@SUM(1)",
    "＝1+1",
    "＋1",
    "＠SUM(1)",
    "\n=1+1",
    "\t\t=1+1",
    "'=1+1",
  ];
  const formula = /^[=+\-@\t\r\n＝＋－＠]/;
  /** Where the comma separates nothing, no quote opens but the first of a row: it is split as it stands. */
  const split = (csv: string) => csv.split(/[;\t\r\n]+/).map((part) => part.replace(/^"+/, ""));

  test.each(attempts)("%j", (text) => {
    const csv = csvOf(["client", "key"], [["client-01", text]]);
    const cells = parse(csv).flat();
    expect(cells).toHaveLength(4);
    expect([...cells, ...split(csv)].filter((one) => formula.test(one))).toEqual([]);
  });

  const text = (characters: string) =>
    fc.string({ unit: fc.constantFrom(...characters.split("")), maxLength: 12 });

  test("any text stays in its cell", () => {
    const any = text("=+-@＝＋－＠\t\r\n;,\"' ab");
    fc.assert(
      fc.property(any, any, (one, other) => {
        const csv = csvOf(["client", "a", "b"], [["client-01", one, other]]);
        const cells = parse(csv);
        expect(cells.map((row) => row.length)).toEqual([3, 3]);
        expect([...cells.flat(), ...split(csv)].filter((part) => formula.test(part))).toEqual([]);
      }),
    );
  });

  test("a cell begins as the Service Info CSV has it begin", () => {
    const row = cellsOf(serviceRow(8_650));
    fc.assert(
      fc.property(text("=+-@＝＋－＠,\"' ab"), (notes) => {
        const stored = parse(csvCodec.format([{ ...row, notes }]));
        const exported = parse(csvOf(["notes"], [[notes]]));
        expect(exported[1]?.at(-1)).toBe(stored[1]?.at(-1));
      }),
    );
  });
});

describe("S1: a token is asked for where one would help", () => {
  const asked = (status: number, code: string, known = true) =>
    whyTokenAsked({ status, code, detail: "" }, known);
  test.each([
    [asked(401, "UNAUTHORIZED", false), "This engine asks for a token."],
    [asked(401, "UNAUTHORIZED"), "The engine does not know this token (401)."],
    [asked(403, "FORBIDDEN"), "This token may not read the console (403)."],
    [asked(403, "FOREIGN_ORIGIN"), null],
    [asked(0, "UNREACHABLE"), null],
    [asked(500, "UNREADABLE"), null],
  ])("%#: %s", (sentence, expected) => expect(sentence).toBe(expected));

  test.each(["", "a b", "a\nb", "see\u200b", "tökèn", "x".repeat(1_025)])("%j can be none", (text) =>
    expect(canBeToken(text)).toBe(false),
  );
  test.each(["!", "~", "x".repeat(1_024)])("%s can be one", (text) => expect(canBeToken(text)).toBe(true));
});

test("the bad rows of an import, under their header", () => {
  expect(badRows("h\r\none\r\ntwo\r\nthree", [{ line: 3, detail: "" }])).toBe("h\r\ntwo");
});

test("the time axis rises, ends at its ends, and folds what is idle", () => {
  const span = fc.tuple(fc.nat(1e6), fc.nat(1e4)).map(([from, length]) => ({ from, to: from + length + 1 }));
  fc.assert(
    fc.property(
      fc.array(span, { minLength: 1, maxLength: 50 }),
      fc.integer({ min: 1, max: 1e5 }),
      (spans, gap) => {
        const axis = timeAxis(spans, gap);
        expect(axis.place(axis.from)).toBeCloseTo(0, 9);
        expect(axis.place(axis.to)).toBeCloseTo(1, 9);
        const times = spans.flatMap(({ from, to }) => [from, to]).sort((one, other) => one - other);
        const places = times.map((at) => axis.place(at));
        for (let index = 1; index < places.length; index++)
          expect(places[index] ?? 0).toBeGreaterThanOrEqual((places[index - 1] ?? 0) - 1e-9);
        for (const fold of axis.folds) expect(fold.to - fold.from).toBeGreaterThan(gap);
      },
    ),
  );
  const folded = timeAxis(
    [
      { from: 0, to: 100 },
      { from: 1e6, to: 1e6 + 100 },
    ],
    1_000,
  );
  expect(folded.place(100)).toBeCloseTo(0.49, 5);
});

describe("L6: a force", () => {
  const typed = { reason: " stuck ", lastFour: "abc2" };
  const seen = "00000002-0000-4000-8000-00000000abc2";
  test("names the lock that was seen, and why", () => {
    expect(force("force-unlock", "client-02", seen, typed)).toEqual({
      ok: true,
      call: {
        method: "POST",
        path: "/clients/client-02/force-unlock",
        json: { lockGuid: seen, reason: "stuck" },
      },
    });
  });
  test.each([
    [{ ...typed, reason: " " }, "Say why"],
    [{ ...typed, lastFour: "abc3" }, "are abc2"],
  ])("%o is not sent", (wrong, because) => {
    expect(force("force-not-busy", "client-02", seen, wrong)).toMatchObject({
      ok: false,
      because: expect.stringContaining(because) as string,
    });
  });
  test("is of no use where nothing is held, or nothing runs, and says so", () => {
    expect(pool.map((one) => whyNoForce("force-unlock", one) === null)).toEqual([false, true, true, true]);
    expect(pool.map((one) => whyNoForce("force-not-busy", one) === null)).toEqual([
      false,
      false,
      false,
      true,
    ]);
  });
});

test("L6: a verdict needs a reason, and of a create that was applied its ticket", () => {
  const create = { requestId: "r/1", command: "create" };
  const verdict = { verdict: "applied", ticketId: "", reason: "seen" } as const;
  expect(resolve(create, verdict)).toMatchObject({ ok: false });
  expect(resolve(create, { ...verdict, verdict: "notApplied", reason: "" })).toMatchObject({ ok: false });
  expect(resolve(create, { ...verdict, ticketId: "T-1" })).toEqual({
    ok: true,
    call: {
      method: "POST",
      path: "/gateway/requests/r%2F1/resolve",
      json: { verdict: "applied", reason: "seen", ticketId: "T-1" },
    },
  });
});

test("exceptions: none while all is well; locks near their end, long commands, doubts and storms otherwise", () => {
  const screen = emptyScreen();
  screen.clients.set("client-02", client(2, minute));
  expect(exceptionsOf(screen, null, now)).toEqual([]);
  expect(calmText(screen, null)).toBe("Waiting for the engine.");
  screen.ledger = "l";
  expect(calmText(screen, null), "not before all has been looked at").toBe("Asking the gateway.");
  screen.clients.set("client-03", client(3, 4 * minute));
  screen.clients.set("client-04", client(4, 2 * minute, true));
  screen.waiting = { create: 0, update: 0, close: 0, parked: 2, parkedFor: { storm: 2 } };
  const counts = { planned: 0, sending: 0, retry: 0, inDoubt: 1, async: 0, unknown: 2 };
  const gateway = {
    waiting: screen.waiting,
    inFlight: [],
    requests: [],
    unknown: [],
    counts,
    mismatch: null,
  };
  expect(calmText(screen, gateway)).toBe("Nothing abnormal.");
  expect(exceptionsOf(screen, gateway, now).map(({ title }) => title)).toEqual([
    "1 lock near or past the end of its time",
    "1 client busy for longer than the service may take",
    "2 requests of unknown fate",
    "1 request in doubt",
    "Event storm: 2 keys held back",
  ]);
});

test("the way from an exception of clients leads to a table with each of them, whatever it is doing", () => {
  const screen = emptyScreen();
  const held = [client(3, 4 * minute), client(4, 4.5 * minute, true)];
  for (const one of held) screen.clients.set(one.clientId, one);
  const found = exceptionsOf(screen, null, now);
  expect(found.map(({ name }) => name)).toEqual(["over-age-locks", "busy-too-long"]);
  const [overAge, busy] = found.map(({ query }) => ids(query["filter"] ?? "", query["sort"]));
  expect(overAge).toEqual(expect.arrayContaining(["client-03", "client-04"]));
  expect(busy).toEqual(["client-04"]);
});

test("a service table that differs is an exception from when the gateway is asked, and none any more once it is equal", () => {
  const screen = emptyScreen();
  const counts = { planned: 0, sending: 0, retry: 0, inDoubt: 0, async: 0, unknown: 0 };
  const waiting = { create: 0, update: 0, close: 0, parked: 0, parkedFor: {} };
  const mismatch = { because: "Row OSB, column port: 1 here, 2 in the table.", rows: [], since: now };
  const told = { waiting, inFlight: [], requests: [], unknown: [], counts };
  putGateway(screen, { ...told, mismatch }, now);
  expect(exceptionsOf(screen, null, now)).toMatchObject([
    { name: "tables-differ", detail: mismatch.because },
  ]);
  putGateway(screen, { ...told, mismatch: null }, now);
  expect(exceptionsOf(screen, null, now)).toEqual([]);
});

/** Theirs must be all that this page reads: what it expects and does not get does not compile. */
type Held<Theirs extends Ours, Ours> = [Theirs, Ours];
export type AnswersHeld = [
  Held<ClientMessage, Answers.ClientAnswer>,
  Held<SearchResultsMessage, Answers.SearchResultsAnswer>,
  Held<SettingsMessage, Answers.SettingsAnswer>,
  Held<ResponsesMessage, Answers.ResponsesAnswer>,
  Held<GatewayMessage, Answers.GatewayAnswer>,
  Held<FlowMessage, Answers.FlowAnswer>,
  Held<FlowDetailMessage, Answers.FlowDetailAnswer>,
  Held<ActMessage, Answers.ActAnswer>,
  Held<z.output<typeof explanationSchema>, Answers.ExplanationAnswer>,
  Held<z.output<typeof pathSchema>, Answers.PathDetailsAnswer>,
];
