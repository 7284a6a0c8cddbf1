import type { Beat } from "../../actors/ports.ts";
import { createHttpReceiver } from "../../adapters/heartbeat/http.ts";
import { createMemoryReceiver } from "../../adapters/heartbeat/memory.ts";
import type { Failure } from "../../machines/failure.ts";
import { describeHeartbeatReceiver } from "./receiver-contract.ts";
import { startReceiver } from "./receiver.ts";

describeHeartbeatReceiver("in memory", (clock) => {
  const next: (Failure | "silence")[] = [];
  const onBeat = () => next.shift() ?? null;
  const receiver = createMemoryReceiver({ clock, onBeat });
  return Promise.resolve({
    receiver,
    beats: () => receiver.beats,
    trouble: (what) =>
      void next.push(what === "silence" ? what : { code: "BEAT_REFUSED", detail: "answered 500" }),
    came: () => Promise.resolve(),
    stop: () => Promise.resolve(),
  });
});

describeHeartbeatReceiver("over HTTP, to a receiver in the manner of healthchecks", async (clock) => {
  const peer = await startReceiver(() => clock.monotonicMs());
  return {
    receiver: createHttpReceiver({ url: peer.url, clock }),
    beats: () =>
      peer.pings.map(({ kind, rid, body }) => ({ kind: kind as Beat["kind"], rid: rid ?? "", text: body })),
    trouble: (what) => void peer.troubles.push(what === "silence" ? what : 500),
    came: (beats) => peer.came(beats),
    stop: () => peer.stop(),
  };
});
