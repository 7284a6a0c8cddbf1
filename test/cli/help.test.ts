/** The help of every command, as a person reads it where nothing says how wide the terminal is. */
import { expect, test } from "vitest";
import { run } from "./command-line.ts";

const columns = 80;

async function help(...command: string[]): Promise<readonly string[]> {
  const { code, stdout } = await run([...command, "--help"]);
  expect(code, command.join(" ")).toBe(0);
  return stdout.split("\n");
}

/** Names under "Commands:". */
function commandsIn(lines: readonly string[]): string[] {
  const begin = lines.indexOf("Commands:");
  if (begin < 0) return [];
  return lines
    .slice(begin + 1, lines.indexOf("", begin))
    .flatMap((line) => /^ {2}(\S+)/.exec(line)?.[1] ?? []);
}

/** What a command does: the lines below its usage. */
function paragraph(lines: readonly string[]): readonly string[] {
  return lines.slice(2, lines.indexOf("", 2));
}

async function everyHelp(...command: string[]): Promise<Map<string, readonly string[]>> {
  const lines = await help(...command);
  const all = new Map([[command.join(" "), lines]]);
  const inner = await Promise.all(commandsIn(lines).map((name) => everyHelp(...command, name)));
  for (const some of inner) for (const [name, text] of some) all.set(name, text);
  return all;
}

test(
  "fits the terminal, fills its lines, and says nothing of what is off anyway",
  { timeout: 60_000 },
  async () => {
    const all = await everyHelp();
    expect([...all.keys()]).toEqual(expect.arrayContaining(["serve", "ledger verify", "topology load"]));
    for (const [name, lines] of all) {
      const [examples, rest] = [lines.filter((line) => line.startsWith("  $ ")), lines.join("\n")];
      for (const line of lines)
        if (!examples.includes(line)) expect(line.length, `${name}: ${line}`).toBeLessThanOrEqual(columns);
      expect(rest, name).not.toContain("(default: false)");
      const told = paragraph(lines);
      for (const [index, line] of told.slice(0, -1).entries()) {
        const [next = ""] = (told[index + 1] ?? "").split(" ");
        expect(`${line} ${next}`.length, `${name}: ${line}`).toBeGreaterThan(columns);
      }
    }
  },
);
