/**
 * Hosts of ticketing services: how they may be written, which are listed, and what an address is for.
 *   S5 the selected service's address must be allowed; one address has one way of being written.
 * Whatever a resolver might read as another address (octal, hex, one number, a mapped IPv4) is refused, so that
 * the text a person compares with the list is the place that is called.
 */

export type HostReading =
  | {
      readonly ok: true;
      readonly kind: "name" | "ipv4" | "ipv6";
      /** Equal for equal hosts. */ readonly canonical: string;
    }
  | { readonly ok: false; readonly expected: string };

const nameCharsMax = 253;
const label = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** Reads a host as a person writes it into a table or a list. `expected` says what to write instead. */
export function readHost(text: string): HostReading {
  if (text === "") return refuse("a host name or an address");
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  if (/[^\x21-\x7e]/.test(text))
    return refuse("a host in plain ASCII without spaces (the xn-- form of an international name)");
  if (text.includes("@")) return refuse("a host alone, without a user (it has a column of its own)");
  if (/[/\\?#]/.test(text)) return refuse("a host alone, without scheme or path");
  if (text.includes("%")) return refuse("a host without % (no escapes, no zones)");
  if (/[[\]]/.test(text)) return refuse("an IPv6 address without brackets");
  if (text.includes(":")) return readIpv6(text);
  const lower = text.toLowerCase();
  if (lower.endsWith(".")) return refuse("a host without a dot at its end");
  const labels = lower.split(".");
  const last = labels.at(-1) ?? "";
  if (/^\d+$/.test(last) || /^0x[0-9a-f]*$/.test(last)) {
    return ipv4Number(lower) === null
      ? refuse(
          "an IPv4 address as four decimal numbers from 0 to 255 without leading zeros, such as 127.0.0.1",
        )
      : { ok: true, kind: "ipv4", canonical: lower };
  }
  if (lower.length > nameCharsMax || !labels.every((one) => label.test(one)))
    return refuse("a host name of letters, digits and hyphens, or an address");
  return { ok: true, kind: "name", canonical: lower };
}

function refuse(expected: string): HostReading {
  return { ok: false, expected };
}

function readIpv6(text: string): HostReading {
  if (/^[^:]*:\d*$/.test(text)) return refuse("a host alone, without a port (it has a column of its own)");
  const groups = ipv6Groups(text);
  if (groups === null) return refuse("an IPv6 address such as 2001:db8::1");
  const inside = embeddedIpv4(groups);
  if (inside !== null) return refuse(`the IPv4 address itself, ${inside}`);
  return { ok: true, kind: "ipv6", canonical: canonicalIpv6(groups) };
}

/** Whether the list names this host. Case and the spelling of an IPv6 address make no difference. */
export function isListed(host: string, allowed: readonly string[]): boolean {
  const read = readHost(host);
  return (
    read.ok &&
    allowed.some((one) => {
      const listed = readHost(one);
      return listed.ok && listed.canonical === read.canonical;
    })
  );
}

/** `ordinary`: may be called where its name is listed. All others must be listed themselves. */
export type AddressScope =
  | "ordinary"
  | "loopback"
  | "link-local"
  | "metadata"
  | "unspecified"
  | "multicast"
  | "reserved"
  | "unreadable";

/** Services of clouds that hand out credentials to whoever asks, outside the link-local range. */
const metadataAddresses: ReadonlySet<string> = new Set([
  "100.100.100.200",
  "168.63.129.16",
  "fd00:ec2:0:0:0:0:0:254",
]);

/** What an address that a resolver gave is for. */
export function addressScope(address: string): AddressScope {
  if (!address.includes(":")) return ipv4Scope(address);
  const groups = ipv6Groups(address.replace(/%.*$/, ""));
  if (groups === null) return "unreadable";
  const canonical = canonicalIpv6(groups);
  if (canonical === "0:0:0:0:0:0:0:1") return "loopback";
  if (canonical === "0:0:0:0:0:0:0:0") return "unspecified";
  const inside = embeddedIpv4(groups);
  if (inside !== null) return ipv4Scope(inside);
  if (metadataAddresses.has(canonical)) return "metadata";
  const [first = 0] = groups;
  if ((first & 0xffc0) === 0xfe80) return "link-local";
  if ((first & 0xff00) === 0xff00) return "multicast";
  return "ordinary";
}

function ipv4Scope(address: string): AddressScope {
  const number = ipv4Number(address);
  if (number === null) return "unreadable";
  if (metadataAddresses.has(address)) return "metadata";
  const first = number >>> 24;
  if (first === 127) return "loopback";
  if (first === 0) return "unspecified";
  if (number >>> 16 === 0xa9fe) return "link-local";
  if (first >= 240) return "reserved";
  return first >= 224 ? "multicast" : "ordinary";
}

/** Four decimal numbers, as 32 bits; null: written in any other way. */
function ipv4Number(text: string): number | null {
  const parts = text.split(".");
  if (parts.length !== 4) return null;
  let number = 0;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return null;
    number = number * 256 + Number(part);
  }
  return number;
}

function ipv6Groups(text: string): number[] | null {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const number = dotted === null ? 0 : ipv4Number(dotted[2] ?? "");
  if (number === null) return null;
  const plain =
    dotted === null
      ? text
      : `${dotted[1]}${(Math.floor(number / 65_536) & 0xffff).toString(16)}:${(number & 0xffff).toString(16)}`;
  const halves = plain.split("::");
  if (halves.length > 2) return null;
  const [head = [], tail = []] = halves.map((half) => (half === "" ? [] : half.split(":")));
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  const all = [...head, ...Array.from({ length: missing }, () => "0"), ...tail];
  return all.every((group) => /^[0-9a-f]{1,4}$/i.test(group))
    ? all.map((group) => parseInt(group, 16))
    : null;
}

function canonicalIpv6(groups: readonly number[]): string {
  return groups.map((group) => group.toString(16)).join(":");
}

/** The IPv4 address that packets to this IPv6 address may end at: mapped, compatible, NAT64, 6to4. */
function embeddedIpv4(groups: readonly number[]): string | null {
  const [a = 0, b = 0, c = 0] = groups;
  const zeros = (from: number, to: number) => groups.slice(from, to).every((group) => group === 0);
  const dotted = (high: number, low: number) => [high >>> 8, high & 255, low >>> 8, low & 255].join(".");
  const isLast =
    (zeros(0, 5) && (groups[5] === 0xffff || (groups[5] === 0 && !(zeros(6, 7) && (groups[7] ?? 0) <= 1)))) ||
    (a === 0x64 && b === 0xff9b && zeros(2, 6));
  if (isLast) return dotted(groups[6] ?? 0, groups[7] ?? 0);
  return a === 0x2002 ? dotted(b, c) : null;
}
