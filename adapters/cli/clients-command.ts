/** The words of `clients`, `force-unlock` and `force-not-busy`. */
import { Argument, Command } from "commander";
import type { ForceWords, RemoteOptions } from "./clients.ts";
import { createOutput } from "./output.ts";
import { listenForStop } from "./signals.ts";
import type { TopOptions } from "./top.ts";
import { command, withToken } from "./words.ts";

interface Json {
  readonly json: boolean;
}

export function clientCommands(end: (code: number) => void): readonly Command[] {
  const clients = withEngine(
    command(
      "clients",
      "the Ticket Clients of a running engine",
      "Shows every Ticket Client: its state, who holds it and since when, and what is happening.",
      ["clients", "clients --url http://127.0.0.1:8640 --json"],
    ),
    "viewer",
  ).action(async (options: RemoteOptions & Json) => {
    end(await (await import("./clients.ts")).runClients(options, createOutput(options.json)));
  });
  const top = withEngine(
    command(
      "top",
      "watch the Ticket Clients of a running engine",
      "Shows the Ticket Clients live, the oldest lock first, with what is abnormal on top. It only reads: q quits, p pauses. " +
        "A lost connection is told with the age of what is shown, and taken up again where it was. Without a terminal, and " +
        "with --once or --json, it prints once what it would show. Colours: none where NO_COLOR is set.",
      ["top", "top --url http://127.0.0.1:8640 --once"],
    ),
    "viewer",
  )
    .option("--once", "print once and end", false)
    .action(async (options: TopOptions) => {
      end(await (await import("./top.ts")).runTop(options, createOutput(options.json), listenForStop()));
    });
  return [
    clients,
    top,
    force(
      "force-unlock",
      "end a client's lock",
      "Ends the lock that you saw and frees the client: its flow is aborted, and what was not yet sent is cancelled. " +
        "A newer lock is never released. Who, when and why stays in the audit.",
      end,
    ),
    force(
      "force-not-busy",
      "end the command that a client executes",
      "Ends the command being executed and leaves the lock: a search counts as failed, a request that is being sent " +
        "keeps its key waiting. Who, when and why stays in the audit.",
      end,
    ),
  ];
}

function force(
  verb: "force-unlock" | "force-not-busy",
  summary: string,
  details: string,
  end: (code: number) => void,
): Command {
  return withEngine(
    command(verb, summary, details, [
      `${verb} client-07 --guid 9b2f0d6e-5c1b-4c0e-9a55-0f6d1f7f1a11 --reason "the service hangs"`,
    ]),
    "operator",
  )
    .addArgument(new Argument("<id>", "of the client, as `clients` shows it"))
    .requiredOption("--guid <guid>", "lock GUID, as `clients` shows it")
    .requiredOption("--reason <text>", "why; it is kept")
    .action(async (id: string, options: ForceWords & Json) => {
      end(await (await import("./clients.ts")).runForce(verb, id, options, createOutput(options.json)));
    });
}

function withEngine(one: Command, role: "viewer" | "operator"): Command {
  return withToken(
    one
      .option("--url <url>", "http://host:port of the engine (default: where the configuration listens)")
      .option("--config <file>", "its configuration, for the address (default: none)"),
    `of role ${role}`,
  );
}
