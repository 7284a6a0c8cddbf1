/** R4: damage before the snapshot, which no opening looks at, found while the engine runs. */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { systemClock, systemIds } from "../../adapters/clock/system.ts";
import { type Engine, startEngine } from "../../adapters/engine.ts";
import { run } from "../cli/command-line.ts";
import { notification } from "./notifications.ts";

const position = 5;
const damaged = `The ledger is damaged at position ${position}`;

function engineOn(dataDir: string, logged: string[] = []): Promise<Engine> {
  return startEngine({
    config: { listen: { port: 0 }, dataDir },
    clock: systemClock,
    ids: systemIds,
    log: {
      info: () => undefined,
      warn: () => undefined,
      error: (event, fields) => void logged.push(`${event} ${JSON.stringify(fields)}`),
    },
  });
}

/** A directory of data whose ledger has a snapshot, and a fact before it that was changed since. */
async function damagedData(): Promise<string> {
  const dataDir = mkdtempSync(join(tmpdir(), "ticket-client-damage-"));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const engine = await engineOn(dataDir);
  await engine.supervisor.operators.changeSettings({ maxResponseRows: 77 }, "ann");
  await engine.supervisor.operators.changeSettings({ maxResponseRows: 78 }, "ann");
  await engine.stop({ drainSeconds: 0 });
  const db = new DatabaseSync(join(dataDir, "ledger.db"));
  const { head } = db.prepare("SELECT max(position) AS head FROM facts").get() as { head: number };
  expect(head).toBeGreaterThan(position);
  db.exec(`UPDATE facts SET at = at + 1 WHERE position = ${position}`);
  db.close();
  return dataDir;
}

test("R4: damage found in the background ends the intake, and whoever sends or asks is told why", async () => {
  const logged: string[] = [];
  const engine = await engineOn(await damagedData(), logged);
  onTestFinished(() => engine.stop({ drainSeconds: 0 }));
  const socket = new WebSocket(`${engine.url.replace("http", "ws")}/v1/alarms`, "cloudevents.json");
  const closed = once(socket, "close");
  const opened = once(socket, "message"); // hello
  expect(await engine.broken).toMatchObject({
    code: "LEDGER_DAMAGED",
    detail: expect.stringContaining(damaged),
  });
  const { position: last } = engine.supervisor.state;

  await expect(engine.supervisor.accept(notification("1"), "1")).rejects.toMatchObject({
    failure: { code: "LEDGER_DAMAGED", detail: expect.stringContaining(damaged) },
  });
  const event = {
    specversion: "1.0",
    id: "2",
    source: "urn:test",
    type: "org.tmforum.alarm.AlarmCreateEvent",
    time: "2026-11-23T08:00:00Z",
    data: {
      externalAlarmId: "2",
      alarmedObject: { id: "NE-2" },
      alarmType: "communicationsAlarm",
      probableCause: "lossOfSignal",
      sourceSystemId: "urn:test",
      perceivedSeverity: "major",
      state: "raised",
      alarmRaisedTime: "2026-11-23T08:00:00Z",
    },
  };
  const posted = await fetch(`${engine.url}/v1/alarms`, {
    method: "POST",
    headers: { "Content-Type": "application/cloudevents+json" },
    body: JSON.stringify(event),
  });
  expect(posted.status).toBe(503);
  await opened;
  const answers: string[] = [];
  socket.on("message", (data: Buffer) => answers.push(data.toString("utf8")));
  socket.send(JSON.stringify(event));
  const [code] = (await closed) as [number];
  expect([code, answers]).toEqual([1001, []]);

  expect((await fetch(`${engine.url}/readyz`)).status).toBe(503);
  expect(engine.supervisor.state.position).toBe(last);
  expect(logged.filter((one) => one.startsWith("engine.broken"))).toEqual([expect.stringContaining(damaged)]);
});

test("R4: `serve` ends by itself with 1 and names the damage", async () => {
  const dataDir = await damagedData();
  const { code, stderr } = await run(["serve", "--json", "--port", "0", "--data-dir", dataDir]);
  expect(code).toBe(1);
  expect(stderr).toContain(`ticket-client: ${damaged}`);
});
