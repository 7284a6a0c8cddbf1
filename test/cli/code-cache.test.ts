import { spawnSync } from "node:child_process";
import { readdirSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { asStranger, folder, mayBeStranger, run, start } from "./command-line.ts";
import { isMissing } from "../needs.ts";

/** The files of compiled code in it. */
function kept(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

async function killWhenReady(home: string, data: string): Promise<void> {
  const engine = start(["serve", "--data-dir", data, "--port", "0", "--json"], { XDG_CACHE_HOME: home });
  expect(JSON.parse(await engine.line())).toMatchObject({ ready: true });
  engine.child.kill("SIGKILL");
  await engine.ended;
}

describe("compiled code is kept from one start to the next", () => {
  it("by an engine that is killed once it is ready; the next start compiles nothing anew", async () => {
    const [home, data] = [folder(), folder()];
    await killWhenReady(home, data);
    const first = kept(join(home, "ticket-client"));
    expect(first.length).toBeGreaterThan(100);
    const written = first.map((file) => statSync(file).mtimeMs);
    await killWhenReady(home, data);
    expect(first.map((file) => statSync(file).mtimeMs)).toEqual(written);
  });

  it("not where NODE_DISABLE_COMPILE_CACHE=1 says so", async () => {
    const home = folder();
    const { code } = await run(["--help"], { XDG_CACHE_HOME: home, NODE_DISABLE_COMPILE_CACHE: "1" });
    expect(code).toBe(0);
    expect(readdirSync(home)).toEqual([]);
  });

  it.each(["/dev/null", "/proc"])("and a folder that cannot be made (in %s) stops nobody", async (home) => {
    const { code, stderr } = await run(["--help"], { XDG_CACHE_HOME: home });
    expect(code).toBe(0);
    expect(stderr).toBe("");
  });

  it.skipIf(isMissing("root, and a checkout that others may read", mayBeStranger))(
    "and a user without a home goes without",
    () => {
      const { status, stderr, stdout } = spawnSync("env", [...asStranger, "--help"], { encoding: "utf8" });
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      expect(stdout).toContain("Usage: ticket-client");
    },
  );

  it("what is damaged there is compiled anew", async () => {
    const home = folder();
    await run(["--help"], { XDG_CACHE_HOME: home });
    const files = kept(join(home, "ticket-client"));
    for (const file of files) truncateSync(file, Math.floor(statSync(file).size / 2));
    const { code, stdout } = await run(["--help"], { XDG_CACHE_HOME: home });
    expect(code).toBe(0);
    expect(stdout).toContain("ticket-client");
  });
});
