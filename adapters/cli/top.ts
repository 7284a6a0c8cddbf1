/** `top`: the Clients page in a terminal. It only reads; where there is no terminal it prints once what it would show. */
import { clientsSchema } from "../../actors/api-messages.ts";
import { gatewaySchema } from "../../actors/api-records.ts";
import { FailureError } from "../../machines/failure.ts";
import { limits } from "../../machines/limits.ts";
import { systemClock as clock } from "../clock/system.ts";
import { engineOf, type RemoteOptions } from "./clients.ts";
import { openFeedLine } from "./feed-line.ts";
import type { Output } from "./output.ts";
import type { RemoteEngine } from "./remote-engine.ts";
import type { StopSignals } from "./signals.ts";
import { openTerminal } from "./terminal.ts";
import { nothingHeard, takeClients, takeFeed, topTypes, type TopModel } from "./top-model.ts";
import { oldestLockFirst, topScreen, type LineState } from "./top-screen.ts";

export interface TopOptions extends RemoteOptions {
  readonly once: boolean;
  readonly json: boolean;
}

const drawMs = 250;
const tickMs = 1_000;

/** Resolves with the exit code. */
export async function runTop(options: TopOptions, output: Output, stop: StopSignals): Promise<number> {
  const engine = engineOf(options);
  // Whatever is wrong with address or token is said before a screen is borrowed.
  const { clients } = await engine.ask({ method: "GET", path: "/api/clients" }, clientsSchema);
  const { stdin, stdout } = process;
  const top = new Top(engine, options.token);
  try {
    await top.live();
    top.put(takeClients(top.model, clients));
    await top.askGateway();
    if (options.once || options.json || !stdin.isTTY || !stdout.isTTY) print(top, output);
    else await watch(top, stop);
    return 0;
  } finally {
    top.close();
  }
}

class Top {
  readonly #engine: RemoteEngine;
  readonly #line: { close(): void };
  readonly #live = Promise.withResolvers<void>();
  model: TopModel = nothingHeard;
  line: LineState = { kind: "connecting" };
  onChange: () => void = () => undefined;

  constructor(engine: RemoteEngine, token: string | undefined) {
    this.#engine = engine;
    this.#line = openFeedLine({
      url: engine.url,
      token,
      types: topTypes,
      clock,
      resumeAt: () => {
        const { ledger, position } = this.model;
        return ledger === null ? null : { ledger, position };
      },
      heard: (messages) => {
        const taken = takeFeed(this.model, messages, clock.now());
        if (taken !== null) this.put(taken);
        return taken !== null;
      },
      changed: (state) => this.#changed(state),
    });
  }

  get url(): string {
    return this.#engine.url;
  }

  /** Resolves when the first snapshot is here. */
  async live(): Promise<void> {
    const timer = clock.setTimeout(
      () =>
        this.#live.reject(
          new FailureError(
            "UNREACHABLE",
            `${this.url} answers, but its feed says nothing. Is a proxy in between?`,
          ),
        ),
      limits.httpRequestTimeoutMs,
    );
    await this.#live.promise.finally(() => clock.clearTimeout(timer));
  }

  put(model: TopModel): void {
    this.model = model;
    this.onChange();
  }

  #changed(state: LineState): void {
    const isBack = state.kind === "live" && this.line.kind === "lost";
    this.line = state;
    if (state.kind === "live") this.#live.resolve();
    if (isBack) void this.#askClients();
    this.onChange();
  }

  async #askClients(): Promise<void> {
    const answer = await this.#quietly(() =>
      this.#engine.ask({ method: "GET", path: "/api/clients" }, clientsSchema),
    );
    if (answer !== null) this.put(takeClients(this.model, answer.clients));
  }

  async askGateway(): Promise<void> {
    const gateway = await this.#quietly(() =>
      this.#engine.ask({ method: "GET", path: "/api/gateway" }, gatewaySchema),
    );
    if (gateway !== null) this.put({ ...this.model, gateway });
  }

  /** An engine that is away is what the line says; anything else is asked again next time. */
  async #quietly<T>(ask: () => Promise<T>): Promise<T | null> {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof FailureError) return null;
      throw error;
    }
  }

  close(): void {
    this.onChange = () => undefined;
    this.#line.close();
  }
}

function print(top: Top, output: Output): void {
  const { model, line, url } = top;
  const { ledger, position, counters, gateway, heartbeat } = model;
  const clients = oldestLockFirst([...model.clients.values()]);
  output.data({
    ledger,
    position,
    counters,
    waiting: gateway?.waiting ?? null,
    inFlight: gateway?.inFlight ?? [],
    heartbeat,
    clients: clients.map(({ view, ...lock }) => ({ ...view, ...lock })),
  });
  const size = { columns: Infinity, rows: Infinity };
  for (const { text } of topScreen({ url, model, line, isPaused: false }, size, clock.now()))
    output.line(text);
}

async function watch(top: Top, stop: StopSignals): Promise<void> {
  const quit = Promise.withResolvers<void>();
  let frozen: TopModel | null = null;
  let drawTimer: unknown = null;
  const terminal = openTerminal({
    input: process.stdin,
    output: process.stdout,
    isColoured: process.env["NO_COLOR"] === undefined,
    onKey(key) {
      if (key === "q" || key === "\u0003") quit.resolve();
      if (key !== "p") return;
      frozen = frozen === null ? top.model : null;
      draw();
    },
    onResize: () => draw(),
  });
  const draw = (): void => {
    const shown = { url: top.url, model: frozen ?? top.model, line: top.line, isPaused: frozen !== null };
    terminal.draw(topScreen(shown, terminal.size, clock.now()));
  };
  // Not more often than a person can read.
  top.onChange = () => {
    drawTimer ??= clock.setTimeout(() => {
      drawTimer = null;
      draw();
    }, drawMs);
  };
  const ticking = setInterval(() => {
    draw();
    if (top.line.kind === "live") void top.askGateway();
  }, tickMs);
  try {
    draw();
    await Promise.race([quit.promise, stop.asked]);
  } finally {
    clearInterval(ticking);
    clock.clearTimeout(drawTimer);
    terminal.close();
  }
}
