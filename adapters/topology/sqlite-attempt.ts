/** SQLite's failures by what is to be done about them: wait, load first, or tell somebody. */
import type { Clock } from "../../actors/ports.ts";

type Attempt<T> =
  | { readonly kind: "done"; readonly value: T }
  | { readonly kind: "locked" }
  | { readonly kind: "noTable" }
  | { readonly kind: "failed"; readonly cause: string };

const busyCode = 5;
const errorCode = 1;

/** Throws what is no failure of SQLite. */
export function attempt<T>(act: () => T): Attempt<T> {
  try {
    return { kind: "done", value: act() };
  } catch (error) {
    if (!(error instanceof Error) || !("errcode" in error)) throw error;
    const code = Number(error.errcode) & 0xff; // without SQLite's extended codes
    if (code === busyCode) return { kind: "locked" };
    if (code === errorCode && error.message.startsWith("no such table")) return { kind: "noTable" };
    return { kind: "failed", cause: error.message };
  }
}

export function waitMs(clock: Pick<Clock, "setTimeout">, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimeout(resolve, ms);
  });
}

export function unreadable(file: string, cause: string): string {
  return `The topology ${file} cannot be used (${cause}). Move it away and load the topology again.`;
}
