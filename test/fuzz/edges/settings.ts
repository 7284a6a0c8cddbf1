/** What people write before anything runs: configuration, environment, tokens, words of the command line, a fault script. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { compileCorrelationKey } from "../../../actors/alarm-key.ts";
import { type Config, resolveConfig } from "../../../actors/config.ts";
import { withEnvironment } from "../../../actors/environment.ts";
import { createProgram } from "../../../adapters/cli/program.ts";
import { readSettings } from "../../../adapters/cli/settings.ts";
import { UsageError } from "../../../adapters/cli/words.ts";
import { parseFaultScript } from "../../../adapters/desk/fault-script.ts";
import { readTokens } from "../../../adapters/http/tokens.ts";
import { FailureError, orThrow } from "../../../machines/failure.ts";
import { demand, demandEqual, type Edge } from "../edge.ts";
import { scratchFolder } from "../scratch.ts";

const whole = {
  dataDir: "./data",
  listen: {
    host: "127.0.0.1",
    port: 8640,
    publicUrl: "https://noc.example/tc",
    allowedOrigins: ["https://a.example"],
    tls: { cert: "c", key: "k" },
  },
  auth: { tokensFile: "tokens" },
  clients: 4,
  lockSecondsMax: 300,
  maxResponseRows: 1000,
  correlationKey: "{sourceSystemId}/{alarmedObject.id}",
  coalesce: true,
  delays: { createSeconds: 0, updateSeconds: 0, closeSeconds: 0 },
  reopenSeconds: 0,
  maxOpenTickets: 500,
  clockSkewSeconds: 300,
  dedupDays: 7,
  services: { file: "services.csv", selected: "OSB" },
  allowedServiceHosts: ["127.0.0.1", "desk.example", "::1"],
  gateway: {
    kind: "embedded",
    servicesFile: "services.csv",
    debugSearchPerSecond: 5,
    notOwnerRetrySeconds: 60,
    offloadFile: "o.ndjson",
  },
  topology: { kind: "sqlite", file: "topology.db" },
  heartbeat: { url: "https://hc.example/uuid", engineUrl: null, everySeconds: 60, probeSeconds: 300 },
  relatedElements: { ticketGateway: "g", topologyDatabase: "t", heartbeatReceiver: "h" },
};
const mark = "\n%%\n";
const environment = [
  "TICKET_CLIENT_CLIENTS=8",
  "TICKET_CLIENT_LISTEN_PORT=9000",
  "TICKET_CLIENT_LISTEN_ALLOWED_ORIGINS=[]",
  'TICKET_CLIENT_TOPOLOGY={"kind":"sqlite"}',
  "TICKET_CLIENT_TOPOLOGY_URL=mysql://u:p@h:3306/d",
  "TICKET_CLIENT_AUTH_TOKENS_FILE=t",
].join("\n");

/** The file, and behind `%%` the environment. */
export const configuration: Edge = {
  name: "configuration",
  reads: "the configuration: a file and the environment",
  sources: [
    "actors/config.ts",
    "actors/environment.ts",
    "adapters/cli/settings.ts",
    "machines/service-host.ts",
    "actors/alarm-key.ts",
  ],
  seeds: [
    Buffer.from(JSON.stringify(whole)),
    Buffer.from(`{}${mark}${environment}`),
    Buffer.from(
      JSON.stringify({ topology: { kind: "mysql", url: "mysql://u:p@h:3306/d" }, client: 4 }) + mark,
    ),
  ],
  open() {
    const dir = scratchFolder("configuration");
    const file = join(dir, "engine.json");
    return {
      run(input) {
        const at = input.indexOf(mark);
        writeFileSync(file, at < 0 ? input : input.subarray(0, at));
        const variables = at < 0 ? "" : input.toString("utf8", at + mark.length);
        let config: Config;
        try {
          config = readSettings({ config: file });
          const set = Object.fromEntries(
            variables.split("\n").map((line) => line.split(/=(.*)/s).slice(0, 2)),
          );
          config = orThrow(resolveConfig(withEnvironment(config, set as Record<string, string>)));
        } catch (error) {
          if (!(error instanceof FailureError)) throw error;
          const { code, detail } = error.failure;
          demand(code === "CONFIGURATION_INVALID" && detail !== "", `${code}: ${detail}`);
          return "refused";
        }
        demandEqual(
          resolveConfig(JSON.parse(JSON.stringify(config))),
          { ok: true, value: config },
          "written anew it reads otherwise",
        );
        const key = compileCorrelationKey(config.correlationKey);
        demand(
          key.ok || key.failure.code === "CONFIGURATION_INVALID",
          "the key is neither taken nor refused",
        );
        return "accepted";
      },
      close: () => rmSync(dir, { recursive: true, force: true }),
    };
  },
};

const digest = "0123456789abcdef".repeat(4);

export const tokensFile: Edge = {
  name: "tokens",
  reads: "the file of tokens",
  sources: ["adapters/http/tokens.ts"],
  seeds: [
    Buffer.from(
      `# people\nviewer:ann:${digest}\r\n\noperator:bob:${digest.replaceAll("0", "1")}\nsource:ems:${digest.replaceAll("0", "2")}\n`,
    ),
  ],
  open: () => ({
    run(input) {
      const text = input.toString("utf8");
      const read = readTokens(text, "tokens");
      if (!read.ok) {
        demand(
          read.failure.code === "CONFIGURATION_INVALID" && read.failure.detail.startsWith("tokens"),
          read.failure.detail,
        );
        // S4: somebody may have written the token itself.
        for (const line of text.split(/\r?\n/)) {
          const told = line.trim();
          if (told.length > 12) demand(!read.failure.detail.includes(told), "S4: the line is repeated");
        }
        return "refused";
      }
      demand(read.value.required && !read.value.allows(undefined, "viewer"), "S1: nobody is let in");
      return "accepted";
    },
  }),
};

const rules = [
  { match: {}, fault: "nack", every: 10, code: "BUSY" },
  { match: { command: "create", key: "NE-1" }, fault: "slow", seconds: 0.5, times: 3 },
  { match: { command: "search" }, fault: "search-lag", seconds: 3 },
];

export const faultScript: Edge = {
  name: "fault-script",
  reads: "the desk's fault script",
  sources: ["adapters/desk/fault-script.ts"],
  seeds: [Buffer.from(JSON.stringify(rules)), Buffer.from("[]")],
  open: () => ({
    run(input) {
      const read = parseFaultScript(input.toString("utf8"));
      if (!read.ok) {
        demand(
          read.failure.code === "CONFIGURATION_INVALID" && read.failure.detail.startsWith("the fault script"),
          read.failure.detail,
        );
        return "refused";
      }
      demandEqual(parseFaultScript(JSON.stringify(read.value)), read, "written anew it reads otherwise");
      return "accepted";
    },
  }),
};

const lines = [
  "serve --config engine.json --data-dir ./data --port 0 --clients 8 --log-level info --json --accept-shortened",
  "demo --once --speed max --alarms a.csv --config c --data-dir d --clients 4 --port 0 --desk-port 0 --json",
  "replay a.csv --url ws://127.0.0.1:8640 --format huawei --speed 1.5 --in-flight 10 --token t",
  "desk --port 8650 --data-dir d --faults f.json --idempotency settles --json",
  "services export out.csv --data-dir d",
  "services import in.csv --dry-run --url http://127.0.0.1:8640",
  "services select OSB --config c",
  "topology load a.csv b.csv --dry-run --accept-drop",
  "topology path NE-1 --json",
  "clients --json --url http://127.0.0.1:8640",
  "force-unlock client-01 --guid g --reason r",
  "force-not-busy client-01 --guid g --reason r",
  "explain --source s --id i",
  "explain --key k --count 5",
  "ledger verify --json",
  "ledger stats",
  "ledger export - --data-dir d",
  "ledger restore b.db --data-dir d",
  "diagram --format svg --out o",
  "--help",
  "serve --help",
];

/** One word a line. A command that would run is accepted, and does not run. */
export const commandLine: Edge = {
  name: "command-line",
  reads: "the words of the command line",
  sources: [
    "adapters/cli/program.ts",
    "adapters/cli/words.ts",
    "adapters/cli/services-command.ts",
    "adapters/cli/clients-command.ts",
  ],
  seeds: lines.map((line) => Buffer.from(line.replaceAll(" ", "\n"))),
  bytesMax: 512,
  open: () => ({
    async run(input) {
      const words = input
        .toString("utf8")
        .split("\n")
        .map((word) => word.replaceAll("\0", ""));
      const said: string[] = [];
      const restore = [overhear(process.stdout, said), overhear(process.stderr, said), withoutActions()];
      try {
        await createProgram().run(words);
        demand(said.length === 0, `accepted, and says ${said.join("")}`);
        return "accepted";
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        demand(error.exitCode === 0 || error.exitCode === 2, `exit code ${error.exitCode}`);
        demand(said.join("").trim() !== "", "refused without a word");
        return "refused";
      } finally {
        for (const one of restore) one();
      }
    },
  }),
};

function overhear(stream: NodeJS.WriteStream, said: string[]): () => void {
  // As it is, and not bound: what is put back again and again must not grow.
  const write = Reflect.get(stream, "write");
  stream.write = (text: string | Uint8Array) => {
    said.push(String(text));
    return true;
  };
  return () => void (stream.write = write);
}

/** Commander reads the words to their end, and then does nothing. */
function withoutActions(): () => void {
  const action = Reflect.get(Command.prototype, "action") as (this: Command, fn: () => void) => Command;
  Command.prototype.action = function noAction(this: Command) {
    return action.call(this, () => undefined);
  };
  return () => void (Command.prototype.action = action);
}
