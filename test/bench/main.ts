/**
 * `npm run bench -- [--only flows|acks|idle|topology|inspect|console] [--rounds N] [--dir DIR] [--json]`
 * Speed is no assertion: the exit code is 0 when everything ran, whatever the figures.
 */
import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import { describeMachine, machineText } from "./machine.ts";
import { sectionText, type Section } from "./report.ts";
import { isSectionName, type SectionName, sections } from "./sections.ts";

const { values } = parseArgs({
  options: {
    /** A section; may be given again. Default: all. */
    only: { type: "string", multiple: true },
    /** Of each measurement, at least 1; the median counts. */
    rounds: { type: "string", default: "3" },
    /** Where the ledgers go: the disk that is measured. Default: the system's directory for temporary files. */
    dir: { type: "string", default: tmpdir() },
    /** One JSON object instead of tables. */
    json: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});
if (values.help) {
  process.stdout.write(
    `npm run bench -- [--only ${Object.keys(sections).join("|")}] [--rounds N] [--dir DIR] [--json]\n`,
  );
  process.exit(0);
}

const rounds = Math.max(1, Math.trunc(Number(values.rounds)) || 1);
const machine = describeMachine(values.dir);
const run = { rounds, parent: values.dir, onProgress: (text: string) => process.stderr.write(`… ${text}\n`) };

if (!values.json)
  process.stdout.write(`${machineText(machine)}, medians of ${rounds} alternating rounds\n\n`);
const done: Section[] = [];
for (const name of chosen(values.only)) {
  const section = await sections[name](run);
  done.push(section);
  if (!values.json) process.stdout.write(`${sectionText(section)}\n`);
}
if (values.json) process.stdout.write(`${JSON.stringify({ machine, rounds, sections: done })}\n`);

function chosen(only: readonly string[] | undefined): readonly SectionName[] {
  const names = only ?? Object.keys(sections);
  return names.map((name) => {
    if (!isSectionName(name))
      throw new Error(`--only ${name}: expected one of ${Object.keys(sections).join(", ")}.`);
    return name;
  });
}
