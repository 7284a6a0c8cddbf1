/** Looks whether executions go on; when they do not, names the input that hangs and ends the process. */
import { writeSync } from "node:fs";
import { workerData } from "node:worker_threads";
import { type WatchedInput, watchTurnMs, watchTurnsMax } from "./watchdog.ts";

const { counter, length, bytes, command } = workerData as WatchedInput;
let seen = -1;
let turns = 0;
setInterval(() => {
  const now = Atomics.load(counter, 0);
  // Turns and not time: a process that was stopped and goes on has slept, not hung.
  turns = now === seen ? turns + 1 : 0;
  seen = now;
  if (now === 0 || turns < watchTurnsMax) return;
  const input = Buffer.from(bytes.slice(0, Atomics.load(length, 0))).toString("base64");
  writeSync(
    2,
    `hangs: the ${now}th execution, those repeated counted, has taken ${turns} s\nrepeat it with: ${command} --input ${input}\n`,
  );
  process.kill(process.pid, "SIGKILL");
}, watchTurnMs);
