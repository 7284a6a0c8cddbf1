/**
 * The gateway's own Service Info Table, compared with the clients': while they differ nothing is forwarded.
 *   A8 what waits has a reason that is seen, and goes on as soon as the tables are equal.
 * Read at the start, after every import, and every `gatewayTableSeconds`; until a reading is in, the tables count
 * as different. No flow begins meanwhile; what runs already keeps the row it was planned with.
 * Source: domain.md, "The gateway's service table".
 */
import { secondsToMilliseconds } from "date-fns/secondsToMilliseconds";
import type { Fact } from "../machines/facts.ts";
import type { Result } from "../machines/failure.ts";
import { limits } from "../machines/limits.ts";
import { differenceText, tableDifferences, type TableDifference } from "../machines/service-table.ts";
import type { Instant, ServiceInfo } from "../machines/vocabulary.ts";
import type { Clock, GatewayTableSource, Log } from "./ports.ts";

/** Why nothing is forwarded. */
export interface TableMismatch {
  /** The first difference, or why the gateway's table cannot be read. */
  readonly because: string;
  readonly rows: readonly TableDifference[];
  readonly since: Instant;
}

export interface GatewayTablePorts {
  /** null: the gateway is this one and follows every import. */
  readonly source: GatewayTableSource | null;
  readonly clock: Clock;
  readonly log: Log;
  readonly services: () => readonly ServiceInfo[];
  /** The tables are equal again. */
  readonly onEqual: () => void;
}

export class GatewayTable {
  readonly #ports: GatewayTablePorts;
  #mismatch: TableMismatch | null = null;
  #isRead = false;
  #reading = 0;
  #timer: unknown = null;
  #stopped = false;

  constructor(ports: GatewayTablePorts) {
    this.#ports = ports;
  }

  get mismatch(): TableMismatch | null {
    return this.#mismatch;
  }

  /** Whether forwarding must wait. */
  get holds(): boolean {
    return this.#ports.source !== null && (!this.#isRead || this.#mismatch !== null);
  }

  /** The reason in words; null: forwarding goes on. */
  get heldBecause(): string | null {
    if (!this.holds) return null;
    return this.#mismatch?.because ?? "The gateway's service table is being read; try again in a moment.";
  }

  /** Reads the gateway's table now. Resolves when it is compared. */
  async check(): Promise<void> {
    const { source, clock } = this.#ports;
    if (source === null || this.#stopped) return;
    if (this.#timer !== null) clock.clearTimeout(this.#timer);
    this.#timer = clock.setTimeout(
      () => void this.check(),
      secondsToMilliseconds(limits.gatewayTableSeconds),
    );
    const reading = (this.#reading += 1);
    const read = await source.read();
    // A newer reading was begun after a change: this one may be of before.
    if (reading === this.#reading && !this.#stopped) this.#compare(read);
  }

  /** To be told of every fact: after an import nothing is forwarded before the tables are compared. */
  learn(facts: readonly Fact[]): void {
    if (this.#ports.source === null || !facts.some(({ type }) => type === "services.imported")) return;
    this.#isRead = false;
    void this.check();
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) this.#ports.clock.clearTimeout(this.#timer);
  }

  #compare(read: Result<readonly ServiceInfo[]>): void {
    const { clock, log, services, onEqual } = this.#ports;
    const held = this.holds;
    const rows = read.ok ? tableDifferences(services(), read.value) : [];
    this.#isRead = true;
    if (read.ok && rows.length === 0) {
      if (this.#mismatch !== null) log.info("services.equal");
      this.#mismatch = null;
      if (held) onEqual();
      return;
    }
    const because = read.ok ? differenceText(rows) : read.failure.detail;
    if (this.#mismatch?.because !== because)
      log.warn("services.mismatch", { because, differences: rows.length });
    this.#mismatch = { because, rows, since: this.#mismatch?.since ?? clock.now() };
  }
}
