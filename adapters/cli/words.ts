/** How the words of a command line are read, and what every command has. */
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { limits } from "../../machines/limits.ts";
import { logLevels } from "./log.ts";

/** The words were wrong (2) or asked for help (0); commander has said so already. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly exitCode: 0 | 2;
  constructor({ exitCode, message }: CommanderError) {
    super(message);
    this.exitCode = exitCode === 0 ? 0 : 2;
  }
}

export function integer(lowest: number, highest: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d{1,9}$/.test(text) && value >= lowest && value <= highest) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${lowest} to ${highest}.`);
  };
}

export function seconds(text: string): number {
  const value = Number(text);
  if (/^\d{1,6}(\.\d{1,3})?$/.test(text) && value <= 86_400) return value;
  throw new InvalidArgumentError("Expected seconds, at most 86400.");
}

export function speed(text: string): number | "max" {
  if (text === "max") return text;
  const value = Number(text);
  if (/^\d{1,9}(\.\d{1,3})?$/.test(text) && value > 0) return value;
  throw new InvalidArgumentError("Expected a number above 0, or max.");
}

export const port = integer(0, 65_535);
export const clients = integer(1, limits.clientsMax);

const exitCodes = `
Exit codes: 0 done, 1 failed, 2 wrong use.`;

/** A command with --json, its exit codes and, where there are some, examples under its help. */
export function command(
  name: string,
  summary: string,
  details: string,
  examples: readonly string[] = [],
): Command {
  const shown =
    examples.length === 0
      ? ""
      : `\nExamples:\n${examples.map((line) => `  $ ticket-client ${line}`).join("\n")}\n`;
  return new Command(name)
    .summary(summary)
    .description(details)
    .option("--json", "data for machines on stdout, nothing else", false)
    .addHelpText("after", `${shown}${exitCodes}`);
}

export function withData(one: Command): Command {
  return one
    .option("--config <file>", "configuration, JSON (default: none, every setting has its default)")
    .option("--data-dir <dir>", "where the ledger is (default: ./data)");
}

/** A token for the engine that is asked. S4: what cannot be right is refused before anything could show it. */
export function withToken(one: Command, use: string): Command {
  return one
    .addOption(new Option("--token <token>", `${use}; better in the environment`).env("TICKET_CLIENT_TOKEN"))
    .hook("preAction", (_, action) => {
      const { url = "", token = "" } = action.opts<{ readonly url?: string; readonly token?: string }>();
      if (/@|%40/.test(url))
        action.error(
          "error: --url names a user or password, which no engine asks for and others may see. " +
            "Leave them out, and give a token in TICKET_CLIENT_TOKEN.",
          { exitCode: 2 },
        );
      const given = token.trim();
      if (given !== "" && !/^[\x21-\x7e]{1,1024}$/.test(given))
        action.error(
          "error: what stands in TICKET_CLIENT_TOKEN, or behind --token, can be no token: " +
            "expected 1 to 1024 letters, digits and signs of ASCII, in one line and without blanks.",
          { exitCode: 2 },
        );
      action.setOptionValue("token", given === "" ? undefined : given);
    });
}

export function logLevel(initial: (typeof logLevels)[number]): Option {
  return new Option("--log-level <level>", "log lines on stderr")
    .choices(logLevels)
    .default(initial)
    .env("TICKET_CLIENT_LOG_LEVEL");
}
