/** What a peer may do with the connections of the OSB adapter, and what may then be said of a request. */
import { expect, onTestFinished, test } from "vitest";
import { createOsbService } from "../../adapters/service/osb.ts";
import { sendCall, serviceRow } from "./calls.ts";
import { acknowledged, startFakePeer, type PeerRequest } from "./fake-osb-peer.ts";
import { manualClock } from "./manual-clock.ts";

function answer(request: PeerRequest): void {
  request.answer(200, acknowledged(request.requestId, "<o:result>ACK</o:result>"));
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
