/**
 * The topology in one SQLite file. Look-ups read through a connection that cannot write; a load is one transaction, so
 * that they see the old data until the new is whole.
 *   S10 read-only where it reads.
 */
import { statSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Clock } from "../../actors/ports.ts";
import { FailureError } from "../../machines/failure.ts";
import { limits } from "../../machines/limits.ts";
import { startDeadline } from "./deadline.ts";
import { loadTopology } from "./load.ts";
import { type Ask, lookUpDetails, lookUpLoaded, lookUpPath } from "./look-up.ts";
import { attempt, unreadable, waitMs } from "./sqlite-attempt.ts";
import { stageInSqlite } from "./sqlite-staging.ts";
import type { TopologyDatabase } from "./topology.ts";

export interface SqliteTopologyOptions {
  /** Made by the first load; until then every look-up is `absent`. */
  readonly file: string;
  readonly clock: Clock;
}

/** Opens nothing yet: a file that is missing or broken shows at the first look-up. */
export function openSqliteTopology({ file, clock }: SqliteTopologyOptions): TopologyDatabase {
  const { ask, close } = createAsk(file, clock);
  return {
    path: ({ elementId, signal }) => lookUpPath(ask, elementId, signal),
    details: ({ elementId, signal }) => lookUpDetails(ask, elementId, signal),
    loaded: () => lookUpLoaded(ask),
    load: (order) =>
      loadTopology(
        { loaded: () => lookUpLoaded(ask), stage: () => stageInSqlite(file, clock) },
        { ...order, now: () => clock.now() },
      ),
    close: () => Promise.resolve(close()),
  };
}

function createAsk(file: string, clock: Clock): { readonly ask: Ask; readonly close: () => void } {
  let db: DatabaseSync | null = null;
  let openedIno: number | undefined;
  let closed = false;
  const statements = new Map<string, StatementSync>();

  function close(): void {
    statements.clear();
    db?.close();
    db = null;
  }

  function run(
    statement: string,
    parameters: readonly (string | number)[],
  ): ReturnType<StatementSync["all"]> | null {
    if (closed) throw new FailureError("TOPOLOGY_UNAVAILABLE", `The topology ${file} is closed.`);
    // A file that was put in its place since is another one: some three microseconds to know.
    const there = statSync(file, { throwIfNoEntry: false });
    if (there?.ino !== openedIno) close();
    if (there === undefined) return null;
    openedIno = there.ino;
    // Waiting for a lock would hold up everything in this thread: it is tried again instead.
    db ??= new DatabaseSync(file, { readOnly: true, timeout: 0 });
    let prepared = statements.get(statement);
    if (prepared === undefined) {
      prepared = db.prepare(statement);
      statements.set(statement, prepared);
    }
    return prepared.all(...parameters);
  }

  return {
    close() {
      close();
      closed = true;
    },
    async ask(statement, parameters, signal) {
      const deadline = startDeadline(clock, signal, `A look-up in ${file}`);
      try {
        for (;;) {
          const tried = attempt(() => run(statement, parameters));
          if (tried.kind === "done") return await deadline.within(Promise.resolve(tried.value));
          if (tried.kind === "noTable") return null;
          if (tried.kind === "failed") {
            close(); // what is wrong with the file may be mended
            throw new FailureError("TOPOLOGY_UNAVAILABLE", unreadable(file, tried.error));
          }
          await deadline.within(waitMs(clock, limits.topologyRetryMs));
        }
      } finally {
        deadline.end();
      }
    },
  };
}
