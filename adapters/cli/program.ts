/** Every command with its words and its help; what it does stands in a file of its own, read when it runs. */
import { Argument, Command, CommanderError, Help, Option } from "commander";
import { limits } from "../../machines/limits.ts";
import type { DeskCommandOptions } from "./desk.ts";
import type { DemoOptions } from "./demo.ts";
import type { DiagramOptions } from "./diagram.ts";
import type { ExplainOptions } from "./explain.ts";
import type { ReplayCommandOptions } from "./replay.ts";
import type { ServeOptions } from "./serve.ts";
import type { DataOptions } from "./settings.ts";
import type { TopologyLoadOptions } from "./topology.ts";
import { createOutput, type Output } from "./output.ts";
import { clientCommands } from "./clients-command.ts";
import { servicesCommand } from "./services-command.ts";
import { listenForStop } from "./signals.ts";
import { readVersion } from "./version.ts";
import {
  clients,
  command,
  integer,
  logLevel,
  port,
  seconds,
  speed,
  UsageError,
  withData,
  withToken,
} from "./words.ts";

export interface Program {
  /** Resolves with the exit code. Rejects with UsageError after help or wrong use. */
  run(words: readonly string[]): Promise<number>;
}

/** Longer lines are hard to read. */
const helpColumnsMost = 100;
const plainHelp = new Help();

interface Json {
  readonly json: boolean;
}

export function createProgram(): Program {
  let exitCode = 0;
  const end = (code: number) => void (exitCode = code);
  const program = new Command("ticket-client")
    .description("Alarms of a telecom network in, tickets out: once each.")
    .version(readVersion(), "-V, --version", "print the version")
    .helpCommand(false)
    .addHelpText(
      "after",
      "\nEvery command has --help. Settings can be given in a file (--config) and in the\nenvironment (TICKET_CLIENT_…); `settings` lists them.\nExit codes: 0 done, 1 failed, 2 wrong use.",
    );
  for (const one of [
    serve(end),
    settings(end),
    demo(end),
    replayCommand(end),
    desk(end),
    servicesCommand(end),
    ...clientCommands(end),
    explain(end),
    ledger(end),
    topology(end),
    diagram(end),
  ])
    program.addCommand(one);
  strict(program);
  return {
    async run(words) {
      try {
        await program.parseAsync([...words], { from: "user" });
      } catch (error) {
        throw error instanceof CommanderError ? new UsageError(error) : error;
      }
      return exitCode;
    },
  };
}

function strict(one: Command): void {
  one
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError("Add --help for what is possible.")
    .configureHelp({
      helpWidth: Math.min(process.stdout.columns || 80, helpColumnsMost),
      optionDescription: (option) => plainHelp.optionDescription(option).replace(" (default: false)", ""),
    });
  for (const inner of one.commands) strict(inner);
}

type End = (code: number) => void;

function output({ json }: Json): Output {
  return createOutput(json);
}

function serve(end: End): Command {
  return withData(
    command(
      "serve",
      "run the engine until SIGINT or SIGTERM",
      "Runs the engine: takes alarms on its WebSocket, keeps them in the ledger, and opens, updates and closes tickets. " +
        "Prints its address when alarms are accepted. The first SIGINT or SIGTERM lets running flows end, for at most " +
        `${limits.drainSecondsDefault} seconds; the second stops at once. Nothing that was acknowledged is lost either way.`,
      ["serve --data-dir ./data", "serve --config engine.json --port 0 --json"],
    ),
  )
    .option("--port <n>", `port to listen on, 0 = any (default: ${limits.portDefault})`, port)
    .option(
      "--clients <n>",
      `ticket clients, that is flows at a time (default: ${limits.clientsDefault})`,
      clients,
    )
    .option(
      "--accept-shortened",
      "start although the ledger's end was lost: what is missing stays missing, and the service may know tickets of it",
      false,
    )
    .addOption(logLevel("info"))
    .action(async (options: ServeOptions & Json) => {
      const { runServe } = await import("./serve.ts");
      end(await runServe(options, output(options), listenForStop()));
    });
}

function settings(end: End): Command {
  return withData(
    command(
      "settings",
      "every setting, its value and where that comes from; is the configuration right?",
      "Lists what can be set: in the file (--config) and in the environment, which overrides it. Checks what serve would " +
        "check before it opens anything: values, names, tokens, certificate, callback secrets, the selected service's " +
        "password file, and, until a first start has read it, the Service Info Table. Secrets are not shown.",
      ["settings", "settings --config engine.json"],
    ),
  ).action(async (options: DataOptions & Json) => {
    const { runSettings } = await import("./settings-command.ts");
    end(await runSettings(options, output(options)));
  });
}

function demo(end: End): Command {
  return withData(
    command(
      "demo",
      "see it work: engine, ticketing service and real alarms in one process",
      "Starts an engine and an embedded ticketing service, replays real alarms of a telecom network over a WebSocket, " +
        "and shows what became of each. Without --data-dir its ledger lies in a fresh temporary folder.",
      ["demo --once", "demo --speed 600", "demo --once --json --port 0 --desk-port 0"],
    ),
  )
    .option("--once", "end when every alarm has its outcome", false)
    .option("--speed <n|max>", "times as fast as recorded (default: 60; max with --once)", speed)
    .option("--alarms <file>", "another CSV: alarm_id,device_id,start_timestamp,end_timestamp")
    .option("--clients <n>", `ticket clients (default: ${limits.clientsDefault})`, clients)
    .option("--port <n>", `the engine's port, 0 = any (default: ${limits.portDefault})`, port)
    .option("--desk-port <n>", "the ticketing service's port, 0 = any", port, limits.deskPortDefault)
    .addOption(logLevel("error"))
    .action(async (options: DemoOptions & Json) => {
      const { runDemo } = await import("./demo.ts");
      end(await runDemo(options, output(options), listenForStop()));
    });
}

function replayCommand(end: End): Command {
  const replaying = command(
    "replay",
    "send recorded alarms to a running engine",
    "Sends recorded alarms in order, waits for every acknowledgement, goes on after a lost connection, and reports " +
      "rate and latency. huawei: CSV alarm_id,device_id,start_timestamp,end_timestamp, a raise and a clear a row. " +
      "cloudevents: one CloudEvents object a line.",
    ["replay alarm.csv --url ws://127.0.0.1:8640/v1/alarms --speed max"],
  )
    .addArgument(new Argument("<file>", "the recording"))
    .requiredOption("--url <url>", "ws://host:port or ws://host:port/v1/alarms")
    .addOption(
      new Option("--format <format>", "(default: huawei for .csv, else cloudevents)").choices([
        "cloudevents",
        "huawei",
      ]),
    )
    .option("--speed <n|max>", "times as fast as recorded", speed, "max")
    .option(
      "--in-flight <n>",
      "unanswered alarms at most",
      integer(1, limits.inFlightPerConnectionMax),
      limits.replayInFlightDefault,
    )
    .action(async (file: string, options: ReplayCommandOptions & Json) => {
      const { runReplay } = await import("./replay.ts");
      end(await runReplay(file, options, output(options), listenForStop()));
    });
  return withToken(replaying, "of role source");
}

function desk(end: End): Command {
  return command(
    "desk",
    "run the embedded ticketing service alone",
    "A ticketing service to try things with: serves the OSB contract, keeps or breaks the promise it is given, tells " +
      "the truth at GET /truth, and fails as a fault script says. Without --data-dir its tickets live in memory.",
    ["desk --port 8650 --idempotency settles --settle-seconds 5"],
  )
    .option("--port <n>", "0 = any", port, limits.deskPortDefault)
    .option("--data-dir <dir>", "where the tickets are kept (default: in memory)")
    .option("--faults <file>", "fault script, JSON")
    .addOption(
      new Option("--idempotency <promise>", "what it promises about repeated requests")
        .choices(["requestId", "settles", "none"])
        .default("requestId"),
    )
    .option(
      "--settle-seconds <n>",
      "of settles: a request takes effect within this or never",
      seconds,
      limits.serviceSettleSecondsDefault,
    )
    .option("--async-seconds <n>", "results come within this after the ACK; 0 = with the ACK", seconds, 0)
    .action(async (options: DeskCommandOptions & Json) => {
      const { runDesk } = await import("./desk.ts");
      end(await runDesk(options, output(options), listenForStop()));
    });
}

function explain(end: End): Command {
  return withData(
    command(
      "explain",
      "why is there a ticket, or none",
      "Shows decision records: the alarm, what was found, the rule that decided, what was requested and answered. " +
        "Reads the ledger, beside a running engine too.",
      ["explain --source urn:replay:alarm.csv --id 17/raise", "explain --key NE-0815"],
    ),
  )
    .option("--source <source>", "source of one alarm; with --id")
    .option("--id <id>", "id of one alarm; with --source")
    .option("--key <key>", "correlation key: its newest alarms")
    .option("--count <n>", "alarms of the key at most", integer(1, 1_000), 10)
    .action(async (options: ExplainOptions & Json, one: Command) => {
      const ofAlarm = options.source !== undefined && options.id !== undefined;
      if (
        ofAlarm === (options.key !== undefined) ||
        (options.key !== undefined && (options.source ?? options.id) !== undefined)
      ) {
        one.error("error: expected either --source and --id, or --key", { exitCode: 2 });
      }
      const { runExplain } = await import("./explain.ts");
      end(await runExplain(options, output(options)));
    });
}

function ledger(end: End): Command {
  const group = new Command("ledger")
    .summary("look at the ledger; restore a backup")
    .description("Look at the ledger, beside a running engine too; restore a backup.")
    .helpCommand(false);
  const verify = withData(
    command(
      "verify",
      "check every fact and the chain of hashes",
      "Checks every fact and the chain of hashes; damage is named with its position.",
    ),
  );
  const stats = withData(
    command(
      "stats",
      "count alarms, outcomes and response rows",
      "Counts what the ledger holds: alarms, outcomes, response rows, and how fast it went.",
    ),
  );
  const exported = withData(
    command(
      "export",
      "write every fact as a line of JSON",
      "Writes every fact, in order, as one line of JSON with its hash. FILE is made anew; - is stdout.",
      ["ledger export facts.ndjson"],
    ),
  ).addArgument(new Argument("<file>", "where to, or -"));
  const restore = withData(
    command(
      "restore",
      "go on from a backup",
      "Puts a backup in place as a ledger of a new identity, checked fact by fact. The data directory must hold no ledger. " +
        "At its first start every request that was not settled counts as in doubt.",
      ["ledger restore backup.db --data-dir ./data"],
    ),
  ).addArgument(new Argument("<file>", "a copy of ledger.db, or its folder"));
  verify.action(async (options: DataOptions & Json) =>
    end(await (await import("./ledger.ts")).runVerify(options, output(options))),
  );
  stats.action(async (options: DataOptions & Json) =>
    end(await (await import("./ledger.ts")).runStats(options, output(options))),
  );
  exported.action(async (file: string, options: DataOptions & Json) =>
    end(await (await import("./ledger.ts")).runExport(file, options, output(options))),
  );
  restore.action(async (file: string, options: DataOptions & Json) =>
    end(await (await import("./ledger.ts")).runRestore(file, options, output(options))),
  );
  for (const one of [verify, stats, exported, restore]) group.addCommand(one);
  return group;
}

function topology(end: End): Command {
  const group = new Command("topology")
    .summary("load the topology database; look up a path")
    .description("Load the topology database; look up a path. Beside a running engine too.")
    .helpCommand(false);
  const load = withData(
    command(
      "load",
      "put provisioning data in place of what is there",
      "Reads network_element.csv, address.csv, network_path.csv or link.csv (told apart by their headers; ; or , between " +
        "columns; UTF-8 or windows-1252), checks all of it, and puts it in place of all that is there, at once. Where a " +
        "row is wrong, or far fewer rows come than are in place, nothing changes.",
      ["topology load network_element.csv address.csv network_path.csv", "topology load --dry-run link.csv"],
    ),
  )
    .addArgument(new Argument("<files...>", "CSV files, in any order"))
    .option("--dry-run", "check and change nothing", false)
    .option("--accept-drop", "load though far fewer rows come than are in place", false);
  const path = withData(
    command(
      "path",
      "an element, its addresses and its way to the root",
      "Shows what the topology holds of an element: attributes, addresses and the hops to the root, and how old it is.",
      ["topology path NE-0815"],
    ),
  ).addArgument(new Argument("<element>", "its ne_id"));
  load.action(async (files: string[], options: TopologyLoadOptions & Json) =>
    end(await (await import("./topology.ts")).runTopologyLoad(files, options, output(options))),
  );
  path.action(async (element: string, options: DataOptions & Json) =>
    end(await (await import("./topology.ts")).runTopologyPath(element, options, output(options))),
  );
  for (const one of [load, path]) group.addCommand(one);
  return group;
}

function diagram(end: End): Command {
  return command(
    "diagram",
    "draw the statecharts",
    "Draws the statecharts of the engine's actors, one file each.",
    ["diagram --out visualizations/diagrams", "diagram --format svg"],
  )
    .addOption(
      new Option("--format <format>", "of the drawings").choices(["mermaid", "svg"]).default("mermaid"),
    )
    .option("--out <dir>", "where to", "visualizations/diagrams")
    .action(async (options: DiagramOptions & Json) => {
      const { runDiagram } = await import("./diagram.ts");
      end(runDiagram(options, output(options)));
    });
}
