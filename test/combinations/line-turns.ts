/**
 * How often each waiting line was asked for its next member: every fourth time it is the oldest's turn, which is the one
 * thing that an engine at rest remembers and that neither its facts nor its timers tell.
 */
import { Lanes } from "../../machines/lanes.ts";
import { limits } from "../../machines/limits.ts";

const turns = new Map<object, number>();
// oxlint-disable-next-line typescript/unbound-method -- called with its own `this` below
const { next } = Lanes.prototype;
Lanes.prototype.next = function counted(preferred) {
  turns.set(this, (turns.get(this) ?? 0) + 1);
  return next.call(this, preferred);
};

/** A new process has new lines. */
export function forgetTurns(): void {
  turns.clear();
}

export function turnsText(): string {
  return [...turns.values()].map((count) => count % limits.oldestEveryTurns).join();
}
