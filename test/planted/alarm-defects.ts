/** Alarms on their way in, in line, and to their outcome. */
import type { Defect } from "./defect.ts";

export const alarmDefects: readonly Defect[] = [
  {
    name: "acknowledge before commit",
    law: "A1",
    file: "actors/alarm-admission.ts",
    was: `const result = await journal.append([fact], [{ stream, revision: 0 }]); // A4
      if (result.kind === "committed")
        return { kind: "accepted", position: result.position, duplicate: false };`,
    becomes: `if ((await ledger.readStream(stream)).length === 0) {
        journal.note([fact], [{ stream, revision: 0 }]);
        return { kind: "accepted", position: journal.state.position + 1, duplicate: false };
      }`,
    tests: ["test/engine/admission.test.ts#A1", "test/engine/failures.test.ts"],
  },
  {
    name: "a key that was forgotten may not go on",
    law: "A8",
    file: "machines/state.ts",
    was: `    found = { ...emptyKey(key), revision: state.position };`,
    becomes: `    found = emptyKey(key);`,
    tests: ["test/engine/forgotten-keys.test.ts"],
  },
  {
    name: "keys that are tried again go before the others",
    law: "R6",
    file: "machines/admission.ts",
    was: `  return parked === null || parked.reason === "storm" ? age : Math.max(age, revision);`,
    becomes: `  return parked === null || parked.reason === "storm" ? age : Math.min(age, revision);`,
    tests: ["test/engine/starvation.test.ts"],
  },
  {
    name: "duplicates by content, not id",
    law: "A4",
    file: "actors/alarm-admission.ts",
    was: `const stream = alarmStream(notification.source, notification.id);`,
    becomes: `const stream = alarmStream(notification.source, digest);`,
    tests: ["test/engine/admission.test.ts#A4"],
  },
  {
    name: "alarms on their way to the disk are not counted as load",
    law: "A6",
    file: "actors/alarm-admission.ts",
    was: `unsettledAlarms(journal.state) + this.#accepting >= limits.unsettledAlarmsMax`,
    becomes: `unsettledAlarms(journal.state) >= limits.unsettledAlarmsMax`,
    tests: ["test/engine/admission.test.ts#A6"],
  },
  {
    name: "a refused event is overtaken",
    law: "A6",
    file: "adapters/alarms/connection.ts",
    was: `if (refused !== undefined && refused.id !== id)`,
    becomes: `if (refused !== undefined && refused.id === id)`,
    tests: ["test/alarms/intake.test.ts"],
  },
  {
    name: "clear overtakes raise",
    law: "A5",
    file: "machines/admission.ts",
    was: `const head = key.waiting[0];
  if (head === undefined) return { cancelled: [], flow: held`,
    becomes: `const head = key.waiting.find(({ notification }) => notification.kind === "clear") ?? key.waiting[0];
  if (head === undefined) return { cancelled: [], flow: held`,
    tests: ["test/machines/admission.test.ts", "test/engine/admission.test.ts#A5: a clear"],
  },
  {
    name: "two flows of a key at a time",
    law: "A5",
    file: "machines/admission.ts",
    was: `): { readonly lane: number; readonly age: number } | null {
  if (key.flow !== null) return null;`,
    becomes: `): { readonly lane: number; readonly age: number } | null {`,
    tests: ["test/machines/admission.test.ts", "test/engine/admission.test.ts#A5: a clear"],
  },
  {
    name: "coalesced alarm without outcome",
    law: "A2",
    file: "machines/settlement.ts",
    was: `return members.map(({ ref, replaces }, index) =>`,
    becomes: `return members.slice(0, 1).map(({ ref, replaces }, index) =>`,
    tests: ["test/engine/coalescing.test.ts", "test/machines/model.test.ts"],
  },
  {
    name: "a corrected outcome does not name the one it replaces",
    law: "A2",
    file: "machines/async-result.ts",
    was: `supersedes: { position: one.position, outcome: one.outcome },`,
    becomes: `supersedes: null,`,
    tests: ["test/machines/async-result.test.ts", "test/engine/async-results.test.ts"],
  },
  {
    name: "a raise and its clear cancel out though a flow has begun",
    law: "A2 A5",
    file: "machines/admission.ts",
    was: `return one.ref.position > key.begun && (isStorm`,
    becomes: `return (isStorm`,
    tests: ["test/machines/admission.test.ts", "test/engine/coalescing.test.ts"],
  },
  {
    name: "what a parent's ticket covered stays without a ticket when it closes",
    law: "A8",
    file: "machines/ticket-index.ts",
    was: `covered.cover = { ...covered.cover, endedAt: at };`,
    becomes: ``,
    tests: ["test/machines/cover.test.ts", "test/engine/upstream.test.ts"],
  },
  {
    name: "deciding an older word of an alarm again takes its cover from the newer one",
    law: "A8",
    file: "machines/fold.ts",
    was: `uncover(state, key, notification.alarm, alarm.position);`,
    becomes: `uncover(state, key, notification.alarm);`,
    tests: ["test/engine/upstream.test.ts#A8: "],
  },
  {
    name: "an older word of an alarm that comes under a cover takes the place of the newer one",
    law: "A8",
    file: "machines/cover.ts",
    was: `alarms: [...decidedNow, ...later].sort((a, b) => a.ref.position - b.ref.position),`,
    becomes: `alarms: decidedNow,`,
    tests: ["test/engine/upstream.test.ts#A8: "],
  },
  {
    name: "a ticket that a late OK tells of stays open where its alarms had kept their outcome",
    law: "A8",
    file: "actors/settled-alarms.ts",
    was: `if (isKept && rule === byHand) return [];`,
    becomes: `if (isKept) return [];`,
    tests: ["test/engine/upstream.test.ts#A8: "],
  },
  {
    name: "what waits in a storm waits on when its key has a ticket",
    law: "D7",
    file: "machines/admission.ts",
    was: `if (key.open.size > 0) return true;`,
    becomes: ``,
    tests: ["test/engine/verdict.test.ts#A8 D7: "],
  },
  {
    name: "a clear that is decided once more closes the ticket of an alarm that has come back",
    law: "A8",
    file: "machines/decision.ts",
    was: `ref.position > (cleared.get(alarm) ?? 0)`,
    becomes: `ref.position > 0 && !cleared.has(alarm)`,
    tests: ["test/engine/verdict.test.ts#A8: a close"],
  },
  {
    name: "an alarm proven not applied is not decided again",
    law: "A8",
    file: "machines/settlement.ts",
    was: `{ result: "notApplied", ticketId: null, because, again: true }`,
    becomes: `{ result: "notApplied", ticketId: null, because }`,
    tests: ["test/machines/request.test.ts", "test/engine/async-results.test.ts"],
  },
  {
    name: "a lost alarm connection is a clear",
    law: "A7",
    file: "adapters/alarms/connection.ts",
    was: `this.#needs = needs;
    this.#frames`,
    becomes: `const heard: Notification[] = [];
    const accept: AlarmSink["accept"] = (one, digest) => {
      heard.push(one);
      return needs.sink.accept(one, digest);
    };
    needs.webSocket.once("close", () => {
      for (const one of heard)
        void needs.sink.accept({ ...one, id: \`\${one.id}/lost\`, kind: "clear", clearedAt: one.raisedAt }, "");
    });
    this.#needs = { ...needs, sink: { accept } };
    this.#frames`,
    tests: ["test/alarms/intake.test.ts"],
  },
  {
    name: "a planned outage makes a ticket",
    law: "D2",
    file: "machines/decision.ts",
    was: `if (notification.plannedOutage) {`,
    becomes: `if (notification.plannedOutage && open.length > 0) {`,
    tests: ["test/machines/decision.test.ts"],
  },
  {
    name: "a clear closes the ticket of alarms still active",
    law: "D10",
    file: "machines/decision.ts",
    was: `if (stillActive.length > 0) {`,
    becomes: `if (stillActive.length > 1) {`,
    tests: ["test/machines/decision.test.ts"],
  },
  {
    name: "a storm makes one ticket too many",
    law: "D7",
    file: "machines/decision.ts",
    was: `if (input.openTicketsTotal >= maxOpenTickets) {`,
    becomes: `if (input.openTicketsTotal > maxOpenTickets) {`,
    tests: ["test/machines/decision-upstream.test.ts", "test/engine/storms.test.ts"],
  },
  {
    name: "an alert that fires again as it did is a repeat",
    law: "A8",
    file: "adapters/alarms/alertmanager.ts",
    was: `if (clearedAt === undefined) return activeSince === null;`,
    becomes: `if (clearedAt === undefined) return false;`,
    tests: ["test/alarms/http-engine.test.ts"],
  },
];
