/** A pause longer than the lock: the process is stopped with SIGSTOP while a client is held, and goes on. */
import { get } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import type { Launched } from "../acceptance/processes.ts";
import {
  inLedger,
  openRig,
  raise,
  reach,
  untilAllSettled,
  untilInLedger,
  type Reached,
  type Rig,
} from "./rig.ts";

/** The answer comes in the pause, before the deadline: when the process goes on, both wait for it. */
const answerSeconds = 2;
const lockSecondsMax = 3;
/** A signal takes effect at once; this is for the timers of the desk. */
const slackMs = 100;
const triesMax = 5;

type Command = "search" | "create";

interface Stopped {
  readonly rig: Rig;
  readonly engine: Launched;
  readonly reached: Reached;
}

/** Stopped after the fact `seen`, for certain before the answer; null: the machine was too slow for that. */
async function stopBeforeAnswer(rig: Rig, seen: string): Promise<Stopped | null> {
  const engine = rig.launch();
  const reached = await reach(engine);
  const sentAt = performance.now(); // the desk holds its answer back from some later moment on
  expect(await reached.sender.send(raise(1))).toMatchObject({ kind: "accepted" });
  await untilInLedger(rig.dataDir, `SELECT 1 FROM facts WHERE type = '${seen}'`);
  engine.child.kill("SIGSTOP");
  return performance.now() - sentAt < answerSeconds * 1_000 - slackMs ? { rig, engine, reached } : null;
}

async function openStopped(command: Command, seen: string, rigs: Rig[]): Promise<Stopped> {
  const slow = { match: { command }, fault: "slow", seconds: answerSeconds, times: 1 };
  for (let tries = 0; tries < triesMax; tries += 1) {
    const rig = await openRig({ faults: [slow], config: { lockSecondsMax, clients: 1 } });
    rigs.push(rig);
    const stopped = await stopBeforeAnswer(rig, seen);
    if (stopped !== null) return stopped;
  }
  throw new Error(
    `${triesMax} times the machine took longer than ${answerSeconds} s from an alarm to its ${seen}; nothing was tried.`,
  );
}

describe("an engine paused beyond the lock", { timeout: 240_000 }, () => {
  const rigs: Rig[] = [];
  afterEach(async () => {
    for (const rig of rigs.splice(0)) await rig.dispose();
  });

  test.each([
    ["searching", "search", "client.locked"],
    ["forwarding", "create", "request.sending"],
  ] as const)(
    "L3 L5 T1: paused while %s, with the answer come meanwhile: the lock has ended, its holder sends nothing more, the alarm ends with one ticket",
    async (_, command, seen) => {
      const { rig, engine, reached } = await openStopped(command, seen, rigs);
      const { port, sender } = reached;
      const [locked] = inLedger(
        rig.dataDir,
        "SELECT body ->> '$.deadlineAt' AS deadlineAt, body ->> '$.lockGuid' AS lockGuid FROM facts WHERE type = 'client.locked'",
      );
      // The pause itself is what is tried: it lasts until the deadline is past.
      await wait(Math.max(0, Number(locked?.["deadlineAt"]) - Date.now()) + 200);
      engine.child.kill("SIGCONT");
      // The answer may settle the alarm before the end of the lock is durable.
      const ends = await untilInLedger(
        rig.dataDir,
        `SELECT type FROM facts WHERE type IN ('client.unlocked', 'client.lockExpired') AND flow = '${String(locked?.["lockGuid"])}'`,
      );
      await untilInLedger(rig.dataDir, "SELECT 1 FROM facts WHERE type = 'alarm.settled'");
      await untilAllSettled(port);

      expect(ends).toEqual([{ type: "client.lockExpired" }]);
      // L3: no request of a flow begins to be sent after its lock's deadline, by the clock, nor after its end.
      expect(
        inLedger(
          rig.dataDir,
          `SELECT s.position FROM facts s JOIN facts l ON l.flow = s.flow AND l.type = 'client.locked'
            WHERE s.type = 'request.sending' AND s.at >= l.body ->> '$.deadlineAt'`,
        ),
      ).toEqual([]);
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
