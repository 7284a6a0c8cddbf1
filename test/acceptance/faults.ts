/**
 * `faults`: every tenth create has its effect and its answer is lost, by a reset or by silence, at a service whose
 * search index lags, for each promise a service can make (T1, G4).
 */
import {
  closeHouse,
  faultsHappened,
  openHouse,
  replayArgs,
  stats,
  truth,
  untilSettled,
  type ServicePromise,
} from "./house.ts";
import { run } from "./processes.ts";
import { recordingOf, type Recording } from "./recording.ts";
import { count, type Report } from "./report.ts";
import { checkEnd, checkNoneTwice, type Scenario, type Settings } from "./scenario.ts";

const rowsDefault = 800;
const clientsDefault = 32;
/** Of each kind, that a run must have tried. */
const faultsMin = 30;
const lagSeconds = 3;
/** Creates that are really lost, so that `none` has something nobody can find; each blocks the creates of its key. */
const lostCreates = 5;

export const faults: Scenario = async (settings, report) => {
  const recording = recordingOf(settings.scratch, settings.rows ?? rowsDefault);
  report.say(
    `     ${count(recording.expected.accepted)} alarms of ${recording.devices} devices, ${count(recording.expected.outcomes["created"] ?? 0)} creates`,
  );
  for (const idempotency of ["requestId", "settles", "none"] as const)
    for (const fault of ["reset-after", "silent"] as const)
      await oneFault(settings, report, { recording, idempotency, fault });
};

interface OneFault {
  readonly recording: Recording;
  readonly idempotency: ServicePromise["idempotency"];
  readonly fault: "reset-after" | "silent";
}

async function oneFault(settings: Settings, report: Report, one: OneFault): Promise<void> {
  const { recording, idempotency, fault } = one;
  const { scratch, clients } = settings;
  const match = { command: "create" };
  const lost = { match, fault: "reset-before", every: 17, times: lostCreates };
  const startedAt = performance.now();
  const house = await openHouse({
    scratch,
    clients: clients?.[0] ?? clientsDefault,
    // Longer than the lag: within settleSeconds a search must be able to find what took effect.
    promise: { idempotency, settleSeconds: lagSeconds + 2, timeoutSeconds: 1 },
    faults: [
      { match, fault, every: 10 },
      ...(idempotency === "none" ? [lost] : []),
      { match: {}, fault: "search-lag", seconds: lagSeconds },
    ],
  });
  const what = `${idempotency}, ${fault}`;
  const sent = await run(replayArgs(house, recording.file));
  report.check(`${what}: the sender's exit code`, sent.code, 0);
  const seen = await untilSettled(house, report, 60);
  const happened = await faultsHappened(house);
  report.must(
    `${what}: creates whose answer was lost`,
    (happened[fault] ?? 0) >= faultsMin,
    count(happened[fault] ?? 0),
    `at least ${faultsMin}; give it more --rows`,
  );
  if (idempotency === "none") {
    const { accepted, settled, outcomes } = await stats(house);
    const whole = recording.expected.accepted;
    report.check(`${what}: accepted, settled`, [accepted, settled], [whole, whole]);
    report.check(
      `${what}: lost creates, unknown requests`,
      [happened["reset-before"], seen.unknown],
      [lostCreates, lostCreates],
    );
    report.must(
      `${what}: not found ends unknown`,
      (outcomes["unknown"] ?? 0) > 0,
      show(outcomes),
      "some unknown",
    );
    const desk = await truth(house);
    report.check(`${what}: desk's tickets`, desk.tickets, outcomes["created"]);
    checkNoneTwice(what, house, desk, report);
  } else await checkEnd(what, house, recording, report);
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  report.say(`     ${seconds} s, faults ${show(happened)}, desk ${show(await truth(house))}`);
  await closeHouse(house);
}

function show(value: unknown): string {
  return JSON.stringify(value);
}
