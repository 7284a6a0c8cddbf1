/** The words of `services`. */
import { Argument, Command } from "commander";
import { createOutput } from "./output.ts";
import type { ServicesOptions } from "./services.ts";
import { command, withData, withToken } from "./words.ts";

interface Json {
  readonly json: boolean;
}

export function servicesCommand(end: (code: number) => void): Command {
  const group = new Command("services")
    .summary("which ticketing services there are, and which one is used")
    .description("The Service Info Table: which ticketing services there are, and which one is used.")
    .helpCommand(false);
  const exported = withPlace(
    command(
      "export",
      "write the table as CSV",
      "Writes the table as CSV that is safe to open in a spreadsheet and imports as it was. FILE is made anew; - is " +
        "stdout. Reads the ledger, beside a running engine too.",
      ["services export services.csv", "services export - --url http://127.0.0.1:8640"],
    ),
  ).addArgument(new Argument("<file>", "where to, or -"));
  const imported = withPlace(
    command(
      "import",
      "put the table of a CSV in place of the one there is",
      "All rows or none: every fault is told with line and column, and then nothing is changed. A row that an " +
        "unsettled request was planned with cannot be changed or removed. CSV with a header, separated by comma, " +
        "semicolon or tab, in UTF-8, UTF-16 with a byte order mark, or windows-1252.",
      ["services import services.csv --dry-run", "services import services.csv --url http://127.0.0.1:8640"],
    ),
  )
    .addArgument(new Argument("<file>", "the CSV, or - for stdin"))
    .option("--dry-run", "say what would change, and change nothing", false);
  const selected = withPlace(
    command(
      "select",
      "use another service from now on",
      "Flows that begin from now on use this service. Requests under way, and the tickets they made, stay with theirs.",
      ["services select OSB-2"],
    ),
  ).addArgument(new Argument("<name>", "its name in the table"));
  exported.action(async (file: string, options: ServicesOptions & Json, one: Command) => {
    onePlace(options, one);
    end(await (await import("./services.ts")).runServicesExport(file, options, createOutput(options.json)));
  });
  imported.action(
    async (file: string, options: ServicesOptions & Json & { readonly dryRun: boolean }, one: Command) => {
      onePlace(options, one);
      end(await (await import("./services.ts")).runServicesImport(file, options, createOutput(options.json)));
    },
  );
  selected.action(async (name: string, options: ServicesOptions & Json, one: Command) => {
    onePlace(options, one);
    end(await (await import("./services.ts")).runServicesSelect(name, options, createOutput(options.json)));
  });
  for (const one of [exported, imported, selected]) group.addCommand(one);
  return group;
}

function withPlace(one: Command): Command {
  return withToken(
    withData(one).option(
      "--url <url>",
      "http://host:port of a running engine, instead of the ledger of a stopped one",
    ),
    "of role operator, with --url",
  );
}

function onePlace({ url, config, dataDir }: ServicesOptions, one: Command): void {
  if (url !== undefined && (config ?? dataDir) !== undefined)
    one.error("error: expected either --url, or --config and --data-dir", { exitCode: 2 });
}
