import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test, vi } from "vitest";
import { edges } from "./edges.ts";

vi.setConfig({ testTimeout: 300_000 });

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(file: string, ...words: readonly string[]): Promise<Ended> {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const child = spawn(process.execPath, [path, ...words], { stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve) =>
    child.once("close", (code, signal) => resolve({ code, signal, stdout, stderr })),
  );
}

interface Report {
  readonly edges: readonly {
    readonly edge: string;
    readonly executions: number;
    readonly accepted: number;
    readonly refused: number;
    readonly failed: { readonly message: string; readonly repeat: string } | null;
  }[];
}

test("S3 S7: a sample of every decoder: no crash, no hang, what is accepted and refused as it must be, memory back", async () => {
  const { code, stdout, stderr } = await run("main.ts", "--blind", "--executions", "2000", "--json");
  expect(stderr).toBe("");
  const { figures: report } = JSON.parse(stdout) as { readonly figures: Report };
  expect(report.edges.filter(({ failed }) => failed !== null)).toEqual([]);
  expect(report.edges.map(({ edge }) => edge)).toEqual(edges.map(({ name }) => name));
  for (const { edge, executions, accepted, refused } of report.edges) {
    expect({ edge, executions }).toEqual({ edge, executions: 2_000 });
    expect([edge, Math.min(accepted, refused)]).not.toEqual([edge, 0]);
  }
  expect(code).toBe(0);
});

describe("the fuzzer finds what is planted", () => {
  const planted = async (...words: readonly string[]) => {
    const { stdout } = await run("planted.ts", ...words);
    return JSON.parse(stdout) as {
      readonly executions: number;
      readonly leaks: boolean;
      readonly message: string | null;
      readonly input: string | null;
    };
  };

  test("nothing where there is nothing", async () => {
    expect(await planted("none")).toEqual({ executions: 30_000, leaks: false, message: null, input: null });
  });

  test("a crash, shrunk to what matters", async () => {
    const { message, input } = await planted("crash", "blind");
    expect(message).toContain("met ]]>");
    expect(input).toBe("]]>");
  });

  test("by coverage what chance does not find in the same time", async () => {
    expect((await planted("doors")).message).toContain("behind four doors");
    expect((await planted("doors", "blind")).message).toBeNull();
  });

  test("a hang, with the input that hangs", async () => {
    const { signal, stderr } = await run("planted.ts", "hang", "blind");
    expect(signal).toBe("SIGKILL");
    const [, input = ""] = /repeat --input (\S+)/.exec(stderr) ?? [];
    expect(Buffer.from(input, "base64").includes("\0")).toBe(true);
  });

  test("a promise that is rejected and nobody hears", async () => {
    const { message, input } = await planted("unheard", "blind");
    expect(message).toContain("nobody waits for this");
    expect(input).toContain("%zz");
  });

  test("S7: a prototype that was changed", async () => {
    const { message, input } = await planted("pollution", "blind");
    expect(message).toContain("S7");
    expect(input).toContain("__proto__");
  });

  test("S3: memory that does not come back", async () => {
    expect((await planted("leak", "blind")).leaks).toBe(true);
  });
});

test("an input is repeated as a failure prints it", async () => {
  const { code, stdout } = await run(
    "main.ts",
    "--edge",
    "feed-query",
    "--input",
    Buffer.from("/v1/feed").toString("base64"),
  );
  expect({ code, stdout }).toEqual({ code: 0, stdout: "feed-query: accepted\n" });
});
