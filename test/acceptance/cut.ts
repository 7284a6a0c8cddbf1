/**
 * `cut`: the replay is cut and resumed while it sends (A4). Odd cuts end its connection and the sender goes on by
 * itself; even ones kill the sender, and the next begins the file again.
 */
import { setTimeout as wait } from "node:timers/promises";
import { startProxy } from "./cuttable-proxy.ts";
import { closeHouse, figures, openHouse, progressText, replayArgs, untilSettled } from "./house.ts";
import { startJob } from "./processes.ts";
import { recordingOf } from "./recording.ts";
import { count } from "./report.ts";
import { checkEnd, momentOf, percent, type Scenario } from "./scenario.ts";

const lookMs = 25;

export const cut: Scenario = async ({ scratch, rows, moments, clients, inFlight }, report) => {
  const recording = recordingOf(scratch, rows);
  const whole = recording.expected.accepted;
  const house = await openHouse({ scratch, clients: clients?.[0] ?? 4 });
  const proxy = await startProxy(house.port);
  const send = () => startJob(replayArgs(proxy, recording.file, inFlight === null ? {} : { inFlight }));
  let sender = send();
  for (let moment = 1; moment <= moments; moment += 1) {
    const aim = momentOf(moment, moments, whole);
    let seen = await figures(house);
    while (seen.accepted < aim && !sender.ended()) {
      await wait(lookMs);
      seen = await figures(house);
      report.progress(progressText(seen));
    }
    const isSending = !sender.ended();
    const kills = moment % 2 === 0;
    const connections = proxy.connections();
    if (kills) {
      await sender.kill("SIGKILL");
      sender = send();
    } else proxy.cut();
    report.must(
      `cut ${moment} of the ${kills ? "sender (kill -9)" : "connection"} falls while it sends`,
      isSending && connections === 1 && seen.accepted < momentOf(moment + 1, moments, whole),
      `at ${count(seen.accepted)} of ${count(whole)} acknowledged (${percent(seen.accepted, whole)})`,
      `one connection, at ${count(aim)} or soon after`,
    );
  }
  const { code, json } = await sender.finished;
  report.check("the last sender's exit code, accepted", [code, json["accepted"]], [0, whole]);
  report.say(
    `     the last sender: ${count(Number(json["duplicates"]))} known before, ${String(json["reconnects"])} reconnects`,
  );
  await proxy.close();
  await untilSettled(house, report, 60);
  const { truth } = await checkEnd("cut", house, recording, report);
  report.say(`     desk: ${JSON.stringify(truth)}`);
  await closeHouse(house);
};
