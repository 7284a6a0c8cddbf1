/** `npm run feed-cuts`: readers of the feed that are cut off at random bytes; see `--help`. */
import { createProgress, numberOf, runCommand, say, textOf } from "../process/command.ts";
import { Findings } from "../storm/findings.ts";
import { feedCuts } from "./cuts.ts";

const help = `npm run feed-cuts -- [--cuts N] [--kills N] [--per-second N] [--seed TEXT] [--json]

A real engine under load, with a real desk behind it; eight readers of its feed, each with a filter of its own, through
a proxy that resets them at random bytes: in the handshake, in a frame, between two. Each resumes after the last fact it
has, now with a message a frame, now in batches; everything it gets is held against the ledger's file, and at the end
its fold and its states against the engine's (F1 F2 R1). A reset comes where what is asked for cannot be given, and only
there.

  --cuts N        of all readers together (default: 1000)
  --kills N       of the engine, with SIGKILL, in between (default: 2)
  --per-second N  alarms (default: 100)
  --seed TEXT     of where it is cut; what the load does meanwhile no seed repeats (default: 1)
  --json          the figures as the last line, and a sentence for each breach

Exit codes: 0 all held, 1 not so, 2 wrong use.
`;

await runCommand({
  name: "feed-cuts",
  help,
  options: {
    cuts: { type: "string" },
    kills: { type: "string" },
    "per-second": { type: "string" },
    seed: { type: "string" },
  },
  async play(values, scratch) {
    const findings = new Findings("feed-cuts", say);
    const progress = createProgress();
    const settings = {
      scratch,
      seed: textOf(values, "seed") ?? "1",
      cuts: numberOf(values, "cuts") ?? 1_000,
      kills: numberOf(values, "kills") ?? 2,
      perSecond: numberOf(values, "per-second") ?? 100,
      onProgress: (line: string) => progress(() => line),
    };
    await feedCuts(settings, findings).catch((error: unknown) => findings.failed(error));
    return findings.result();
  },
});
