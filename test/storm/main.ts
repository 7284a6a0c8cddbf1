/** `npm run storm`: what the engine does under more than it can take, with real processes; see `--help`. */
import { createProgress, numberOf, runCommand, say } from "../process/command.ts";
import { Findings } from "./findings.ts";
import { storm } from "./storm.ts";

const help = `npm run storm -- [--seconds N] [--per-second N] [--burst N] [--clients N] [--json]

A real engine with its defaults and a real desk behind it, each a process; a third one sends alarms over four real
WebSockets when they are due, whatever became of those before: first so many within one second, then so many a second.

  A1 A4 A6  every acknowledged alarm is in the ledger once, at the position that was told, in its source's order;
            what was refused, was refused instead of an acknowledgement
  T1        no key has two open tickets, no request made two
            acknowledged within 250 ms (p99), at most 300 MB resident, and everything is settled in the end

  --burst N       alarms of the first second (default: 10000)
  --per-second N  afterwards (default: 2000)
  --seconds N     for so long (default: 60)
  --clients N     of the engine (default: 4)
  --json          the figures as the last line

Exit codes: 0 all held, 1 not so, 2 wrong use.
`;

await runCommand({
  name: "storm",
  help,
  options: {
    burst: { type: "string" },
    "per-second": { type: "string" },
    seconds: { type: "string" },
    clients: { type: "string" },
  },
  async play(values, scratch) {
    const progress = createProgress();
    const findings = new Findings("storm", say);
    const settings = {
      scratch,
      clients: numberOf(values, "clients") ?? 4,
      plan: {
        name: "storm",
        sources: 4,
        objects: numberOf(values, "burst") ?? 10_000,
        burstSeconds: 1,
        perSecond: numberOf(values, "per-second") ?? 2_000,
        seconds: numberOf(values, "seconds") ?? 60,
      },
      onProgress: (line: string) => progress(() => line),
    };
    await storm(settings, findings).catch((error: unknown) => findings.failed(error));
    return findings.result();
  },
});
