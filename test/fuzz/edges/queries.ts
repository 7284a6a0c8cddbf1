/** What readers ask for in the address of a socket: feed and inspector. */
import { readFeedRequest } from "../../../adapters/feed/request.ts";
import { readInspectRequest } from "../../../adapters/inspect/request.ts";
import { demand, demandEqual, type Edge } from "../edge.ts";

/** What the connection cuts a reason to, and what it must be (reader-connection.ts). */
function demandReason(reason: string): void {
  demand(reason !== "" && /^[ -~]*$/.test(reason), `a reason that is not ASCII: ${reason}`);
}

export const feedQuery: Edge = {
  name: "feed-query",
  reads: "the address of the feed",
  sources: ["adapters/feed/request.ts"],
  seeds: [
    "/v1/feed",
    "/v1/feed?after=0f8fad5b-d9cb-469f-a165-70867728950e:1234",
    "/v1/feed?after=memory:0&only=client-07",
    "/v1/feed?types=response.row,client.state,counters",
    "/v1/feed?behind=reset&only=client-1&types=alarm.settled&after=x:999999999999999",
  ].map((text) => Buffer.from(text)),
  open: () => ({
    run(input) {
      const read = readFeedRequest(input.toString("latin1"));
      if (!read.ok) {
        demandReason(read.reason);
        return "refused";
      }
      const { after, only, types, behind } = read.request;
      if (after !== null)
        demand(Number.isSafeInteger(after.position) && after.position >= 0, "a position that is none");
      const query = new URLSearchParams({
        ...(after === null ? undefined : { after: `${after.ledger}:${after.position}` }),
        ...(only === null ? undefined : { only }),
        ...(types === null ? undefined : { types: [...types].join(",") }),
        behind,
      });
      const again = readFeedRequest(`/v1/feed?${query.toString()}`);
      demandEqual(plain(again), plain(read), "written anew it reads otherwise");
      return "accepted";
    },
  }),
};

function plain(read: ReturnType<typeof readFeedRequest>): unknown {
  if (!read.ok) return read;
  const { after, only, types, behind } = read.request;
  return { after, only, types: types === null ? null : [...types], behind };
}

export const inspectQuery: Edge = {
  name: "inspect-query",
  reads: "the address of the inspector",
  sources: ["adapters/inspect/request.ts"],
  seeds: ["/inspect", "/inspect?actor=client-07", "/inspect?actor=gateway:OSB%20%C3%BC"].map((text) =>
    Buffer.from(text),
  ),
  open: () => ({
    run(input) {
      const read = readInspectRequest(input.toString("latin1"));
      if (!read.ok) {
        demandReason(read.reason);
        return "refused";
      }
      const { actor } = read.request;
      const again = readInspectRequest(
        actor === null ? "/inspect" : `/inspect?${new URLSearchParams({ actor }).toString()}`,
      );
      demandEqual(again, read, "written anew it reads otherwise");
      return "accepted";
    },
  }),
};
