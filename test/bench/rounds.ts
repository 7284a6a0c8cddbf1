/** Alternating rounds (A B A B …): what else the machine does falls on all sides alike. */

/** Runs all measurements in turn, `rounds` times over; the figures of each, in the order of the rounds. */
export async function alternate<T extends Readonly<Record<string, () => Promise<unknown>>>>(
  rounds: number,
  sides: T,
): Promise<{ [K in keyof T]: Awaited<ReturnType<T[K]>>[] }> {
  const figures = Object.fromEntries(Object.keys(sides).map((name): [string, unknown[]] => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, measure] of Object.entries(sides)) figures[name]?.push(await measure());
  }
  return figures as { [K in keyof T]: Awaited<ReturnType<T[K]>>[] };
}

export function median<T>(all: readonly T[], value: (one: T) => number): number {
  const sorted = all.map(value).sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? Number.NaN) + high) / 2;
}
