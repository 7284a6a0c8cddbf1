/** What a reader may ask for: the query word by word, what is refused and why, and what is sent for it. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { readFeedRequest } from "../../adapters/feed/request.ts";
import { startEdge, type SocketRig } from "./socket-rig.ts";

let rig: SocketRig;
beforeEach(async () => {
  rig = await startEdge();
});
afterEach(() => rig.stop());

describe("what is asked for", () => {
  const uuid = "0b0e8f2c-5f3f-4f6e-9d11-6a2f3c0a9e77";
  test("the query is read", () => {
    expect(readFeedRequest("/v1/feed")).toEqual({
      ok: true,
      request: { after: null, only: null, types: null, behind: "read" },
    });
    expect(
      readFeedRequest(
        `/v1/feed?after=${uuid}%3A42&only=client-07&types=response.row,client.state&behind=reset`,
      ),
    ).toEqual({
      ok: true,
      request: {
        after: { ledger: uuid, position: 42 },
        only: "client-07",
        types: new Set(["response.row", "client.state"]),
        behind: "reset",
      },
    });
  });

  test.each([
    ["after=42", "after: expected <ledger>:<position>"],
    ["after=", "after: expected <ledger>:<position>"],
    ["after=a:", "after: expected"],
    ["after=a:-1", "after: expected"],
    ["after=a:01", "after: expected"],
    ["after=a:1.5", "after: expected"],
    ["after=a:1e3", "after: expected"],
    ["after=a:9999999999999999", "after: expected"],
    ["after=a:1&after=a:2", '"after": expected once'],
    ["only=07", "only: expected the name of one client"],
    ["types=response.rows", 'types: there is no type "response.rows"'],
    ["types=", 'types: there is no type ""'],
    ["types=constructor", 'types: there is no type "constructor"'],
    ["behind=", "behind: expected read or reset"],
    ["since=1", '"since": expected only after, only, types'],
    [`types=${"%E2%82%AC".repeat(500)}`, "types: there is no type"],
  ])("%s is refused with 4400 and the reason", async (query, reason) => {
    const closed = await rig.viewer(`?${query}`).closed;
    expect(closed.code).toBe(4400);
    expect(closed.reason).toContain(reason);
    expect(rig.source.snapshot().position).toBe(10);
    expect(rig.readers).toEqual([]);
  });

  test("after: the facts that followed, then live ones", async () => {
    const viewer = rig.viewer("?after=ledger-1:7");
    await viewer.take(4);
    rig.source.emit(2);
    await viewer.take(6);
    expect(viewer.positions).toEqual([8, 9, 10, 11, 12]);
  });

  test("the id of a fact is what `after` takes", async () => {
    const first = rig.viewer("?after=ledger-1:0");
    const [, , second] = await first.take(11);
    const again = rig.viewer(`?after=${encodeURIComponent(second?.id ?? "")}`);
    await again.take(9);
    expect(again.positions).toEqual([3, 4, 5, 6, 7, 8, 9, 10]);
  });
});
