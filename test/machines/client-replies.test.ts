/** What whoever asked a Ticket Client is told when nothing came of it: code, words, and whether to try again. */
import { describe, expect, test } from "vitest";
import type { CloseCommand, ForwardCommand, SearchCommand } from "../../machines/client-commands.ts";
import { cancelled } from "../../machines/client-commands.ts";
import { isHolder, tellForced, tellLost, tellRefused } from "../../machines/client-replies.ts";
import type { Lock } from "../../machines/vocabulary.ts";
import { clientEvent, holder } from "./client-rig.ts";
import { noon } from "./given.ts";

const lock: Lock = { ...holder, lockTime: noon };
const client = { clientId: "client-01", lock };

type Asked = SearchCommand | ForwardCommand | CloseCommand;

/** A command whose answer is kept whole. */
function asked<T extends Asked["type"]>(type: T, by = holder) {
  const told: unknown[] = [];
  const reply = (answer: unknown): void => void told.push(answer);
  const command = { ...clientEvent(type, [], by), reply } as unknown as Extract<Asked, { type: T }>;
  return { command, told };
}

describe("L3: who holds the client", () => {
  test.each([
    ["its holder", lock, holder, true],
    ["an older fence", lock, { ...holder, fence: 6 }, false],
    ["another GUID", lock, { ...holder, lockGuid: "guid-9" }, false],
    ["nobody", null, holder, false],
  ])("%s", (_who, held, by, expected) => {
    expect(isHolder(held, by)).toBe(expected);
  });
});

describe("L3: refused", () => {
  test.each([
    ["of no lock", null, holder, "NOT_LOCKED", "client-01 is not locked; lock a client first."],
    [
      "with another GUID",
      lock,
      { ...holder, lockGuid: "guid-9" },
      "STALE_GUID",
      "client-01 is held by guid-1, not by guid-9; the lock has moved on.",
    ],
    [
      "with an older fence",
      lock,
      { ...holder, fence: 6 },
      "STALE_FENCE",
      "client-01 was granted again (fence 7, yours is 6); the lock has moved on.",
    ],
    [
      "while it does something else",
      lock,
      holder,
      "BUSY_CLIENT",
      "client-01 is searching; wait for the answer of its last command.",
    ],
  ])("%s: search, forward and close are told why", (_what, held, by, code, detail) => {
    const at = { clientId: "client-01", lock: held };
    const [search, forward, close] = [
      asked("client.search", by),
      asked("client.forward", by),
      asked("client.close", by),
    ];
    for (const { command } of [search, forward, close]) tellRefused(at, command, "searching");
    expect(search.told).toEqual([{ ok: false, failure: { code, cause: detail, permanent: true }, at: 0 }]);
    expect(forward.told).toEqual([{ ok: false, failure: { code, detail }, at: 0 }]);
    expect(close.told).toEqual([{ ok: false, failure: { code, detail } }]);
  });

  test("a close of somebody who does not listen", () => {
    const { reply: _nobody, ...close } = asked("client.close").command;
    expect(() => tellRefused(client, close, "searching")).not.toThrow();
  });
});

describe("the lock ended first", () => {
  const detail = "client-01: the lock ended before the answer came.";

  test("the command under way is told", () => {
    const [search, forward] = [asked("client.search"), asked("client.forward")];
    tellLost(client, search.command);
    tellLost(client, forward.command);
    const code = "LOCK_EXPIRED";
    expect(search.told).toEqual([{ ok: false, failure: { code, cause: detail, permanent: true }, at: 0 }]);
    expect(forward.told).toEqual([{ ok: false, failure: { code, detail }, at: 0 }]);
  });

  test("and where there is none, nobody", () => {
    expect(() => tellLost(client, null)).not.toThrow();
  });
});

describe("L4: forced to not busy", () => {
  const because = "An operator forced the client to not busy.";

  test("a search may be tried again", () => {
    const search = asked("client.search");
    tellForced(search.command, "settled", noon);
    const failure = { code: "FORCED", cause: because, permanent: false };
    expect(search.told).toEqual([{ ok: false, failure, at: noon }]);
  });

  test.each([
    ["left", null],
    ["settled", "cancelled"],
    ["cancelled", "cancelled"],
  ] as const)("a request that is %s", (request, outcome) => {
    const forward = asked("client.forward");
    tellForced(forward.command, request, noon);
    expect(forward.told).toEqual([{ ok: true, result: request, outcome, ticketId: null, because, at: noon }]);
  });

  test("and where nothing was under way, nobody", () => {
    expect(() => tellForced(null, "left", noon)).not.toThrow();
  });
});

test("L4: what was cancelled before it was sent has an outcome, and no ticket", () => {
  expect(cancelled("The lock had moved on.", noon)).toEqual({
    ok: true,
    result: "cancelled",
    outcome: "cancelled",
    ticketId: null,
    because: "The lock had moved on.",
    at: noon,
  });
});
