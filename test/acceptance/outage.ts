/**
 * `outage`: the desk is killed in the middle of a day's alarms and comes back; alarms go on meanwhile. Every one
 * settles as if nothing had been, without a second notification (A8).
 */
import { setTimeout as wait } from "node:timers/promises";
import { closeHouse, figures, openHouse, progressText, replayArgs, untilSettled } from "./house.ts";
import { startJob } from "./processes.ts";
import { recordingOf } from "./recording.ts";
import { count } from "./report.ts";
import { checkEnd, type Scenario } from "./scenario.ts";

const rowsDefault = 3_000;
const lookMs = 100;

export const outage: Scenario = async ({ scratch, rows, clients, outageSeconds }, report) => {
  const recording = recordingOf(scratch, rows ?? rowsDefault);
  const whole = recording.expected.accepted;
  report.say(`     ${count(whole)} alarms of ${recording.devices} devices`);
  const house = await openHouse({ scratch, clients: clients?.[0] ?? 4 });
  // As long again before and after the outage as half of it.
  const speed = Math.ceil(recording.seconds / (2 * outageSeconds));
  const sender = startJob(replayArgs(house, recording.file, { speed }));
  let before = await figures(house);
  while (before.accepted < whole / 4) {
    report.progress(progressText(before));
    await wait(lookMs);
    before = await figures(house);
  }
  await house.desk.kill("SIGKILL");
  report.say(`     desk stopped: ${progressText(before)}`);
  const backAt = performance.now() + outageSeconds * 1_000;
  let during = before;
  while (performance.now() < backAt) {
    await wait(lookMs);
    during = await figures(house);
    report.progress(`desk stopped, ${progressText(during)}, parked ${JSON.stringify(during.parked)}`);
  }
  report.must(
    "alarms go on to be acknowledged while the desk is away",
    during.accepted > before.accepted && during.accepted < whole && !sender.ended(),
    count(during.accepted - before.accepted),
    "some, and more to come",
  );
  report.must(
    "keys wait for its return",
    (during.parked["outage"] ?? 0) > 0,
    JSON.stringify(during.parked),
    "some parked as outage",
  );
  house.desk = await house.startDesk();
  const since = performance.now();
  while (!sender.ended()) {
    report.progress(progressText(await figures(house)));
    await wait(lookMs);
  }
  const { code, json } = await sender.finished;
  report.check(
    "every notification was sent once: exit code, sent, duplicates",
    [code, json["sent"], json["duplicates"]],
    [0, whole, 0],
  );
  await untilSettled(house, report, 120);
  report.say(`     settled ${Math.round((performance.now() - since) / 1_000)} s after the desk came back`);
  const { truth } = await checkEnd("outage", house, recording, report);
  report.say(`     desk: ${JSON.stringify(truth)}`);
  await closeHouse(house);
};
