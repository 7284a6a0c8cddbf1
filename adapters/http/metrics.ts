/**
 * `GET /metrics`: Prometheus text, made when it is asked for from the fold and the live clients. Its cost is that of
 * one look at the pool, whatever happened between two scrapes.
 *   S1 a viewer's token where tokens are on.  S3 label values are closed sets.
 */
import type { Registry } from "prom-client";
import type { Clock } from "../../actors/ports.ts";
import type { Supervisor } from "../../actors/supervisor.ts";
import { whoAsks } from "./api/exchange.ts";
import { EngineFigures, type Figure } from "./engine-figures.ts";
import { sendProblem } from "./problem.ts";
import { processFigures } from "./process-figures.ts";
import type { Route } from "./server.ts";
import type { Tokens } from "./tokens.ts";

export interface MetricsPorts {
  readonly supervisor: Supervisor;
  readonly tokens: Tokens;
  readonly clock: Pick<Clock, "now">;
  /** Readers of the feed now. */
  readonly feedReaders: () => number;
}

export function metricsRoute({ supervisor, tokens, clock, feedReaders }: MetricsPorts): Route {
  const engine = new EngineFigures(supervisor, clock, feedReaders);
  return {
    method: "GET",
    path: "/metrics",
    async answer(request, response) {
      const who = whoAsks(tokens, request, "viewer");
      if (typeof who !== "string") return sendProblem(response, who);
      const registry = await registryOf([...engine.read(), ...processFigures()]);
      const text = await registry.metrics();
      response.writeHead(200, {
        "Content-Type": registry.contentType,
        "Content-Length": Buffer.byteLength(text),
      });
      response.end(text);
    },
  };
}

/** A registry of one scrape: nothing is kept between two. The library is loaded for the first: no start waits for it. */
async function registryOf(figures: readonly Figure[]): Promise<Registry> {
  const { Counter, Gauge, Registry } = await import("prom-client");
  const registry = new Registry();
  for (const { name, help, kind, label, values } of figures) {
    const options = { name, help, registers: [registry], labelNames: label === undefined ? [] : [label] };
    const metric = kind === "counter" ? new Counter(options) : new Gauge(options);
    for (const [value, amount] of Object.entries(values)) {
      if (label === undefined) metric.inc(amount);
      else metric.inc({ [label]: value }, amount);
    }
  }
  return registry;
}
