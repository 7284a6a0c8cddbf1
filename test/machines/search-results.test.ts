/** What the Search Results page shows of a flow: all of its searches, a ticket as it was shown last, within a bound. */
import { describe, expect, test } from "vitest";
import { limits } from "../../machines/limits.ts";
import { withReply, type SearchResults } from "../../machines/search-results.ts";
import type { PathReading } from "../../machines/upstream.ts";
import type { Ticket } from "../../machines/vocabulary.ts";
import { found } from "./client-rig.ts";
import { noon, ticket } from "./given.ts";

const path = { hops: [], truncated: false } as unknown as PathReading;

function shown(count: number, from = 1): Ticket[] {
  return Array.from({ length: count }, (_, index) => ticket(`T${from + index}`));
}

function ids({ tickets }: SearchResults): string[] {
  return tickets.map(({ ticketId }) => ticketId);
}

describe("search results", () => {
  test("of the first search: as it was answered", () => {
    expect(withReply(null, found(ticket("T1")), "guid-1")).toEqual({
      tickets: [ticket("T1")],
      truncated: false,
      path: null,
      at: noon,
      lockGuid: "guid-1",
    });
  });

  test("of later ones too: a ticket that is shown again is as it is now, and the newest", () => {
    const before = withReply(null, found(ticket("T1"), ticket("T2")), "guid-1");
    const closed = ticket("T1", { status: "closed" });
    const after = withReply(before, { ...found(closed, ticket("T3")), at: noon + 5 }, "guid-1");
    expect(after.tickets).toEqual([ticket("T2"), closed, ticket("T3")]);
    expect(after.at).toBe(noon + 5);
  });

  test("at the bound all are kept, one more puts the oldest out and says so", () => {
    const full = withReply(null, found(...shown(limits.searchResultsMax)), "guid-1");
    expect([full.tickets.length, full.truncated]).toEqual([limits.searchResultsMax, false]);
    const over = withReply(full, found(ticket("one more")), "guid-1");
    expect([over.tickets.length, over.truncated]).toEqual([limits.searchResultsMax, true]);
    expect([ids(over)[0], ids(over).at(-1)]).toEqual(["T2", "one more"]);
  });

  test("that were cut short once stay so", () => {
    const cut = withReply(null, { ...found(ticket("T1")), truncated: true }, "guid-1");
    expect(cut.truncated).toBe(true);
    expect(withReply(cut, found(ticket("T2")), "guid-1").truncated).toBe(true);
  });

  test("keep the path until another is read", () => {
    const first = withReply(null, { ...found(), path }, "guid-1");
    expect(first.path).toBe(path);
    expect(withReply(first, found(), "guid-1").path).toBe(path);
    const other = { ...path };
    expect(withReply(first, { ...found(), path: other }, "guid-1").path).toBe(other);
  });
});
