/** What a campaign consists of: commands of the other rooms, how much of each is enough, and how its figures are told. */

/** The last line that each of these commands prints with `--json`. */
export interface Result {
  readonly part: string;
  readonly ok: boolean;
  readonly figures: Figures;
}

export type Figures = Readonly<Record<string, unknown>>;

export interface Part {
  readonly name: string;
  /** The script of package.json. */
  readonly script: string;
  /** Words of its `index`-th run; `folder`: where it may keep what it has done. */
  readonly words: (index: number, folder: string) => readonly string[];
  /** So many runs, one after the other; a part that goes on by itself needs one. */
  readonly runs: number;
  /** Stands in place of the product where the figures are of several. */
  readonly product?: string;
  /** For people: of all its runs. */
  readonly tell: (figures: readonly Figures[]) => string;
}

const seeds = 100_000;
const killsOfRun = 30;

export const parts: readonly Part[] = [
  {
    name: "simulation",
    script: "simulate",
    words: (_, folder) => [
      "--seeds",
      String(seeds),
      "--workers",
      "2",
      "--state",
      `${folder}/simulation.json`,
    ],
    runs: 1,
    tell: ([one]) =>
      `${count(one, "seeds")} seeds, ${count(one, "facts")} facts, rarest situation ${count(one, "rarest")} times: ${count(one, "broken")} broken`,
  },
  {
    name: "combinations",
    script: "combinations",
    // All of them are more than a day of two cores: what has a row on that room's page, which names its commit, stands.
    words: (_, folder) => ["--up-to", "3", "--missing", "--page", "--state", `${folder}/combinations.json`],
    runs: 1,
    product: "by commit",
    tell: ([one]) => {
      const all = (one?.["onPage"] ?? {}) as Figures;
      return (
        `${count(all, "units")} flows × promises: ${count(all, "combinations")} combinations of none, one, two and ` +
        `three faults, ${count(all, "runs")} of them run, the rest equal to one that was: ${count(all, "broken")} broken; ` +
        `run from ${String(all["from"])} to ${String(all["to"])}, each row with its commit in test/combinations/README.md`
      );
    },
  },
  {
    name: "system-calls",
    script: "system-calls",
    words: (_, folder) => ["--state", `${folder}/system-calls.json`],
    runs: 1,
    tell: toldKills,
  },
  {
    name: "system-calls of recovery",
    script: "system-calls",
    words: (_, folder) => ["--recovery", "--state", `${folder}/recovery.json`],
    runs: 1,
    tell: toldKills,
  },
  {
    name: "kills",
    script: "kills",
    words: (index) => ["--kills", String(killsOfRun), "--seed", String(index + 1)],
    runs: 10,
    tell: (all) =>
      `${sum(all, "kills")} kills, ${sum(all, "accepted")} alarms acknowledged: ${sum(all, "lost")} lost, ${sum(all, "unsettled")} unsettled, ` +
      `${sum(all, "duplicateTickets")} tickets twice; ready again in ${highest(all, "readyMs", "max")} ms at most`,
  },
  {
    name: "fuzzing",
    script: "fuzz",
    words: (_, folder) => ["--executions", "500000", "--blind", "--state", `${folder}/fuzzing.json`],
    runs: 1,
    tell: ([one]) => {
      const edges = (one?.["edges"] ?? []) as readonly Figures[];
      const failed = edges.filter((edge) => edge["failed"] !== null).length;
      const fewest = Math.min(...edges.map((edge) => Number(edge["executions"])));
      return `${edges.length} edges, ${shown(fewest)} executions each or more: ${failed} failed`;
    },
  },
  {
    name: "planted",
    script: "planted",
    words: (_, folder) => ["--state", `${folder}/planted.json`],
    runs: 1,
    tell: ([one]) => `${count(one, "planted")} planted defects: ${count(one, "caught")} caught`,
  },
  {
    name: "mutation",
    script: "mutation",
    words: (_, folder) => ["--state", `${folder}/mutation`],
    runs: 1,
    tell: ([one]) =>
      `${count(one, "mutants")} mutants, ${count(one, "survived")} survived: score ${Number(one?.["score"]).toFixed(2)} %`,
  },
  {
    name: "feed cuts",
    script: "feed-cuts",
    words: () => ["--cuts", "1000"],
    runs: 1,
    tell: toldFigures,
  },
  {
    name: "storm",
    script: "storm",
    words: () => [],
    runs: 1,
    tell: toldFigures,
  },
];

function toldFigures([one]: readonly Figures[]): string {
  return Object.entries(one ?? {})
    .map(([name, value]) => `${name} ${typeof value === "number" ? shown(value) : String(value)}`)
    .join("; ");
}

function toldKills([one]: readonly Figures[]): string {
  return (
    `${count(one, "hit")} kills before ${count(one, "calls")} calls, ${count(one, "notReached")} not reached: ` +
    `${count(one, "wrong")} wrong; ready again in ${count(one, "readyMsMax")} ms at most`
  );
}

function shown(number: number): string {
  return number.toLocaleString("en-GB");
}

function count(one: Figures | undefined, name: string): string {
  return shown(Number(one?.[name]));
}

function sum(all: readonly Figures[], name: string): string {
  return shown(all.reduce((total, one) => total + Number(one[name]), 0));
}

function highest(all: readonly Figures[], name: string, inner: string): string {
  return shown(Math.max(...all.map((one) => Number((one[name] as Figures | undefined)?.[inner]))));
}
