/** The rows of the response table, what people do, and the heartbeat. */
import { entry } from "../../../machines/entry.ts";
import { keyStream } from "../../../machines/state.ts";
import { History, KEY, noon, responseRow, service } from "../given.ts";
import type { Story } from "./story.ts";

function row(history: History, requestId: string, change: Parameters<typeof responseRow>[1] = {}): void {
  const inserted = responseRow(requestId, change);
  history.add(entry(keyStream(KEY), history.now, "response.row", { change: false, row: inserted }));
}

export const engineStories: readonly Story[] = [
  [
    "response rows: more than there is room for, fewer allowed, cleared",
    () => new History({ maxResponseRows: 2 }),
    (history) => {
      const search = { command: "search", status: "ok", asyncStatus: null } as const;
      row(history, "s1", search);
      row(history, "s2", { ...search, status: "error" });
      row(history, "r1");
      const settledRow = {
        requestId: "r1",
        attempt: 1,
        clientId: "client-01",
        key: KEY,
        status: "ok",
      } as const;
      history.add(entry(keyStream(KEY), noon, "response.row", { change: true, row: settledRow }));
      row(history, "s3", { ...search, clientId: "client-02" });
      row(history, "s4", { ...search, clientId: "client-02" });
      const fewer = { maxResponseRows: 1, reopenSeconds: 0, clockSkewSeconds: 300, dedupDays: 7 };
      history.add(entry("settings", noon, "settings.changed", { ...fewer, by: "ann" }));
      history.add(
        entry("audit", noon, "responses.cleared", { clientId: "client-01", by: "ann" }),
        entry("audit", noon, "responses.cleared", { clientId: null, by: "ann" }),
      );
    },
  ],
  [
    "what people and the engine do beside it",
    () => new History(),
    (history) => {
      const known = { maxResponseRows: 5, reopenSeconds: 1, clockSkewSeconds: 2, dedupDays: 3 };
      const holder = { clientId: "client-01", lockGuid: "hand-1", fence: 1, by: "ann", reason: "stuck" };
      const loaded = { by: "ann", loadedAt: noon, elements: 1, roots: 1, addresses: 0, hops: 0, files: [] };
      history.add(
        entry("settings", noon, "settings.changed", { ...known, configured: { ...known, dedupDays: 4 } }),
        entry("settings", noon, "settings.changed", { ...known, by: "ann" }),
        entry("services", noon, "services.imported", { services: [service()], by: "ann" }),
        entry("services", noon, "service.selected", { name: "OSB", by: "ann" }),
        entry("client/client-01", noon, "client.notBusyForced", holder),
        entry("client/client-01", noon, "client.quarantined", {
          clientId: "client-01",
          crashes: 6,
          cause: "",
        }),
        entry("audit", noon, "topology.loaded", loaded),
        entry("audit", noon, "operator.acted", { by: "ann", action: "note", target: "x", reason: "y" }),
      );
    },
  ],
  [
    "the heartbeat: taken, saying fail, not taken",
    () => new History(),
    (history) => {
      const beat = { rid: "r", because: "all is well", lockGuid: null, durationMs: null } as const;
      const failure = { code: "BEAT_UNANSWERED", detail: "no answer in 5 s" } as const;
      for (const check of ["chain", "engine"] as const) {
        history.now += 1_000;
        history.add(
          entry("heartbeat", history.now, "heartbeat.sent", { ...beat, check, beat: "success" }),
          entry("heartbeat", history.now, "heartbeat.failed", { ...beat, check, beat: "success", failure }),
          entry("heartbeat", history.now, "heartbeat.failed", { ...beat, check, beat: null, failure }),
          entry("heartbeat", history.now + 1, "heartbeat.sent", { ...beat, check, beat: "fail" }),
        );
      }
    },
  ],
];
