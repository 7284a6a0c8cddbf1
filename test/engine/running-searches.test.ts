import { describe, expect, test } from "vitest";
import { RunningSearches } from "../../actors/running-searches.ts";

describe("searches under way", () => {
  test("one a client: the next one cuts off what a client that crashed has left, and no other client's", () => {
    const searches = new RunningSearches();
    const left = searches.begin("client-01");
    const other = searches.begin("client-02");
    const next = searches.begin("client-01");
    expect([left.aborted, other.aborted, next.aborted]).toEqual([true, false, false]);
  });

  test("the end of one that was cut off does not let go of the next one", () => {
    const searches = new RunningSearches();
    const left = searches.begin("client-01");
    const next = searches.begin("client-01");
    searches.end("client-01", left);
    searches.abandon("client-01");
    expect(next.aborted).toBe(true);
  });

  test("what has its answer is not cut off any more", () => {
    const searches = new RunningSearches();
    const answered = searches.begin("client-01");
    searches.end("client-01", answered);
    searches.abandon("client-01");
    expect(answered.aborted).toBe(false);
  });

  test("all are cut off once the pool is stopped", () => {
    const searches = new RunningSearches();
    const signals = ["client-01", "client-02"].map((clientId) => searches.begin(clientId));
    searches.stop();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  });
});
