/** Bad configuration: refused at the start, with its path and what was expected. Laws: "Bad input and what it gets". */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { configSchema, resolveConfig } from "../../actors/config.ts";
import { misspeltVariables, withEnvironment } from "../../actors/environment.ts";
import { readSettings } from "../../adapters/cli/settings.ts";

/** What is said of it; "taken" when nothing is. */
function told(input: unknown): string {
  const read = resolveConfig(input);
  if (read.ok) return "taken";
  expect(read.failure.code).toBe("CONFIGURATION_INVALID");
  expect(read.failure.detail).toMatch(/\. Mend it and start again\.$/);
  return read.failure.detail;
}

describe("a value that does not fit is refused by its path", () => {
  test.each<[unknown, string | RegExp]>([
    [{ clinets: 3 }, "clinets is not a setting; did you mean clients?"],
    [{ listen: { prot: 8640 } }, "listen.prot is not a setting; did you mean port?"],
    [{ somethingElse: 1 }, /^somethingElse is not a setting\. /],
    [{ clinets: 3, dataDirr: "" }, /clinets is not .*; dataDirr is not a setting; did you mean dataDir\?/],
    [{ clients: "4" }, /^clients: .*expected number/],
    [{ clients: 1.5 }, /^clients: .*int/],
    [{ clients: Number.NaN }, /^clients: /],
    [{ clients: null }, /^clients: .*expected number/],
    [{ coalesce: "yes" }, /^coalesce: .*expected boolean/],
    [{ dataDir: "" }, /^dataDir: /],
    [{ listen: { port: 65_536 } }, /^listen\.port: .*65535/],
    [{ listen: { publicUrl: "engine.example" } }, /^listen\.publicUrl: /],
    [
      { listen: { publicUrl: "foo://engine.example" } },
      /^listen\.publicUrl: expected http:\/\/ or https:\/\//,
    ],
    ...[
      "https://noc.example/?a",
      "https://noc.example#a",
      "https://ann:x@noc.example",
      "http:noc.example",
    ].map((publicUrl): [unknown, RegExp] => [
      { listen: { publicUrl } },
      /^listen\.publicUrl: expected http:\/\/ or https:\/\/, without user, query and fragment, or null\. /,
    ]),
    [{ listen: { publicUrl: "HTTPS://noc.example:8443/tickets/" } }, /^taken$/],
    ...["https://noc.example/", "https://noc.example/console", "HTTPS://ann:x@NOC.example:443?a"].map(
      (origin): [unknown, RegExp] => [
        { listen: { allowedOrigins: ["http://10.0.0.5:8080", origin] } },
        /^listen\.allowedOrigins\.1: expected https:\/\/noc\.example, as browsers write it\. /,
      ],
    ),
    ...["noc.example", "noc.example:8443", "*", "null", "", "app://x/", "https://"].map(
      (origin): [unknown, RegExp] => [
        { listen: { allowedOrigins: [origin] } },
        /^listen\.allowedOrigins\.0: expected scheme:\/\/host or scheme:\/\/host:port, as browsers write it\. /,
      ],
    ),
    [
      { listen: { allowedOrigins: ["HTTPS://NOC.example", "http://[::1]:80800", "app://x"] } },
      /^listen\.allowedOrigins\.1: /,
    ],
    [{ listen: { allowedOrigins: ["HTTPS://NOC.example", "http://[::1]:8080", "app://x"] } }, /^taken$/],
    [{ listen: { tls: { cert: "server.pem" } } }, /^listen\.tls\.key: /],
    [{ gateway: { kind: "remote" } }, /^gateway\.kind: .*embedded/],
    [{ delays: { createSeconds: -1 } }, /^delays\.createSeconds: .*>=0/],
    [{ topology: { kind: "oracle" } }, 'topology.kind: expected "kind": "sqlite" or "mysql"'],
    [
      { topology: { kind: "mysql", url: "mysql://ann:secret@db" } },
      "expected mysql://user:password@host:port/database",
    ],
    [{ heartbeat: { url: "ftp://beats" } }, /^heartbeat\.url: expected http:\/\//],
    [
      { heartbeat: { url: "https://ann:50%off@beats/x" } },
      /^heartbeat\.url: expected user and password with each % of theirs written %25\. /,
    ],
    [
      { heartbeat: { engineUrl: "https://an%n@beats/x" } },
      /^heartbeat\.engineUrl: expected user and password/,
    ],
    [{ heartbeat: { url: "https://ann:p%ff@beats/x" } }, /^heartbeat\.url: expected user and password/],
    [{ heartbeat: { url: "https://ann:50%25off%C3%A9@beats/50%off" } }, /^taken$/],
    [{ allowedServiceHosts: ["10.0.0.1", "http://x"] }, /^allowedServiceHosts\.1: expected /],
    [[], /^the configuration: .*expected object/],
    ["clients=4", /^the configuration: .*expected object/],
  ])("%j", (input, sentence) => expect(told(input)).toMatch(sentence));

  test("S4: no message repeats a password", () => {
    const secrets = [
      { topology: { kind: "mysql", url: "mysql://ann:hunter2@db" } },
      { topology: { kind: "mysql", url: "http://ann:hunter2@db/x" } },
      { heartbeat: { url: "ftp://ann:hunter2@beats/hunter2" } },
      { heartbeat: { engineUrl: "https://beats/hunter2?x#y" } },
      { listen: { publicUrl: "https://ann:hunter2@noc.example" } },
      { listen: { allowedOrigins: ["https://ann:hunter2@noc.example", "app://ann:hunter2@x"] } },
      { heartbeat: { url: "https://ann:hunter2%@beats/hunter2" } },
    ];
    for (const one of secrets) expect(told(one)).not.toContain("hunter2");
  });
});

interface Bounds {
  readonly type?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, Bounds>>;
}

/** Every number that can be set, with its bounds. */
function numbers(node: Bounds, path: readonly string[] = []): { path: readonly string[]; bounds: Bounds }[] {
  if (node.type === "number" || node.type === "integer") return [{ path, bounds: node }];
  return Object.entries(node.properties ?? {}).flatMap(([name, inner]) => numbers(inner, [...path, name]));
}

function setting(path: readonly string[], value: unknown): unknown {
  return path.reduceRight<unknown>((inner, name) => ({ [name]: inner }), value);
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a JSON Schema, read as far as it is needed
const all = numbers(z.toJSONSchema(configSchema, { io: "input", unrepresentable: "any" }) as Bounds);

describe("S3: every number has a lowest and a highest value, and both are taken", () => {
  test("there are such settings", () => expect(all.length).toBeGreaterThanOrEqual(15));

  test.each(all.map(({ path, bounds }) => [path.join("."), path, bounds] as const))(
    "%s",
    (name, path, bounds) => {
      const { minimum = Number.NaN, maximum = Number.NaN } = bounds;
      expect(told(setting(path, minimum))).toBe("taken");
      expect(told(setting(path, maximum))).toBe("taken");
      for (const wrong of [minimum - 1, maximum + 1, String(minimum), [minimum], true])
        expect(told(setting(path, wrong))).toContain(`${name}: `);
    },
  );
});

describe("the environment", () => {
  test("sets what the file could, TLS and tokens as well", () => {
    const merged = withEnvironment(
      { clients: 2, listen: { port: 1 } },
      {
        TICKET_CLIENT_CLIENTS: "8",
        TICKET_CLIENT_LISTEN_TLS_CERT: "cert.pem",
        TICKET_CLIENT_LISTEN_TLS_KEY: "key.pem",
        TICKET_CLIENT_AUTH_TOKENS_FILE: "tokens.json",
        TICKET_CLIENT_LISTEN_ALLOWED_ORIGINS: '["https://noc.example"]',
      },
    );
    expect(merged).toEqual({
      clients: 8,
      listen: { port: 1, tls: { cert: "cert.pem", key: "key.pem" }, allowedOrigins: ["https://noc.example"] },
      auth: { tokensFile: "tokens.json" },
    });
    expect(told(merged)).toBe("taken");
  });

  test("a variable of a value that does not fit is refused as the file's would be", () => {
    expect(told(withEnvironment({}, { TICKET_CLIENT_CLIENTS: "many" }))).toMatch(/^clients: /);
  });

  test("a misspelt variable is named, one of somebody else's is not", () => {
    expect(
      misspeltVariables({
        TICKET_CLIENT_CLINETS: "8",
        TICKET_CLIENT_LISTEN_PROT: "1",
        TICKET_CLIENT_TOKEN: "x",
        TICKET_CLIENT_CLIENTS: "8",
        TICKET_CLIENT_PORT_8640_TCP_ADDR: "10.0.0.1", // as Kubernetes sets it
        PATH: "/bin",
      }),
    ).toEqual([
      "TICKET_CLIENT_CLINETS is not a setting and is ignored; did you mean TICKET_CLIENT_CLIENTS?",
      "TICKET_CLIENT_LISTEN_PROT is not a setting and is ignored; did you mean TICKET_CLIENT_LISTEN_PORT?",
    ]);
  });
});

describe("the file", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "configuration-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function reading(text: string): () => unknown {
    const config = join(folder, "config.json");
    writeFileSync(config, text);
    return () => readSettings({ config });
  }

  test.each([
    ["", /config\.json is not JSON/],
    ["{", /config\.json is not JSON/],
    ["[]", /config\.json holds no JSON object/],
    ["null", /config\.json holds no JSON object/],
    ['{"clients":0}', /config\.json: clients: .*>=1/],
    ['{"__proto__":{"clients":3}}', /config\.json: __proto__ is not a setting/],
  ])("%j is refused by its name", (text, sentence) => expect(reading(text)).toThrow(sentence));

  test("one that is not there, or is a folder", () => {
    expect(() => readSettings({ config: join(folder, "none.json") })).toThrow(
      /none\.json cannot be read \(ENOENT\)/,
    );
    expect(() => readSettings({ config: folder })).toThrow(/cannot be read \(EISDIR\)/);
  });
});
