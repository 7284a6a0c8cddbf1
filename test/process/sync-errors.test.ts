/** R3: the disk fails under the real engine. Needs strace (apt install strace). */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { verifyLedger } from "../../adapters/ledger/inspection.ts";
import {
  openRig,
  raise,
  raiseUntilGone,
  reach,
  untilAllSettled,
  type Acknowledged,
  type Rig,
} from "./rig.ts";
import { readAcknowledged } from "./acknowledged-trace.ts";
import { canTrace } from "./tracing.ts";
import { isMissing } from "../needs.ts";

const timeout = 120_000; // several starts of a process under a tracer
const syncs = "fsync,fdatasync";
/** Of the log, whole: to see which write brought a fact. */
const pageBytes = "4096";

describe.skipIf(isMissing("strace (apt install strace) and the right to trace", canTrace()))(
  "a disk that fails (needs strace: apt install strace)",
  { timeout },
  () => {
    let rig: Rig;
    let trace: string;
    beforeEach(async () => {
      rig = await openRig();
      trace = join(rig.folder, "trace");
    });
    afterEach(() => rig.dispose());

    function faulty(fault: string) {
      const calls = `trace=${syncs},pwrite64,write,writev,sendto`;
      const under = ["strace", "-D", "-f", "-y", "-s", pageBytes, "-o", trace];
      under.push("-e", calls, "-e", `inject=${fault}`);
      return rig.launch({ under });
    }

    /** Sends alarms until the engine is gone; what it acknowledged, and how it ended. */
    async function untilItEnds(fault: string) {
      const engine = faulty(fault);
      const { sender } = await reach(engine);
      const acknowledged = await raiseUntilGone(sender, 1, 500);
      return { acknowledged, ...(await engine.ended) };
    }

    /** A1: the next start has all of it, and goes on. */
    async function expectGoodStart(acknowledged: Acknowledged): Promise<void> {
      const engine = rig.launch();
      const { port, sender } = await reach(engine);
      for (const [n, position] of acknowledged)
        expect(await sender.send(raise(n))).toEqual({ kind: "accepted", position, duplicate: true });
      const next = await raiseUntilGone(sender, acknowledged.size + 1, 1);
      expect(next.size).toBe(1);
      await untilAllSettled(port);
      expect(rig.atDesk("SELECT client_reference FROM ticket GROUP BY 1 HAVING count(*) > 1")).toEqual([]); // T1
      await verifyLedger(rig.dataDir);
    }

    test.each([
      ["a sync fails once", `${syncs}:error=EIO:when=16`],
      ["syncs fail for ever", `${syncs}:error=EIO:when=24+`],
      ["a write fails once", "pwrite64:error=EIO:when=95"],
      ["the disk is full from a write on", "pwrite64:error=ENOSPC:when=120+"],
    ])(
      "R3 A1: when %s, nothing that was not synced is acknowledged, the engine says so and ends with 1; the next start has all of it",
      async (_, fault) => {
        const { acknowledged, code, said } = await untilItEnds(fault);
        expect(code).toBe(1);
        const [, durable] =
          /Writing to the ledger failed after position (\d+): .*Check the disk/.exec(said) ?? [];
        const traced = readAcknowledged(readFileSync(trace, "utf8"));
        expect(traced.failed).toBe(true);
        expect(acknowledged.size).toBeGreaterThan(0);
        // Whatever left the engine is in the trace, also what no longer arrived. An acknowledgement may leave after the
        // failure, of a group that was synced before it; none of what was not synced does (A1).
        const sent = new Map(traced.acknowledged.map(({ id, position }) => [Number(id), position]));
        expect([...sent]).toEqual(expect.arrayContaining([...acknowledged]));
        expect(traced.acknowledged.filter(({ synced }) => !synced)).toEqual([]);
        expect(Math.max(...sent.values())).toBeLessThanOrEqual(Number(durable));
        await expectGoodStart(sent);
      },
    );

    test("R3: a sync that fails at the start is a start that is refused with a sentence; the next one is good", async () => {
      for (const number of [1, 4, 7]) {
        const engine = faulty(`${syncs}:error=EIO:when=${number}`);
        expect(await engine.ready).toBeNull();
        const { code, said } = await engine.ended;
        expect(code).toBe(1);
        expect(said).toMatch(
          /Could not open the ledger in .*disk I\/O error.*Check that the directory exists/s,
        );
      }
      await expectGoodStart(new Map());
    });
  },
);
