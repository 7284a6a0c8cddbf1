/** The line that is opened before the page is read: nothing that it says is missed, and it is given away once. */
import { expect, test } from "vitest";
import {
  FirstSocket,
  lineOf,
  type Listener,
  type OpenSocket,
} from "../../visualizations/console/connection/first-socket.ts";

const line = lineOf("ws://127.0.0.1:8640", null, null);

function opened() {
  const peers: Listener[] = [];
  const open: OpenSocket = (_url, _subprotocols, listener) => {
    peers.push(listener);
    return { close: () => undefined };
  };
  const first = new FirstSocket(line, open);
  const [peer] = peers;
  if (peer === undefined) throw new Error("Nothing was opened.");
  return { first, peer };
}

function collecting() {
  const told: string[] = [];
  const listener: Listener = {
    heard: (text) => void told.push(text),
    closed: (code) => void told.push(`closed ${code}`),
  };
  return { told, listener };
}

test("F1: what was heard before it is taken comes first, what is heard while it is given follows, and nothing comes early", async () => {
  const { first, peer } = opened();
  const { told, listener } = collecting();
  peer.heard("snapshot");
  expect(first.take(line.url, line.subprotocols, listener)).not.toBeNull();
  peer.heard("1");
  expect(told).toEqual([]);
  await Promise.resolve();
  expect(told).toEqual(["snapshot", "1"]);
  peer.heard("2");
  peer.closed(1001, "the engine stops");
  expect(told).toEqual(["snapshot", "1", "2", "closed 1001"]);
});

test("a line that was refused before it is taken is said to be", async () => {
  const { first, peer } = opened();
  const { told, listener } = collecting();
  peer.closed(1006, "");
  first.take(line.url, line.subprotocols, listener);
  await Promise.resolve();
  expect(told).toEqual(["closed 1006"]);
});

test("it is given once, and to nobody who wants another: with a token, or from another position", () => {
  const { first } = opened();
  const { listener } = collecting();
  for (const other of [
    lineOf("ws://127.0.0.1:8640", null, "secret"),
    lineOf("ws://127.0.0.1:8640", "ledger-1:7", null),
  ])
    expect(first.take(other.url, other.subprotocols, listener)).toBeNull();
  expect(first.take(line.url, line.subprotocols, listener)).not.toBeNull();
  expect(first.take(line.url, line.subprotocols, listener)).toBeNull();
});
