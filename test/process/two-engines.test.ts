/** L2, architecture.md: one engine at a time on a ledger. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { verifyLedger } from "../../adapters/ledger/inspection.ts";
import { inLedger, openRig, raiseUntilGone, reach, untilAllSettled, type Rig } from "./rig.ts";

describe("two engines on one ledger", { timeout: 120_000 }, () => {
  let rig: Rig;
  beforeEach(async () => {
    rig = await openRig();
  });
  afterEach(() => rig.dispose());

  async function expectRefused(): Promise<void> {
    const second = rig.launch();
    expect(await second.ready).toBeNull();
    const { code, said } = await second.ended;
    expect(code).toBe(1);
    expect(said).toMatch(/is in use by another engine\. Stop that engine first/);
  }

  test("LEDGER_LOCKED: the second refuses while the first acknowledges, and the first is not disturbed", async () => {
    const first = rig.launch();
    const { port, sender } = await reach(first);
    const second = expectRefused();
    const isOver = second.then(() => true);
    let sent = 0;
    do {
      expect((await raiseUntilGone(sender, sent + 1, 1)).size).toBe(1);
      sent += 1;
    } while (!(await Promise.race([isOver, Promise.resolve(false)])));
    await second;
    expect((await raiseUntilGone(sender, sent + 1, 3)).size).toBe(3);
    await untilAllSettled(port);
    expect(inLedger(rig.dataDir, "SELECT count(*) AS n FROM facts WHERE type = 'ledger.opened'")).toEqual([
      { n: 1 },
    ]);
    expect(rig.atDesk("SELECT count(*) AS n FROM ticket")).toEqual([{ n: sent + 3 }]);
    first.child.kill("SIGTERM");
    expect((await first.ended).code).toBe(0);
    expect((await verifyLedger(rig.dataDir)).epochs).toBe(1);
  });

  test("LEDGER_LOCKED: an engine that is paused keeps its ledger; one that was killed does not", async () => {
    const first = rig.launch();
    const { sender } = await reach(first);
    await raiseUntilGone(sender, 1, 3);
    first.child.kill("SIGSTOP");
    await expectRefused();
    first.child.kill("SIGCONT");
    expect((await raiseUntilGone(sender, 4, 3)).size).toBe(3);
    first.child.kill("SIGKILL");
    await first.ended;
    const { port } = await reach(rig.launch());
    await untilAllSettled(port);
    expect(rig.atDesk("SELECT count(*) AS n FROM ticket")).toEqual([{ n: 6 }]); // A1 T1
  });
});
