/** The page about the HTTP port tells the truth: its examples run as they stand, and its codes exist. */
import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { statusOfFailure } from "../../adapters/http/api/refusal.ts";
import { startApi } from "./api/rig.ts";
import { isMissing } from "../needs.ts";

const page = readFileSync(new URL("../../adapters/http/README.md", import.meta.url), "utf8");
const run = promisify(execFile);

const hasCurl = spawnSync("curl", ["--version"]).status === 0;

test.skipIf(isMissing("curl", hasCurl))(
  "the examples run, each with an answer that is no error (needs curl: install it)",
  { timeout: 60_000 },
  async () => {
    const api = await startApi({ config: { clients: 1 } });
    await api.raise("1");
    await api.fact(({ type }) => type === "client.unlocked");
    const held = await api.engine.supervisor.lock();
    const script = /```sh\n([\s\S]*?)```/.exec(page.split("<!-- examples -->")[1] ?? "")?.[1] ?? "";
    const commands = script
      .replaceAll("\\\n", " ")
      .split("\n")
      .filter((line) => line.startsWith("curl"));
    expect(commands.length).toBeGreaterThan(8);
    const cwd = mkdtempSync(join(tmpdir(), "http-readme-"));
    onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
    for (const command of commands) {
      const here = command
        .replaceAll("http://127.0.0.1:8640", api.engine.url)
        .replace("9b2f0d6e-5c1b-4c0e-9a55-0f6d1f7f1a11", held.lockGuid);
      const { stdout } = await run("sh", ["-c", `${here} --fail-with-body`], { cwd });
      if (!command.includes("-o ")) expect(stdout.length, command).toBeGreaterThan(10);
    }
    expect(api.engine.supervisor.reader.client("client-01")).toMatchObject({ state: "idle" });
  },
);

test("each code of the table is given with that status", () => {
  const rows = [...page.matchAll(/^\| (\d{3}[\d, ]*) +\|(.*)\|$/gm)];
  const codes = rows.flatMap(([, status = "", when = ""]) =>
    [...when.matchAll(/`([A-Z_]+)`/g)].map(([, code = ""]) => [code, Number(status)] as const),
  );
  expect(codes.length).toBeGreaterThan(4);
  for (const [code, status] of codes)
    expect([code, Reflect.get(statusOfFailure, code)]).toEqual([code, status]);
});
