/** Whether an engine could start with a configuration: what it names is read, and nothing is opened for writing. */
import { compileCorrelationKey } from "../actors/alarm-key.ts";
import type { Config } from "../actors/config.ts";
import type { Fact } from "../machines/facts.ts";
import { FailureError, orThrow } from "../machines/failure.ts";
import { offloadPlace } from "./gateway/offload-file.ts";
import { loadCallbackSecrets } from "./http/callback-secrets.ts";
import { readTls } from "./http/tls.ts";
import { loadTokens } from "./http/tokens.ts";
import { refuseUnreadable } from "./ledger/inspection.ts";
import { openSqliteReader } from "./ledger/sqlite-reader.ts";
import { checkPasswords } from "./service/password-check.ts";
import { spokenProtocols } from "./service/protocols.ts";
import { tableAtStart } from "./service-table/at-start.ts";
import { seedServices } from "./service-table/file.ts";
import { topologyPlace } from "./topology/open.ts";

/** Rejects with FailureError CONFIGURATION_INVALID with what the engine would say. */
export async function checkConfiguration(config: Config): Promise<void> {
  orThrow(compileCorrelationKey(config.correlationKey));
  orThrow(loadCallbackSecrets(config.callback.secretFile));
  orThrow(loadTokens(config));
  readTls(config.listen);
  topologyPlace(config);
  offloadPlace(config);
  const facts = factsOfServices(config.dataDir);
  if (facts === null) return;
  const { services, selected } = await tableAtStart(
    { readStream: () => Promise.resolve(facts) },
    () => orThrow(seedServices(config, spokenProtocols)),
    { wished: config.services.selected, spoken: spokenProtocols },
  );
  orThrow(await checkPasswords(services, selected, { warn: () => undefined }));
}

/** None before a first start has come so far. null: the ledger cannot be read, and that is no fault of the configuration. */
function factsOfServices(dataDir: string): Fact[] | null {
  try {
    refuseUnreadable(dataDir);
    const reader = openSqliteReader(dataDir);
    try {
      return reader.ofStream("services", Number.MAX_SAFE_INTEGER);
    } finally {
      reader.close();
    }
  } catch (error) {
    if (!(error instanceof FailureError)) throw error;
    return error.failure.code === "INVALID" ? [] : null;
  }
}
