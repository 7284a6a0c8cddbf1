/**
 * The composition root: one engine, that is a ledger, a ticketing service, a supervisor and one HTTP port.
 *   S1 no address that others reach without tokens.  S5 only allowed service hosts are called.
 *   R3 a failed ledger ends the engine.  R4 what the opening did not check is checked in the background.
 */
import { join } from "node:path";
import { type ConfigInput, resolveConfig, type Config } from "../actors/config.ts";
import { compileCorrelationKey } from "../actors/alarm-key.ts";
import { isAwaited } from "../actors/async-delivery.ts";
import { activeSince, isCleared } from "../actors/alarm-states.ts";
import { createFeed } from "../actors/feed.ts";
import { createInspection } from "../actors/inspection.ts";
import type { Clock, Ids, Ledger, Log } from "../actors/ports.ts";
import { createSupervisor, type Supervisor } from "../actors/supervisor.ts";
import { alarmStream } from "../machines/facts.ts";
import { type Failure, FailureError, orThrow } from "../machines/failure.ts";
import { limits } from "../machines/limits.ts";
import type { ServiceInfo } from "../machines/vocabulary.ts";
import { createHttpAlarmIntake } from "./alarms/http-intake.ts";
import { attachAlarmIntake } from "./alarms/intake.ts";
import { apiRoutes } from "./http/api/api.ts";
import { offloadPlace, startOffload } from "./gateway/offload-file.ts";
import { callbackPathOf, callbackRoutes } from "./http/callback.ts";
import { type CallbackSecrets, loadCallbackSecrets } from "./http/callback-secrets.ts";
import { createHttpReceiver } from "./heartbeat/http.ts";
import { consoleRoutes } from "./http/console.ts";
import { metricsRoute } from "./http/metrics.ts";
import { healthRoutes, type Readiness } from "./http/health.ts";
import { attachFeed } from "./feed/feed.ts";
import { attachInspector } from "./inspect/inspect.ts";
import { type HttpServer, startHttpServer } from "./http/server.ts";
import { type LiveTokens, watchTokens } from "./http/live-tokens.ts";
import type { Role } from "./http/tokens.ts";
import { verifyLedger } from "./ledger/inspection.ts";
import { openSqliteLedger } from "./ledger/sqlite.ts";
import { guardHosts } from "./service/allowed-hosts.ts";
import { createOsbService } from "./service/osb.ts";
import { checkPasswords } from "./service/password-check.ts";
import { spokenProtocols } from "./service/protocols.ts";
import { tableAtStart } from "./service-table/at-start.ts";
import { csvCodec } from "./service-table/csv.ts";
import { gatewayTableOf, seedServices } from "./service-table/file.ts";
import { loadTopologyInThread } from "./topology/load-in-thread.ts";
import { openTopology, topologyPlace } from "./topology/open.ts";
import type { LoadOrder, TopologyDatabase } from "./topology/topology.ts";

export interface EngineOptions {
  /** As in the configuration file; unset members take their defaults. Relative paths count from the working directory. */
  readonly config: ConfigInput;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** Service Info Table of the first start. Default: `services.file`, and where there is none, one OSB on TCP 8650. */
  readonly services?: readonly ServiceInfo[];
  /** R4: start although facts that were once durable are missing at the ledger's end. Default: refuse. */
  readonly acceptShortened?: boolean;
}

export interface Engine {
  /** `http://host:port` */
  readonly url: string;
  readonly config: Config;
  readonly supervisor: Supervisor;
  /** Resolves when the ledger failed or is damaged: nothing more is accepted, and the process must end (R3, R4). */
  readonly broken: Promise<Failure>;
  /** Takes no more alarms, lets running flows end for at most `drainSeconds` (10), closes everything. */
  stop(how?: { readonly drainSeconds?: number }): Promise<void>;
}

/**
 * Resolves when alarms are accepted. Rejects with FailureError (CONFIGURATION_INVALID, LEDGER_…) or ListenError;
 * then nothing is left open.
 */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const config = orThrow(resolveConfig(options.config));
  orThrow(compileCorrelationKey(config.correlationKey));
  const callbackSecrets = orThrow(loadCallbackSecrets(config.callback.secretFile)); // S1
  const offloadFile = offloadPlace(config);
  topologyPlace(config);
  const tokens = orThrow(watchTokens(config, options)); // S1
  let server: HttpServer | undefined;
  try {
    server = await startHttpServer(config.listen, options);
    return await assemble(options, { config, tokens, callbackSecrets, offloadFile, server });
  } catch (error) {
    tokens.close();
    await server?.close();
    throw error;
  }
}

interface Parts {
  readonly config: Config;
  readonly tokens: LiveTokens;
  readonly callbackSecrets: CallbackSecrets;
  readonly offloadFile: string | null;
  readonly server: HttpServer;
}

async function assemble(
  { clock, ids, log, services, acceptShortened = false }: EngineOptions,
  { config, tokens, callbackSecrets, offloadFile, server }: Parts,
): Promise<Engine> {
  let readiness: Readiness = "starting";
  server.addRoutes(healthRoutes(() => readiness));
  server.addRoutes(consoleRoutes());

  const broken = Promise.withResolvers<Failure>();
  function fall(error: unknown): void {
    readiness = "broken";
    const failure =
      error instanceof FailureError
        ? error.failure
        : ({ code: "LEDGER_SYNC_FAILED", detail: String(error) } as const);
    log.error("engine.broken", { code: failure.code, detail: failure.detail });
    broken.resolve(failure);
  }

  const ledger = await openSqliteLedger({
    dir: config.dataDir,
    now: () => clock.now(),
    uuid: () => ids.uuid(),
    acceptShortened,
  });
  const gatewayTable = gatewayTableOf(config);
  const hosts = guardHosts(config.allowedServiceHosts);
  const service = createOsbService({
    callbackUrl: () =>
      `${(config.listen.publicUrl ?? server.url).replace(/\/$/, "")}${callbackPathOf(callbackSecrets)}`,
    callbackSecrets: callbackSecrets.all,
    clock,
    hostAllowed: hosts.allows,
    lookup: hosts.lookup, // S5
  });
  const table = {
    serviceTableCodec: csvCodec,
    spokenProtocols,
    ...(gatewayTable === undefined ? undefined : { gatewayTable }),
  };
  let supervisor: Supervisor;
  let topology: TopologyDatabase;
  try {
    // The file is read once in a ledger's life: after that the table in the ledger counts.
    const seed = () => services ?? orThrow(seedServices(config, spokenProtocols));
    const { services: rows, selected } = await tableAtStart(ledger, seed, {
      wished: config.services.selected,
      spoken: spokenProtocols,
    });
    orThrow(await checkPasswords(rows, selected, log));
    const heartbeatReceiver = (url: string) => createHttpReceiver({ url, clock });
    // Loaded beside the running engine: it is asked anew for each flow.
    topology = openTopology(config, clock);
    const ports = { config, ledger, service, topology, clock, ids, log, heartbeatReceiver };
    supervisor = await createSupervisor({ ...ports, ...table, services: rows, onBroken: fall });
  } catch (error) {
    await closeQuietly(ledger);
    throw error;
  }

  const settings = { allowedOrigins: server.access.origins, allowedHosts: server.access.hosts };
  const authorizing = (role: Role) =>
    tokens.required
      ? { authorize: (authorization: string | undefined) => tokens.allows(authorization, role) }
      : undefined;
  const correlationKey = orThrow(compileCorrelationKey(config.correlationKey));
  const intake = attachAlarmIntake({
    sink: supervisor,
    clock,
    ids,
    log,
    settings: { ...settings, correlationKey },
    ...authorizing("source"),
  });
  const httpIntake = createHttpAlarmIntake({
    sink: supervisor,
    wasAccepted: async ({ source, id }) => (await ledger.readStream(alarmStream(source, id))).length > 0,
    log,
    correlationKey,
    clock,
    isCleared: (notification) => isCleared(supervisor.state, notification),
    activeSince: (notification) => activeSince(supervisor.state, notification),
    ...authorizing("source"),
  });
  server.addRoutes(httpIntake.routes);
  const feed = createFeed({ supervisor, clock });
  const feedEdge = attachFeed({ feed, clock, ids, log, settings, ...authorizing("viewer") });
  const inspection = createInspection({ supervisor, clock });
  const inspectEdge = attachInspector({ inspection, clock, ids, log, settings, ...authorizing("viewer") });
  server.addUpgrade((request, socket, head) => intake.handleUpgrade(request, socket, head));
  server.addUpgrade((request, socket, head) => feedEdge.handleUpgrade(request, socket, head));
  server.addUpgrade((request, socket, head) => inspectEdge.handleUpgrade(request, socket, head));
  server.addRoutes(
    callbackRoutes({
      sink: supervisor,
      isAwaited: (requestId) => isAwaited(supervisor.state, requestId),
      clock,
      log,
      secrets: callbackSecrets,
    }),
  );
  const topologyAccess = {
    database: topology,
    load: (order: LoadOrder) => loadTopologyInThread(config, order),
    folder: join(config.dataDir, "topology"), // S6
  };
  server.addRoutes(apiRoutes({ supervisor, tokens, clock, topology: topologyAccess }));
  server.addRoutes([metricsRoute({ supervisor, tokens, clock, feedReaders: () => feed.readers })]);
  server.allAdded();
  const offload = offloadFile === null ? null : startOffload({ file: offloadFile, ledger, clock, log });
  readiness = "ready";

  const verification = new AbortController();
  const verified = verifyLedger(config.dataDir, verification.signal).then(
    ({ facts }) => log.info("ledger.verified", { facts }),
    (error: unknown) => {
      if (!verification.signal.aborted) supervisor.fall(error); // R4
    },
  );

  async function stop(drainSeconds: number): Promise<void> {
    if (readiness !== "broken") readiness = "stopping";
    verification.abort();
    await Promise.all([intake.stop(), httpIntake.stop()]);
    try {
      // The callback stays: results that come while flows end still count.
      await supervisor.stop({ drainSeconds });
    } finally {
      // Also where the ledger cannot be closed: nothing is left open.
      feed.close();
      await Promise.all([feedEdge.close(), inspectEdge.close(), offload?.close()]);
      tokens.close();
      await Promise.all([server.close(), verified]);
    }
  }

  let stopped: Promise<void> | null = null;
  return {
    url: server.url,
    config,
    supervisor,
    broken: broken.promise,
    stop({ drainSeconds = limits.drainSecondsDefault } = {}) {
      stopped ??= stop(drainSeconds);
      return stopped;
    },
  };
}

/** The failure that led here is the one to report. */
async function closeQuietly(ledger: Ledger): Promise<void> {
  try {
    await ledger.close();
  } catch {
    // It failed before; nothing is lost that was acknowledged.
  }
}
