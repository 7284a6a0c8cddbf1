/** What a peer may do with the connections of the OSB adapter, and what may then be said of a request. */
import { expect, onTestFinished, test } from "vitest";
import { limits } from "../../machines/limits.ts";
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

test("G4: of the creates at a service that closes after each answer one is in doubt, not every second", async () => {
  const { peer, service, row } = await rig(answerAndClose);
  const kinds: string[] = [];
  for (let n = 0; n < 100; n += 1) kinds.push((await service.send(sendCall(row))).kind);
  expect(kinds.filter((kind) => kind !== "ack").length).toBeLessThanOrEqual(1);
  expect(peer.requests.length).toBeGreaterThanOrEqual(99);
});

test("connections are kept again after serviceFreshConnections requests: the service may have been restarted", async () => {
  let closes = true;
  const { peer, service, row } = await rig((request) => (closes ? answerAndClose(request) : answer(request)));
  await service.send(sendCall(row));
  await service.send(sendCall(row));
  closes = false;
  for (let n = 0; n < limits.serviceFreshConnections + 10; n += 1) await service.send(sendCall(row));
  const connections = peer.connections();
  for (let n = 0; n < 10; n += 1) await service.send(sendCall(row));
  expect(peer.connections()).toBe(connections);
});
