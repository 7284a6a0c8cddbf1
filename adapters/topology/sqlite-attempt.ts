/** SQLite's failures by what is to be done about them: wait, load first, or tell somebody. */
import type { Clock } from "../../actors/ports.ts";

type Attempt<T> =
  | { readonly kind: "done"; readonly value: T }
  | { readonly kind: "locked" }
  | { readonly kind: "noTable" }
  | { readonly kind: "failed"; readonly error: Error };

const busyCode = 5;
const errorCode = 1;
/** A table that does not fit, a damaged file, no database at all. */
const ofContent: readonly (number | null)[] = [errorCode, 11, 26];

/** Without SQLite's extended codes; null: another's error. */
function codeOf(error: Error): number | null {
  return "errcode" in error ? Number(error.errcode) & 0xff : null;
}

/** Throws what is neither a failure of SQLite nor of the system. */
export function attempt<T>(act: () => T): Attempt<T> {
  try {
    return { kind: "done", value: act() };
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error)) throw error;
    const code = codeOf(error);
    if (code === busyCode) return { kind: "locked" };
    if (code === errorCode && error.message.startsWith("no such table")) return { kind: "noTable" };
    return { kind: "failed", error };
  }
}

export function waitMs(clock: Pick<Clock, "setTimeout">, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimeout(resolve, ms);
  });
}

export function unreadable(file: string, error: Error): string {
  const advice = ofContent.includes(codeOf(error))
    ? "Move it away and load the topology again."
    : "Check that this user may read and write where it lies, and that there is space; then try again.";
  return `The topology ${file} cannot be used (${error.message}). ${advice}`;
}
