/** `counts`: the whole recording over WebSocket and TCP, with few and many clients, comes to the same figures. */
import { calm, closeHouse, openHouse, replayArgs, untilSettled } from "./house.ts";
import { startJob } from "./processes.ts";
import { recordingOf } from "./recording.ts";
import { checkEnd, type Scenario } from "./scenario.ts";

const clientsDefault = [1, 4, 64];

export const counts: Scenario = async ({ scratch, rows, clients: asked, inFlight }, report) => {
  const recording = recordingOf(scratch, rows);
  for (const clients of asked ?? clientsDefault) {
    const what = clients === 1 ? "1 client" : `${clients} clients`;
    const house = await openHouse({ scratch, clients, promise: calm });
    const sender = startJob(replayArgs(house, recording.file, inFlight === null ? {} : { inFlight }));
    const sending = sender.finished.catch(() => undefined);
    while (!sender.ended()) {
      await untilSettled(house, report, 10);
      await Promise.race([sending, new Promise((resolve) => setTimeout(resolve, 500))]);
    }
    const { code, json } = await sender.finished;
    await untilSettled(house, report, 60);
    report.check(`${what}: the sender's exit code, duplicates`, [code, json["duplicates"]], [0, 0]);
    const { stats } = await checkEnd(what, house, recording, report);
    const { p50, p99 } = json["ackMs"] as { readonly p50: number; readonly p99: number };
    report.say(
      `     ${what}: ${stats.seconds} s, ${Math.round(stats.flowsPerSecond)} flows a second; ` +
        `${Math.round(Number(json["ratePerSecond"]))} acknowledged a second, p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`,
    );
    await closeHouse(house);
  }
};
