/** `top` as a person starts it: in lines, and in a real pseudo-terminal against a real engine that goes away and comes back. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { systemClock, systemIds } from "../../adapters/clock/system.ts";
import { type Engine, startEngine } from "../../adapters/engine.ts";
import { startApi, tokens } from "../http/api/rig.ts";
import { run } from "./command-line.ts";
import { noTerminal, PseudoTerminal } from "./pseudo-terminal.ts";
import { isMissing } from "../needs.ts";

vi.setConfig({ testTimeout: 120_000 });

test("without a terminal it prints once what it would show, with --json as data", async () => {
  const api = await startApi({ config: { clients: 2 } });
  const { url } = api.engine;
  const held = await api.engine.supervisor.lock();
  const lines = await run(["top", "--url", url]);
  expect({ code: lines.code, stderr: lines.stderr }).toEqual({ code: 0, stderr: "" });
  expect(lines.stdout).toContain(`Ticket Client  ${url}  live`);
  expect(lines.stdout).toContain("accepted 0  settled 0  under way 0  open tickets 0");
  expect(lines.stdout).toMatch(new RegExp(`client-01 +locked +\\d+ s +${held.lockGuid}[^]*client-02 +idle`));
  expect(lines.stdout).not.toContain("\u001b");
  const json = JSON.parse((await run(["top", "--once", "--json", "--url", url])).stdout) as Record<
    string,
    unknown
  >;
  expect(json).toMatchObject({
    counters: { accepted: 0 },
    waiting: { parked: 0 },
    inFlight: [],
    clients: [{ clientId: "client-01", lockGuid: held.lockGuid }, { clientId: "client-02" }],
  });
});

test("S1: no token, a wrong address: a sentence and 1, before any screen is borrowed", async () => {
  const api = await startApi({ guarded: true, config: { clients: 1 } });
  const { url } = api.engine;
  const refused = await run(["top", "--url", url]);
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toContain("Give a token in TICKET_CLIENT_TOKEN");
  const allowed = await run(["top", "--url", url], { TICKET_CLIENT_TOKEN: tokens.viewer });
  expect(allowed).toMatchObject({ code: 0, stderr: "" });
  const nobody = await run(["top", "--url", "http://127.0.0.1:1"]);
  expect(nobody).toMatchObject({ code: 1, stdout: "" });
  expect(nobody.stderr).toContain("Does an engine run there?");
});

async function start(dataDir: string, port: number): Promise<Engine> {
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const engine = await startEngine({
    config: { dataDir, listen: { port }, clients: 3 },
    clock: systemClock,
    ids: systemIds,
    log,
  });
  onTestFinished(() => engine.stop({ drainSeconds: 0 }));
  return engine;
}

test.skipIf(isMissing("`script`: apt install bsdutils", noTerminal === null))(
  `in a terminal${noTerminal === null ? "" : ` (${noTerminal})`}: live, resized, paused, cut off, back without a gap, and the screen is given back`,
  async () => {
    const dataDir = mkdtempSync(join(tmpdir(), "ticket-client-top-"));
    onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
    let engine = await start(dataDir, 0);
    const port = Number(new URL(engine.url).port);
    const terminal = new PseudoTerminal(["top", "--url", engine.url], { columns: 140, rows: 20 });
    const shows = (text: string | RegExp) =>
      terminal.until((lines) =>
        lines.some((line) => (typeof text === "string" ? line.includes(text) : text.test(line))),
      );

    await shows("live");
    const first = await engine.supervisor.lock();
    await shows(new RegExp(`client-01 +locked +\\d+ s +${first.lockGuid}`));

    terminal.resize(44, 8);
    await terminal.until((lines) => lines.length === 8 && lines.every((line) => line.length <= 44));
    expect(terminal.lines.join("\n")).not.toContain(first.lockGuid);
    terminal.resize(140, 20);
    await shows(first.lockGuid);

    terminal.type("p");
    await shows("paused: what is shown is");
    const second = await engine.supervisor.lock();
    await shows(/paused: what is shown is [2-9] s old/);
    expect(terminal.lines.join("\n")).not.toContain(second.lockGuid);
    terminal.type("p");
    await shows(second.lockGuid);

    await engine.stop({ drainSeconds: 0 });
    await shows(/^! .*what is shown is \d+ s old, next try in/);
    // What was known stays on the screen.
    expect(terminal.lines.join("\n")).toContain("client-03");
    engine = await start(dataDir, port);
    // A restart ends every lock (L5).
    await terminal.until(
      (lines) => lines[0]?.endsWith("live") === true && !lines.join("\n").includes(first.lockGuid),
    );
    const third = await engine.supervisor.lock();
    await shows(third.lockGuid);

    terminal.type("q");
    expect(await terminal.ended).toBe(0);
    expect(terminal.written).toContain("\u001b[?1049h");
    expect(terminal.written.trimEnd().endsWith("\u001b[?25h\u001b[?1049l")).toBe(true);
  },
);
