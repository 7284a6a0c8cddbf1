/** S5: what a host is, and what an address is for, at every boundary; how hosts are guarded is tried in hosts.test.ts. */
import { describe, expect, test } from "vitest";
import { addressScope, readHost, type AddressScope } from "../../machines/service-host.ts";

const longestName = `${`${"a".repeat(63)}.`.repeat(3)}${"b".repeat(61)}`;

describe("S5: a host is read as what it is", () => {
  test.each([
    ["127.0.0.1", "ipv4", "127.0.0.1"],
    ["255.255.255.255", "ipv4", "255.255.255.255"],
    ["OSB.Example", "name", "osb.example"],
    ["osb.4a", "name", "osb.4a"],
    ["osb.a4", "name", "osb.a4"],
    ["osb.0xg", "name", "osb.0xg"],
    ["osb.a0x1", "name", "osb.a0x1"],
    [longestName, "name", longestName],
    ["2001:DB8::1", "ipv6", "2001:db8:0:0:0:0:0:1"],
    ["1:2:3:4:5:6::8", "ipv6", "1:2:3:4:5:6:0:8"],
    ["1:2:3:4:5:6:7:8", "ipv6", "1:2:3:4:5:6:7:8"],
  ])("%s is a %s", (text, kind, canonical) => {
    expect(readHost(text)).toEqual({ ok: true, kind, canonical });
  });

  test.each([
    ["", "a host name or an address"],
    [`b${longestName}`, "a host name of letters, digits and hyphens, or an address"],
    ["1:2:3:4:5:6:7::8", "an IPv6 address such as 2001:db8::1"],
    ["1:2:3:4:5:6:7", "an IPv6 address such as 2001:db8::1"],
    ["1:2:3:4:5:6:7:8:9", "an IPv6 address such as 2001:db8::1"],
    ["1:2:3:4:5:6:7:8:9::", "an IPv6 address such as 2001:db8::1"],
    ["1::2::3", "an IPv6 address such as 2001:db8::1"],
    ["::ffff:999.0.0.1", "an IPv6 address such as 2001:db8::1"],
    ["::1.2.3.4.5", "an IPv6 address such as 2001:db8::1"],
  ])("%j is none, and is told what to write", (text, expected) => {
    expect(readHost(text)).toEqual({ ok: false, expected });
  });
});

describe("S5: what an address is for", () => {
  const scopes: Record<AddressScope, readonly string[]> = {
    ordinary: [
      "10.1.2.3",
      "126.0.0.1",
      "128.0.0.1",
      "1.0.0.0",
      "169.253.0.1",
      "169.255.0.1",
      "223.255.255.255",
      "::ffff:10.20.30.40",
      "2001:db8::1",
      "fec0::1",
      "fe7f::1",
      "fd00:ec2::253",
      "0:0:0:0:0:5:7f00:1", // neither mapped nor compatible
      "64::7f00:1",
      "0:ff9b::7f00:1",
      "64:ff9b:1::7f00:1",
    ],
    loopback: [
      "127.0.0.1",
      "127.255.255.255",
      "::1",
      "::ffff:127.0.0.1",
      "::ffff:127.10.20.30",
      "::127.100.200.255",
      "64:ff9b::7f00:1",
      "2002:7f00:1::",
    ],
    "link-local": ["169.254.0.1", "169.254.255.255", "fe80::1", "febf::1", "fe80::1%e", "fe80::1%eth0"],
    metadata: ["100.100.100.200", "168.63.129.16", "fd00:ec2::254", "::ffff:168.63.129.16"],
    unspecified: ["0.0.0.0", "0.255.255.255", "::", "::2"],
    multicast: ["224.0.0.1", "239.255.255.255", "ff00::1", "ffff::1"],
    reserved: ["240.0.0.0", "255.255.255.255"],
    unreadable: [
      "",
      "1.2.3",
      "1.2.3.4.5",
      "01.2.3.4",
      "256.1.1.1",
      "::g",
      "1::2::3",
      "1:2:3",
      "12345::",
      "::ffff:1.2.3.256",
    ],
  };
  test.each(
    Object.entries(scopes).flatMap(([scope, all]) => all.map((address) => [address, scope] as const)),
  )("%s: %s", (address, scope) => {
    expect(addressScope(address)).toBe(scope);
  });
});
