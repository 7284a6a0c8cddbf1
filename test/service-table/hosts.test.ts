/** S5: which hosts may be written, and which addresses are connected to. */
import dns from "node:dns";
import { type LookupAddress } from "node:dns";
import { afterEach, describe, expect, test } from "vitest";
import { guardHosts, type Resolve } from "../../adapters/service/allowed-hosts.ts";
import { createOsbService } from "../../adapters/service/osb.ts";
import { addressScope, isListed, readHost } from "../../machines/service-host.ts";
import { searchCall, sendCall, serviceRow } from "../service/calls.ts";
import { acknowledged, startFakePeer, type FakePeer, type PeerRequest } from "../service/fake-osb-peer.ts";
import { manualClock } from "../service/manual-clock.ts";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0)) await clean();
});

describe("a host is written in one way only", () => {
  test.for([
    "127.0.0.1",
    "10.0.0.255",
    "osb.example",
    "OSB.Example",
    "xn--bcher-kva.example",
    "a_b.example",
    "localhost",
    "::1",
    "2001:DB8::1",
    "1.2.3.4.example",
    "0x7f.example",
  ])("%s is one", (host) => expect(readHost(host).ok).toBe(true));

  test.for([
    ["", "a host name"],
    ["0177.0.0.1", "four decimal numbers"],
    ["0x7f.0.0.1", "four decimal numbers"],
    ["127.0.0.0x1", "four decimal numbers"],
    ["2130706433", "four decimal numbers"],
    ["0x7f000001", "four decimal numbers"],
    ["127.1", "four decimal numbers"],
    ["127.0.0.256", "four decimal numbers"],
    ["127.0.0.01", "four decimal numbers"],
    ["127.0.0.1.1", "four decimal numbers"],
    ["127.0.0.1.", "without a dot at its end"],
    ["osb.example.", "without a dot at its end"],
    ["[::1]", "without brackets"],
    ["[::ffff:127.0.0.1]", "without brackets"],
    ["::ffff:127.0.0.1", "127.0.0.1"],
    ["::ffff:7f00:1", "127.0.0.1"],
    ["::127.0.0.1", "127.0.0.1"],
    ["64:ff9b::7f00:1", "127.0.0.1"],
    ["2002:7f00:1::", "127.0.0.1"],
    ["fe80::1%eth0", "without %"],
    ["127.0.0.1%00", "without %"],
    ["1::2::3", "an IPv6 address"],
    ["1:2:3:4::5:6:7:8::9", "an IPv6 address"],
    ["12345::", "an IPv6 address"],
    ["user@127.0.0.1", "without a user"],
    ["evil.example@127.0.0.1", "without a user"],
    ["127.0.0.1:80", "without a port"],
    ["http://127.0.0.1", "without scheme"],
    ["127.0.0.1/x", "without scheme or path"],
    ["127.0.0.1#x", "without scheme or path"],
    ["evil\\.example", "without scheme or path"],
    ["１２７.0.0.1", "plain ASCII"],
    ["127。0。0。1", "plain ASCII"],
    ["bücher.example", "xn--"],
    ["127.0.0.1\r\nHost: evil", "plain ASCII without spaces"],
    [" 127.0.0.1", "plain ASCII without spaces"],
    ["a..b", "letters, digits"],
    ["-a.example", "letters, digits"],
    [`${"a".repeat(64)}.example`, "letters, digits"],
    [`${"a.".repeat(127)}aa`, "letters, digits"],
  ] as const)("%j is none: %s", ([host, expected]) => {
    const read = readHost(host);
    expect(read.ok ? "read" : read.expected).toContain(expected);
    expect(isListed(host, [host])).toBe(false);
  });

  test("case and the spelling of an IPv6 address make no difference to the list", () => {
    expect(isListed("OSB.example", ["osb.EXAMPLE"])).toBe(true);
    expect(isListed("2001:DB8:0::1", ["2001:db8::1"])).toBe(true);
    expect(isListed("osb.example", ["example", "xosb.example", "osb.example.com"])).toBe(false);
  });

  test.for([
    ["127.0.0.1", "loopback"],
    ["127.255.255.255", "loopback"],
    ["128.0.0.0", "ordinary"],
    ["::1", "loopback"],
    ["::ffff:127.0.0.1", "loopback"],
    ["::ffff:a9fe:a9fe", "link-local"],
    ["169.254.169.254", "link-local"],
    ["169.255.0.0", "ordinary"],
    ["fe80::1%2", "link-local"],
    ["febf::", "link-local"],
    ["fec0::", "ordinary"],
    ["fd00:ec2::254", "metadata"],
    ["100.100.100.200", "metadata"],
    ["0.0.0.0", "unspecified"],
    ["::", "unspecified"],
    ["224.0.0.1", "multicast"],
    ["ff02::1", "multicast"],
    ["255.255.255.255", "reserved"],
    ["64:ff9b::7f00:1", "loopback"],
    ["2002:7f00:1::", "loopback"],
    ["10.1.2.3", "ordinary"],
    ["fd12::1", "ordinary"],
    ["nonsense", "unreadable"],
  ] as const)("%s is %s", ([address, scope]) => expect(addressScope(address)).toBe(scope));
});

/** A resolver that gives one answer after the other, the last for ever. */
function answering(...answers: readonly (readonly string[])[]): Resolve & { asked: number } {
  const resolve = Object.assign(
    (
      _name: string,
      _options: dns.LookupAllOptions,
      answer: (error: null, found: LookupAddress[]) => void,
    ) => {
      const found = answers[Math.min(resolve.asked, answers.length - 1)] ?? [];
      resolve.asked += 1;
      const addresses = found.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
      setImmediate(() => answer(null, addresses));
    },
    { asked: 0 },
  );
  return resolve;
}

async function rig(allowed: readonly string[], resolve: Resolve, onRequest?: (r: PeerRequest) => void) {
  const peer = await startFakePeer(
    onRequest ??
      ((r) => {
        r.answer(200, acknowledged(r.requestId, "<o:result>ACK</o:result>"), { Connection: "close" });
        r.socket.end();
      }),
  );
  const hosts = guardHosts(allowed, resolve);
  const service = createOsbService({
    callbackUrl: () => "",
    clock: manualClock(),
    hostAllowed: hosts.allows,
    lookup: hosts.lookup,
  });
  cleanups.push(
    () => service.close(),
    () => peer.close(),
  );
  return { peer, service };
}

describe("what a name resolves to is judged at every connect", () => {
  test("a name that leads to this machine, its links or its cloud is not called, and nothing was sent", async () => {
    for (const address of ["127.0.0.1", "::1", "169.254.169.254", "::ffff:127.0.0.1", "0.0.0.0"]) {
      const { peer, service } = await rig(["osb.example"], answering([address]));
      const row = serviceRow(peer.port, { host: "osb.example" });
      const sent = await service.send(sendCall(row));
      // Waits as any service that cannot be reached: who mends the name need not mend the alarms (A8).
      expect(sent).toMatchObject({ kind: "unreachable" });
      expect("cause" in sent ? sent.cause : "").toContain(`osb.example resolves to ${address}`);
      expect(await service.search(searchCall(row))).toMatchObject({ kind: "error", permanent: false });
      expect(peer.connections()).toBe(0);
    }
  });

  test("such an address is called where it is listed itself, and only the listed ones of several", async () => {
    const { peer, service } = await rig(
      ["osb.example", "127.0.0.1"],
      answering(["169.254.169.254", "127.0.0.1"]),
    );
    const row = serviceRow(peer.port, { host: "osb.example" });
    expect(await service.send(sendCall(row))).toMatchObject({ kind: "ack" });
    expect(peer.requests[0]?.head).toContain(`Host: osb.example:${peer.port}`);
  });

  test("a name that changes between two connects is judged anew, and is asked once a connect", async () => {
    const resolve = answering(["127.0.0.1"], ["169.254.169.254"], ["127.0.0.1"]);
    const { peer, service } = await rig(["osb.example", "127.0.0.1"], resolve);
    const row = serviceRow(peer.port, { host: "osb.example" });
    expect(await service.send(sendCall(row))).toMatchObject({ kind: "ack" });
    expect(resolve.asked).toBe(1);
    expect(await service.send(sendCall(row))).toMatchObject({ kind: "unreachable" });
    expect(await service.send(sendCall(row))).toMatchObject({ kind: "ack" });
    expect(peer.connections()).toBe(2);
  });

  test("a host that is not listed is not even resolved", async () => {
    const resolve = answering(["127.0.0.1"]);
    const { peer, service } = await rig(["osb.example"], resolve);
    const sent = await service.send(sendCall(serviceRow(peer.port, { host: "evil.example" })));
    expect(sent).toMatchObject({ kind: "failed", code: "BAD_CONFIGURATION" });
    const error = await new Promise<Error | null>((told) => {
      guardHosts(["osb.example"], resolve).lookup("evil.example", {}, told);
    });
    expect(error?.message).toContain("not among allowedServiceHosts");
    expect(resolve.asked).toBe(0);
  });

  test("the system's resolver serves: localhost, where its address is listed", async () => {
    const { peer, service } = await rig(["localhost", "127.0.0.1"], dns.lookup);
    const row = serviceRow(peer.port, { host: "localhost" });
    expect(await service.send(sendCall(row))).toMatchObject({ kind: "ack" });
  });
});

describe("no redirect is followed", () => {
  test.for([301, 302, 303, 307, 308])(
    "%i: in doubt after a create, and the other host sees nothing",
    async (status) => {
      const elsewhere: FakePeer = await startFakePeer(() => undefined);
      cleanups.push(() => elsewhere.close());
      const to = { Location: `http://127.0.0.1:${elsewhere.port}/TicketService` };
      const { peer, service } = await rig(["127.0.0.1"], dns.lookup, (r) => r.answer(status, "", to));
      const row = serviceRow(peer.port);
      expect(await service.send(sendCall(row))).toMatchObject({ kind: "inDoubt", code: "UNREADABLE" });
      expect(await service.search(searchCall(row))).toMatchObject({ kind: "error" });
      expect([peer.requests.length, elsewhere.connections()]).toEqual([2, 0]);
    },
  );
});
