/** What a peer may do with the connections of the OSB adapter, and what may then be said of a request. */
import { expect, onTestFinished, test } from "vitest";
import { createOsbService } from "../../adapters/service/osb.ts";
import { searchCall, sendCall, serviceRow } from "./calls.ts";
import { acknowledged, found, startFakePeer, type PeerRequest } from "./fake-osb-peer.ts";
import { manualClock } from "./manual-clock.ts";

function answer(request: PeerRequest): void {
  const { body, requestId } = request;
  const isSearch = body.includes("searchTicketRequest");
  request.answer(
    200,
    isSearch ? found(requestId, "", 0) : acknowledged(requestId, "<o:result>ACK</o:result>"),
  );
}

/** Many peers say nothing of it in their answer. */
function answerAndClose(request: PeerRequest): void {
  answer(request);
  setImmediate(() => request.socket.end());
}

async function rig(onRequest: (request: PeerRequest) => void) {
  const peer = await startFakePeer(onRequest);
  const service = createOsbService({ callbackUrl: () => "", clock: manualClock() });
  onTestFinished(async () => {
    await service.close();
    await peer.close();
  });
  return { peer, service, row: serviceRow(peer.port) };
}

test("G3: a connection that fails at once, without a route or a free port, is not sent: no create is in doubt", async () => {
  const { service, row } = await rig(answer);
  // TCP to the broadcast address is refused before anything leaves.
  const sent = await service.send(sendCall({ ...row, host: "255.255.255.255" }));
  expect(sent).toMatchObject({ kind: "unreachable", code: "UNREACHABLE" });
});

test("searches that waited for a socket, and got one that the peer was closing, are asked again", async () => {
  const { service, row } = await rig(answerAndClose);
  const answers = await Promise.all(Array.from({ length: 200 }, () => service.search(searchCall(row))));
  const causes = answers.map((said) => (said.kind === "error" ? said.cause : said.kind));
  expect(causes.filter((cause) => cause !== "found")).toEqual([]);
});
