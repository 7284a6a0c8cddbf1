/** A story of the fold: facts as the engine writes them, of which fold-records.test writes down what they change. */
import { settleAlarms } from "../../../machines/settlement.ts";
import { ended, History } from "../given.ts";

/** Name, what came before and is not written here, what is. */
export type Story = readonly [name: string, before: () => History, goOn: (history: History) => void];

/** The outcome of whatever is in line, without a request. */
export function settled(history: History, ...how: Parameters<typeof ended>): void {
  const { group } = history.start();
  const refs = group.map(({ ref }) => ref);
  history.add(...settleAlarms(history.key(), refs, history.now, ended(...how)));
  history.end("settled");
}

/** The facts of another history, written into this one. */
export function replay(history: History, other: History): void {
  for (const { stream, position, ...fact } of other.facts) if (position > 2) history.add({ stream, fact });
}
