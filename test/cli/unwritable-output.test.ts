/** Where stdout or stderr cannot be written: an engine goes on, and a command says so. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { isMissing } from "../needs.ts";
import { folder, main, start } from "./command-line.ts";

// Processes of their own, one after the other: on a busy machine each takes seconds to start.
vi.setConfig({ testTimeout: 120_000 });

const full = "/dev/full";

/** A command whose stdout or stderr is `full`; what comes of the other one. */
function startFull(which: "stdout" | "stderr", words: readonly string[], environment = {}) {
  const fd = openSync(full, "w");
  const child = spawn(process.execPath, [main, ...words], {
    env: { PATH: process.env["PATH"], TMPDIR: process.env["TMPDIR"], ...environment },
    stdio: ["ignore", which === "stdout" ? fd : "pipe", which === "stderr" ? fd : "pipe"],
  });
  closeSync(fd);
  onTestFinished(() => void child.kill("SIGKILL"));
  const other = child.stdout ?? child.stderr;
  if (other === null) throw new Error("Nothing is heard of it.");
  let said = "";
  other.on("data", (chunk: Buffer) => (said += chunk.toString("utf8")));
  const lines = createInterface({ input: other })[Symbol.asyncIterator]();
  const ended = once(child, "close").then(([code]) => ({ code: code as unknown, said }));
  const line = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error(`The command ended and said: ${said}`);
    return value;
  };
  return { child, ended, line };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}

describe.skipIf(isMissing("/dev/full, as Linux has it", existsSync(full)))("a disk that is full", () => {
  test("an engine that cannot write its log works, and ends with 0 when it is asked to", async () => {
    const words = ["serve", "--json", "--port", "0", "--data-dir", folder(), "--log-level", "debug"];
    const engine = startFull("stderr", words, { TICKET_CLIENT_CLINETS: "8" });
    const { url } = JSON.parse(await engine.line()) as { url: string };
    for (let n = 0; n < 3; n += 1) expect((await fetch(`${url}/nowhere`)).status).toBe(404);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    engine.child.kill("SIGTERM");
    expect((await engine.ended).code).toBe(0);
  });

  test("an engine that cannot say it is ready works, says so in its log, and ends with 0", async () => {
    const port = await freePort();
    const engine = startFull("stdout", ["serve", "--port", String(port), "--data-dir", folder()]);
    let line = await engine.line();
    while (!line.includes("output.lost")) line = await engine.line();
    expect(JSON.parse(line)).toMatchObject({ level: "warn", because: expect.stringContaining("ENOSPC") });
    expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200);
    engine.child.kill("SIGTERM");
    const { code, said } = await engine.ended;
    expect(code).toBe(0);
    expect(said).not.toMatch(/^ {4}at /m);
  });

  test("a command whose output is lost ends with 1 and one sentence", async () => {
    const dataDir = folder();
    const engine = start(["serve", "--port", "0", "--data-dir", dataDir]);
    await engine.line();
    engine.child.kill("SIGTERM");
    await engine.ended;
    const commands = ["ledger stats", "ledger stats --json", "ledger export -", "services export -"];
    for (const words of [...commands.map((one) => `${one} --data-dir ${dataDir}`), "serve --help"])
      expect([words, await startFull("stdout", words.split(" ")).ended]).toEqual([
        words,
        {
          code: 1,
          said: expect.stringMatching(/^ticket-client: stdout cannot be written \(ENOSPC\): .*\n$/),
        },
      ]);
  });

  test("a command that said nothing on stdout says what was wrong, and nothing else", async () => {
    const { ended } = startFull("stdout", ["ledger", "stats", "--data-dir", join(folder(), "none")]);
    expect(await ended).toEqual({
      code: 1,
      said: expect.stringMatching(/^ticket-client: There is no ledger.*\n$/),
    });
  });

  test("a command that cannot say what was wrong ends with its code", async () => {
    expect(await startFull("stderr", ["ledger", "stat"]).ended).toEqual({ code: 2, said: "" });
  });
});
