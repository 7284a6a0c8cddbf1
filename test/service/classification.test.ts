/** Every failure shape of a service, over real TCP: what it proves about a request and about a search. */
import { afterEach, describe, expect, test } from "vitest";
import { limits } from "../../machines/limits.ts";
import { createOsbService } from "../../adapters/service/osb.ts";
import { searchCall, sendCall, serviceRow } from "./calls.ts";
import { ack, failureShapes, nack } from "./failure-shapes.ts";
import { acknowledged, found, startFakePeer, type PeerRequest } from "./fake-osb-peer.ts";
import { manualClock } from "./manual-clock.ts";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0)) await clean();
});

function osb(clock = manualClock()) {
  const service = createOsbService({ callbackUrl: () => "http://127.0.0.1:1/osb/callback", clock });
  cleanups.push(() => service.close());
  return service;
}

async function peer(...script: Parameters<typeof startFakePeer>) {
  const started = await startFakePeer(...script);
  cleanups.push(() => started.close());
  return started;
}

describe("G3: what is not proven is in doubt", () => {
  test.each(failureShapes)("$title → create $request.kind $request.code", async ({ does, request }) => {
    const { port, requests } = await peer(does);
    const answer = await osb().send(sendCall(serviceRow(port)));
    expect(answer).toMatchObject(request);
    expect(requests).toHaveLength(1);
  });

  test.each(failureShapes)("$title → search error $search.code", async ({ does, search }) => {
    const { port, requests } = await peer(does);
    const answer = await osb().search(searchCall(serviceRow(port)));
    expect(answer).toMatchObject({ kind: "error", ...search });
    expect(requests).toHaveLength(1);
  });

  test.each([
    "text/html",
    "application/json",
    "application/octet-stream",
    "multipart/related; boundary=x",
    "text/xml; charset=iso-8859-1",
    "",
    "no such thing;;",
  ])("the wrong content type %j: an answer is what its bytes prove, good or not", async (type) => {
    const { port } = await peer((r) => {
      const isCreate = r.body.includes("createTicket");
      const text = isCreate ? acknowledged(r.requestId, ack) : found(r.requestId, "", 0);
      r.answer(200, text, { "Content-Type": type });
    });
    const service = osb();
    expect(await service.send(sendCall(serviceRow(port)))).toMatchObject({ kind: "ack", ticketId: "T-1" });
    expect(await service.search(searchCall(serviceRow(port)))).toMatchObject({ kind: "found", tickets: [] });

    const refusing = await peer((r) =>
      r.answer(200, acknowledged(r.requestId, nack), { "Content-Type": type }),
    );
    expect(await service.send(sendCall(serviceRow(refusing.port)))).toMatchObject({ kind: "nack" });
    const other = await peer((r) => r.answer(200, acknowledged("another", ack), { "Content-Type": type }));
    expect(await service.send(sendCall(serviceRow(other.port)))).toMatchObject({
      kind: "inDoubt",
      code: "UNREADABLE",
    });
  });

  test("what a service says to wait is kept: seconds, a date, nonsense", async () => {
    const clock = manualClock(Date.UTC(2026, 0, 1, 12));
    const values = ["7", "Thu, 01 Jan 2026 12:00:09 GMT", "soon"];
    const { port } = await peer((r) => r.answer(503, "", { "Retry-After": values.shift() ?? "" }));
    const service = osb(clock);
    for (const retryAfterMs of [7_000, 9_000, null]) {
      expect(await service.send(sendCall(serviceRow(port)))).toMatchObject({ kind: "refused", retryAfterMs });
    }
  });

  test("NACK is an answer: its code, its reason, its ticket; without a code NACK", async () => {
    const inside = [
      "<o:result>NACK</o:result><o:code>NOT_OWNER</o:code><o:reason>Anna's</o:reason><o:ticketId>T-9</o:ticketId>",
      nack,
    ];
    const { port } = await peer((r) => r.answer(200, acknowledged(r.requestId, inside.shift() ?? "")));
    const service = osb();
    expect(await service.send(sendCall(serviceRow(port)))).toMatchObject({
      kind: "nack",
      code: "NOT_OWNER",
      cause: "Anna's",
      ticketId: "T-9",
    });
    expect(await service.send(sendCall(serviceRow(port)))).toMatchObject({
      kind: "nack",
      code: "NACK",
      ticketId: null,
    });
  });

  test("S3: a code that is a whole text is cut, never inside a character, and refuses all the same", async () => {
    const code = `${"x".repeat(limits.serviceIdCharsMax - 1)}\u{1f6a8}${"x".repeat(900_000)}`;
    const { port } = await peer((r) =>
      r.answer(200, acknowledged(r.requestId, `<o:result>NACK</o:result><o:code>${code}</o:code>`)),
    );
    expect(await osb().send(sendCall(serviceRow(port)))).toMatchObject({
      kind: "nack",
      code: "x".repeat(limits.serviceIdCharsMax - 1),
    });
  });

  test("an ACK without a ticket id is an ACK; prefixes, white space and CDATA do not matter", async () => {
    const inside = [
      "<o:result>ACK</o:result>",
      "<o:result>\n ACK </o:result><o:ticketId><![CDATA[T&1]]></o:ticketId>",
    ];
    const { port } = await peer((r) => r.answer(200, acknowledged(r.requestId, inside.shift() ?? "")));
    const service = osb();
    expect(await service.send(sendCall(serviceRow(port)))).toMatchObject({ kind: "ack", ticketId: null });
    expect(await service.send(sendCall(serviceRow(port)))).toMatchObject({ kind: "ack", ticketId: "T&1" });
  });
});

describe("unreachable: no byte of the request left this machine", () => {
  test("connection refused", async () => {
    const gone = await startFakePeer(() => {});
    await gone.close();
    const row = serviceRow(gone.port);
    expect(await osb().send(sendCall(row))).toMatchObject({ kind: "unreachable", code: "UNREACHABLE" });
    expect(await osb().search(searchCall(row))).toMatchObject({ code: "UNREACHABLE", permanent: false });
  });

  test("a name that cannot be resolved", async () => {
    // A label of 64 characters: refused by the resolver itself, no question leaves this machine.
    const row = serviceRow(1, { host: `${"a".repeat(64)}.invalid` });
    expect(await osb().send(sendCall(row))).toMatchObject({ kind: "unreachable", code: "UNREACHABLE" });
  });

  test("a time-out while it still waits for a socket; the ones before it are in doubt", async () => {
    const clock = manualClock();
    const { port, arrived, requests } = await peer(() => {});
    const service = osb(clock);
    const hanging = Array.from({ length: 16 }, () => service.send(sendCall(serviceRow(port))));
    await arrived(16);
    const late = service.send(sendCall(serviceRow(port, { timeoutSeconds: 5 })));
    await Promise.resolve();
    clock.advance(5_000);
    expect(await late).toMatchObject({ kind: "unreachable", code: "UNREACHABLE" });
    clock.advance(25_000);
    for (const answer of await Promise.all(hanging))
      expect(answer).toMatchObject({ kind: "inDoubt", code: "TIMEOUT" });
    expect(requests).toHaveLength(16);
  });
});

describe("the end of an attempt", () => {
  test("G3: no answer in time → in doubt, at the deadline, and the socket is destroyed", async () => {
    const clock = manualClock();
    const { port, arrived } = await peer(() => {});
    const answer = osb(clock).send(sendCall(serviceRow(port, { timeoutSeconds: 2 })));
    const { socket } = await arrived(1);
    const ended = new Promise((resolve) => socket.once("close", resolve));
    let settled = false;
    void answer.then(() => (settled = true));
    clock.advance(1_999);
    await new Promise((resolve) => setImmediate(resolve));
    expect(settled).toBe(false);
    clock.advance(1);
    expect(await answer).toMatchObject({ kind: "inDoubt", code: "TIMEOUT" });
    await ended;
    expect(clock.pending()).toBe(0);
  });

  test("a late answer is never taken for another's: the next request has a new socket", async () => {
    const clock = manualClock();
    const { port, arrived, connections } = await peer((r) => {
      if (connections() === 2) r.answer(200, acknowledged(r.requestId, ack));
    });
    const service = osb(clock);
    const first = service.send(sendCall(serviceRow(port)));
    const stuck = await arrived(1);
    clock.advance(30_000);
    expect(await first).toMatchObject({ code: "TIMEOUT" });
    stuck.answer(200, acknowledged(stuck.requestId, "<o:result>NACK</o:result>"));
    expect(await service.send(sendCall(serviceRow(port)))).toMatchObject({ kind: "ack" });
    expect(connections()).toBe(2);
  });

  test("given up by its caller → in doubt, its socket destroyed, no byte after", async () => {
    const abort = new AbortController();
    const { port, arrived } = await peer(() => {});
    const answer = osb().send(sendCall(serviceRow(port), undefined, { signal: abort.signal }));
    const { socket } = await arrived(1);
    const ended = new Promise((resolve) => socket.once("close", resolve));
    abort.abort();
    expect(await answer).toMatchObject({ kind: "inDoubt", code: "TIMEOUT", cause: "given up" });
    await ended;
  });

  test("given up before it began → nothing is sent", async () => {
    const { port, connections } = await peer(() => {});
    const answer = await osb().send(sendCall(serviceRow(port), undefined, { signal: AbortSignal.abort() }));
    expect(answer).toMatchObject({ kind: "inDoubt", code: "TIMEOUT", cause: "given up" });
    expect(connections()).toBe(0);
  });
});

const closesSecond = (r: PeerRequest) => {
  if (r.nth === 2) r.socket.resetAndDestroy();
  else r.answer(200, r.body.includes("create") ? acknowledged(r.requestId, ack) : found(r.requestId, "", 0));
};

describe("an idle connection that the peer closes as it is used again", () => {
  test("G3: a create is in doubt, and not sent again by the adapter", async () => {
    const { port, requests } = await peer(closesSecond);
    const service = osb();
    expect(await service.send(sendCall(serviceRow(port)))).toMatchObject({ kind: "ack" });
    expect(await service.send(sendCall(serviceRow(port)))).toMatchObject({ kind: "inDoubt", code: "RESET" });
    expect(requests).toHaveLength(2);
  });

  test("a search changes nothing, so it is asked once more on a fresh connection", async () => {
    const { port, requests, connections } = await peer(closesSecond);
    const service = osb();
    expect(await service.search(searchCall(serviceRow(port)))).toMatchObject({ kind: "found" });
    expect(await service.search(searchCall(serviceRow(port)))).toMatchObject({ kind: "found" });
    expect(requests).toHaveLength(3);
    expect(connections()).toBe(2);
  });

  test("a second answer nobody asked for is not the next request's", async () => {
    const { port } = await peer((r) => {
      const answer = acknowledged(r.requestId, ack);
      r.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${answer.length}\r\n\r\n${answer}`.repeat(2));
    });
    const service = osb();
    const [first, second] = [sendCall(serviceRow(port)), sendCall(serviceRow(port))];
    expect(await service.send(first)).toMatchObject({ kind: "ack" });
    const answer = await service.send(second);
    if (answer.kind === "ack") expect(answer.texts.answer).toContain(second.request.requestId);
    else expect(answer.kind).toBe("inDoubt");
  });

  test.each(["send", "search"] as const)(
    "G3: a connection on which every answer is the one before is left after its first wrong one (%s)",
    async (how) => {
      let before: string | null = null;
      const { port, connections } = await peer((r) => {
        const own = r.body.includes("create") ? acknowledged(r.requestId, ack) : found(r.requestId, "", 0);
        r.answer(200, connections() === 1 ? (before ?? own) : own);
        before = own;
      });
      const service = osb();
      const call = () =>
        how === "send"
          ? service.send(sendCall(serviceRow(port)))
          : service.search(searchCall(serviceRow(port)));
      const told: string[] = [];
      for (let n = 0; n < 5; n += 1) {
        const answer = await call();
        told.push("code" in answer ? answer.code : "own");
      }
      expect(told).toEqual(["own", "UNREADABLE", "own", "own", "own"]);
      expect(connections()).toBe(2);
    },
  );
});

test("T1: a service that ignores the criteria does not make us take somebody else's ticket", async () => {
  const tickets = ["key-1", "key-2"].flatMap((key) =>
    ["closed", "pending"].map(
      (status) =>
        `<ticket><ticketId>${key}-${status}</ticketId><kind>MO</kind><status>${status}</status><clientReference>${key}</clientReference></ticket>`,
    ),
  );
  const { port } = await peer((r) => r.answer(200, found(r.requestId, tickets.join(""), 9)));
  const answer = await osb().search(
    searchCall(serviceRow(port), { clientReference: "key-1", status: ["pending"] }),
  );
  expect(answer).toMatchObject({ kind: "found", truncated: true });
  expect(answer.kind === "found" && answer.tickets.map((t) => t.ticketId)).toEqual(["key-1-pending"]);
});

test("T1: a service that prints its answers prettily has its tickets found: by key, on their elements", async () => {
  const pretty = (name: string, text: string) => `<${name}>\n      ${text}\n    </${name}>`;
  const ticket = ["kind:MO", "status:pending", "owner:NOC", "clientReference:key-1", "networkElement:ne-1"]
    .map((pair) => pretty(pair.split(":")[0] ?? "", pair.split(":")[1] ?? ""))
    .join("");
  const { port } = await peer((r) =>
    r.answer(200, found(r.requestId, `<ticket>${pretty("ticketId", "T-1")}${ticket}</ticket>`)),
  );
  const expected = { ticketId: "T-1", clientReference: "key-1", networkElements: ["ne-1"], owner: "NOC" };
  for (const criteria of [{ clientReference: "key-1" }, { networkElements: ["ne-1"] }])
    expect(await osb().search(searchCall(serviceRow(port), criteria))).toMatchObject({ tickets: [expected] });
  // White space that is in the key itself is no printer's.
  for (const clientReference of [" key-1", "key-1 ", "key-2"])
    expect(await osb().search(searchCall(serviceRow(port), { clientReference }))).toMatchObject({
      tickets: [],
    });
});

test("S5: a redirect is not followed, and the cause says what to do, with a page or without", async () => {
  for (const page of ["", "<html><body>moved</body></html>"]) {
    const { port } = await peer((r) => r.answer(302, page, { Location: "http://127.0.0.1:1/elsewhere" }));
    const cause = expect.stringMatching(
      /^HTTP 302 .*redirects are not followed: check host, port and path/,
    ) as string;
    const doubt = { kind: "inDoubt", code: "UNREADABLE", cause };
    expect(await osb().send(sendCall(serviceRow(port)))).toMatchObject(doubt);
    expect(await osb().search(searchCall(serviceRow(port)))).toMatchObject({ ...doubt, kind: "error" });
  }
});

test("a ticket with a status nobody knows makes the whole answer unreadable", async () => {
  const odd = "<ticket><ticketId>T</ticketId><kind>MO</kind><status>limbo</status></ticket>";
  const { port } = await peer((r) => r.answer(200, found(r.requestId, odd)));
  expect(await osb().search(searchCall(serviceRow(port)))).toMatchObject({ code: "UNREADABLE" });
});
