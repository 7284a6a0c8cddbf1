/**
 * The Service Info Table in the ledger of a stopped engine. Reading goes beside a running one; a change takes the
 * ledger for itself, as an opening of its own (L2, R2), and is judged before that: what is refused opens nothing.
 */
import { Journal } from "../../actors/journal.ts";
import { commandOpeningEntries } from "../../actors/opening.ts";
import { ServiceCommands, type ServiceCommandsPorts } from "../../actors/service-commands.ts";
import { FailureError } from "../../machines/failure.ts";
import { systemClock, systemIds } from "../clock/system.ts";
import { openSqliteLedger } from "../ledger/sqlite.ts";
import { spokenProtocols } from "../service/protocols.ts";
import { csvCodec } from "../service-table/csv.ts";
import { foldLedger } from "./ledger.ts";
import { urlOf } from "./remote-engine.ts";
import type { ServicesPlace } from "./services-place.ts";
import { type DataOptions, readSettings } from "./settings.ts";

export function storedServices(options: DataOptions): ServicesPlace {
  const config = readSettings(options);
  const { dataDir: dir, allowedServiceHosts: allowedHosts } = config;
  const over = (journal: ServiceCommandsPorts["journal"]) =>
    new ServiceCommands({
      journal,
      clock: systemClock,
      codec: csvCodec,
      rules: { allowedHosts, spoken: spokenProtocols },
    });

  /** Judges by what is there now; nothing is kept. */
  const reading = () =>
    over({
      state: foldLedger(dir),
      ledger: { readStream: () => Promise.resolve([]) },
      append: () => Promise.resolve({ kind: "committed", position: 0, facts: [] }),
    });

  async function opened<T>(act: (commands: ServiceCommands) => Promise<T>): Promise<T> {
    const ledger = await openSqliteLedger({
      dir,
      now: () => systemClock.now(),
      uuid: () => systemIds.uuid(),
    }).catch((error: unknown): never => {
      throw error instanceof FailureError && error.failure.code === "LEDGER_LOCKED"
        ? isRunning(dir, urlOf(config))
        : error;
    });
    try {
      const journal = await Journal.open(ledger, () => undefined);
      await journal.append(commandOpeningEntries(journal.state, ledger.head().restored, systemClock.now()));
      return await act(over(journal));
    } finally {
      await ledger.close();
    }
  }

  return {
    name: dir,
    export: () => Promise.resolve(reading().exportServices()),
    async import(csv, how) {
      const judged = await reading().importServices(csv, { ...how, dryRun: true });
      if (!judged.ok || how.dryRun) return judged;
      return opened((commands) => commands.importServices(csv, how));
    },
    async select(name, how) {
      const judged = await reading().selectService(name, how);
      if (!judged.ok || foldLedger(dir).selectedService === name) return judged;
      return opened((commands) => commands.selectService(name, how));
    },
  };
}

function isRunning(dir: string, url: string): FailureError {
  return new FailureError(
    "LEDGER_LOCKED",
    `An engine is running on the ledger in ${dir}. Ask that engine, with --url ${url} or where it listens, or stop it first.`,
  );
}
