/** A heartbeat receiver in this process: keeps what it was sent, answers as told. For tests of the engine. */
import type { Beat, Clock, HeartbeatReceiver } from "../../actors/ports.ts";
import { fail, ok, type Failure } from "../../machines/failure.ts";
import { limits } from "../../machines/limits.ts";
import { beatText } from "./beat-text.ts";
import { createMinuteWindow } from "./minute-window.ts";

export interface MemoryReceiver extends HeartbeatReceiver {
  /** What reached it, in order. */
  readonly beats: readonly (Beat & { readonly atMs: number })[];
}

export interface MemoryReceiverOptions {
  readonly clock: Pick<Clock, "monotonicMs" | "setTimeout" | "clearTimeout">;
  /** Asked at every beat: a failure is its answer, `silence` none at all. null: it is taken. */
  readonly onBeat?: (beat: Beat) => Failure | "silence" | null;
}

export function createMemoryReceiver({ clock, onBeat }: MemoryReceiverOptions): MemoryReceiver {
  const beats: (Beat & { readonly atMs: number })[] = [];
  const window = createMinuteWindow(limits.heartbeatsPerMinuteMax, clock);
  return {
    beats,
    async beat(beat, signal) {
      if (!window.take()) return fail("BEAT_DROPPED", "not sent: too many in a minute");
      if (signal.aborted) return fail("BEAT_UNANSWERED", "given up: the engine stops");
      beats.push({ ...beat, text: beatText(beat.text, []), atMs: clock.monotonicMs() });
      const said = onBeat?.(beat) ?? null;
      if (said === null) return ok(null);
      if (said !== "silence") return fail(said.code, said.detail);
      await untilGivenUp(clock, signal);
      return fail("BEAT_UNANSWERED", signal.aborted ? "given up: the engine stops" : "no answer in time");
    },
    dropped: () => window.refused(),
  };
}

function untilGivenUp(clock: MemoryReceiverOptions["clock"], signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.setTimeout(resolve, limits.heartbeatTimeoutMs);
    signal.addEventListener("abort", () => {
      clock.clearTimeout(timer);
      resolve();
    });
  });
}
