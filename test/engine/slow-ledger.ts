/** A ledger whose answers a test holds back: what is durable is not known yet to whoever asked for it. */
import type { Batch, Ledger } from "../../actors/ports.ts";

/** Answers stay in order: one that is held back (`heldBy`, null: not at all) holds back all that follow. */
export function slowToTell(ledger: Ledger, heldBy: (batch: Batch) => Promise<void> | null): Ledger {
  let last: Promise<unknown> = Promise.resolve();
  return {
    ...ledger,
    append(batch) {
      const written = ledger.append({ ...batch, ahead: false }); // in the order of the calls
      const answer = Promise.all([written, last, heldBy(batch)]).then(([result]) => result);
      last = answer;
      return answer;
    },
  };
}
