/** A pause longer than the lock: the process is stopped with SIGSTOP while a client is held, and goes on. */
import { get } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { inLedger, openRig, raise, reach, untilAllSettled, untilInLedger, type Rig } from "./rig.ts";

const lockSecondsMax = 1;

describe("an engine paused beyond the lock", { timeout: 120_000 }, () => {
  let rig: Rig;
  afterEach(() => rig.dispose());

  test.each([
    ["searching", "search", "client.locked"],
    ["forwarding", "create", "request.sending"],
  ] as const)(
    "L3 L5 T1: paused while %s, with the answer come meanwhile: the lock has ended, its holder sends nothing more, the alarm ends with one ticket",
    async (_, command, seen) => {
      // The answer comes while the engine is paused: when it goes on, both wait for it, the deadline and the answer.
      const slow = { match: { command }, fault: "slow", seconds: 0.5, times: 1 };
      rig = await openRig({ faults: [slow], config: { lockSecondsMax, clients: 1 } });
      const engine = rig.launch();
      const { port, sender } = await reach(engine);
      expect(await sender.send(raise(1))).toMatchObject({ kind: "accepted" });
      await untilInLedger(rig.dataDir, `SELECT 1 FROM facts WHERE type = '${seen}'`);
      engine.child.kill("SIGSTOP");
      const [locked] = inLedger(
        rig.dataDir,
        "SELECT body ->> '$.deadlineAt' AS deadlineAt, body ->> '$.lockGuid' AS lockGuid FROM facts WHERE type = 'client.locked'",
      );
      // The pause itself is what is tried: it lasts until the deadline is past.
      await wait(Math.max(0, Number(locked?.["deadlineAt"]) - Date.now()) + 200);
      engine.child.kill("SIGCONT");
      await untilInLedger(rig.dataDir, "SELECT 1 FROM facts WHERE type = 'alarm.settled'");
      await untilAllSettled(port);

      const ends = inLedger(
        rig.dataDir,
        `SELECT type FROM facts WHERE type IN ('client.unlocked', 'client.lockExpired') AND flow = '${String(locked?.["lockGuid"])}'`,
      );
      expect(ends).toEqual([{ type: "client.lockExpired" }]);
      // L3: no request of a flow begins to be sent after its lock has ended.
      expect(
        inLedger(
          rig.dataDir,
          `SELECT s.position FROM facts s JOIN facts e ON e.flow = s.flow AND e.position < s.position
            WHERE s.type = 'request.sending' AND e.type = 'client.lockExpired'`,
        ),
      ).toEqual([]);
      expect(inLedger(rig.dataDir, "SELECT outcome FROM alarms")).toEqual([{ outcome: "created" }]); // A2
      expect(rig.atDesk("SELECT status FROM ticket")).toEqual([{ status: "acknowledged" }]); // T1
      await expectIdle(port); // L5
      expect(await sender.send(raise(2))).toMatchObject({ kind: "accepted" });
      await untilAllSettled(port);
      expect(rig.atDesk("SELECT count(*) AS n FROM ticket")).toEqual([{ n: 2 }]);
    },
  );
});

async function expectIdle(port: number): Promise<void> {
  for (;;) {
    const clients = (await json(port, "/api/clients")) as {
      clients: { state: string; lockStatus: string }[];
    };
    if (clients.clients.every(({ lockStatus }) => lockStatus === "unlocked")) return;
    await wait(5);
  }
}

function json(port: number, path: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    get(`http://127.0.0.1:${port}${path}`, { agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => (text += part));
      response.on("end", () => resolve(JSON.parse(text)));
    }).on("error", reject);
  });
}
