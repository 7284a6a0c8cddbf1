/** OWASP's WebSocket Security Cheat Sheet, "Security Monitoring and Logging", on a real engine. */
import { describe, expect, test, vi } from "vitest";
import { limits } from "../../machines/limits.ts";
import { textOf } from "../alarms/rig.ts";
import { Peer, startGuarded, tokens, upgrade } from "./rig.ts";

vi.setConfig({ testTimeout: 60_000 });
const until = (reached: () => void | Promise<void>) => vi.waitFor(reached, { timeout: 20_000, interval: 5 });

describe("logging", () => {
  test("who came, who was refused and why, what broke the protocol, who left: with address and reason", async () => {
    const at = await startGuarded();
    await upgrade(at, "/v1/alarms");
    await upgrade(at, "/v1/feed", { as: "viewer", headers: { origin: "https://evil.example" } });
    const sender = new Peer(at, "/v1/alarms", { as: "source" });
    await sender.text();
    sender.webSocket.send(textOf({ alarm: { perceivedSeverity: "terrible" } }));
    await sender.text();
    sender.webSocket.send("x".repeat(limits.alarmBytesMax + 1));
    await sender.closed;
    const has =
      (event: string, ...parts: readonly string[]) =>
      () =>
        expect(
          [
            event,
            parts,
            at.logged.some((line) => [`"${event}"`, ...parts].every((part) => line.includes(part))),
          ],
          at.logged.join("\n"),
        ).toEqual([event, parts, true]);
    await until(has("alarms.upgradeRefused", '"status":401', "127.0.0.1"));
    await until(has("http.refused", '"status":403', "127.0.0.1"));
    await until(has("alarms.connected", "127.0.0.1", "connectionId"));
    await until(has("alarms.rejected", '"INVALID"'));
    await until(has("alarms.frameRefused", "Max payload size exceeded"));
    await until(has("alarms.disconnected", '"code":10'));
  });

  test("S4: neither tokens nor anything of a message stands in the log, whatever happens to it", async () => {
    const at = await startGuarded();
    await upgrade(at, `/v1/feed?token=${tokens.viewer}`, {
      headers: { authorization: "Bearer guessed-wrong" },
    });
    await upgrade(at, "/v1/feed?only=asked-for-this", { as: "viewer" });
    const sender = new Peer(at, "/v1/alarms", { as: "source" });
    await sender.text();
    sender.webSocket.send(textOf({ id: "kept-id", alarm: { alarmDetails: "kept-words" } }));
    await sender.text();
    sender.webSocket.send(textOf({ id: "bad-id", alarm: { perceivedSeverity: "bad-words" } }));
    await sender.text();
    sender.webSocket.send("no-json-words");
    await sender.closed;
    await until(() => expect(at.logged.join("\n")).toContain('"code":4400'));
    const secrets = [
      ...Object.values(tokens),
      "guessed-wrong",
      "kept-words",
      "bad-words",
      "no-json-words",
      "asked-for-this",
    ];
    expect(secrets.filter((one) => at.logged.join("\n").includes(one))).toEqual([]);
  });

  test("a sender that is refused a thousand times fills no log", async () => {
    const at = await startGuarded();
    const sender = new Peer(at, "/v1/alarms", { as: "source" });
    await sender.text();
    for (let n = 0; n < 1_000; n += 1)
      sender.webSocket.send(textOf({ id: `${n}`, alarm: { state: "none" } }));
    for (let n = 0; n < 1_000; n += 1) await sender.text(); // oxlint-disable-line no-await-in-loop -- all of them
    expect(at.logged.filter((line) => line.includes("alarms.rejected"))).toHaveLength(1);
  });
});
