/** The page of the alarm intake tells the truth: its commands run as they stand, and say what it says. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { expect, test } from "vitest";

import { settled, startPlant } from "./http-rig.ts";

const run = promisify(execFile);
const page = readFileSync(new URL("../../adapters/alarms/README.md", import.meta.url), "utf8");

/** The last line of a block is what the command says. */
const examples = [...page.matchAll(/```console\n\$ ([\s\S]*?)\n([^\n]*)\n```/g)].map(
  ([, command = "", answer = ""]) => ({ command, answer }),
);

/** Where an alarm stands depends on what the engine wrote meanwhile. */
const withoutPositions = (text: string) => text.replaceAll(/"position":\d+/g, '"position":0');

test("every command of the page, in its order, on one engine", { timeout: 30_000 }, async () => {
  const plant = await startPlant();
  const engine = await plant.start();
  expect(examples.length).toBe(5);
  for (const { command, answer } of examples) {
    const { stdout } = await run("sh", ["-c", command.replace("http://127.0.0.1:8640", engine.url)]);
    expect(withoutPositions(stdout)).toBe(withoutPositions(answer));
  }
  await settled(engine, 5);
  // node-1's was cleared by its second command; whether that came before its flow is a matter of speed.
  const { open, duplicateOpen } = plant.desk.truth();
  expect([open, duplicateOpen]).toEqual([3, 0]);
});
