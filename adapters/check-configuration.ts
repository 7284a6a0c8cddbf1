/** Whether an engine could start with a configuration: what it names is read, and nothing is opened for writing. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { compileCorrelationKey } from "../actors/alarm-key.ts";
import type { Config } from "../actors/config.ts";
import { orThrow } from "../machines/failure.ts";
import { loadCallbackSecrets } from "./http/callback-secrets.ts";
import { readTls } from "./http/tls.ts";
import { loadTokens } from "./http/tokens.ts";
import { spokenProtocols } from "./service/protocols.ts";
import { seedServices } from "./service-table/file.ts";
import { topologyPlace } from "./topology/open.ts";

/** Throws FailureError CONFIGURATION_INVALID with what the engine would say. */
export function checkConfiguration(config: Config): void {
  orThrow(compileCorrelationKey(config.correlationKey));
  orThrow(loadCallbackSecrets(config.callback.secretFile));
  orThrow(loadTokens(config));
  readTls(config.listen);
  topologyPlace(config);
  // After the first start the table in the ledger counts, whatever the file holds.
  if (!existsSync(join(config.dataDir, "ledger.db"))) orThrow(seedServices(config, spokenProtocols));
}
