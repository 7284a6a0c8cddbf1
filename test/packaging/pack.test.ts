/**
 * What `npm pack` ships, in the hands of someone who has nothing else: installed in an empty project, without the
 * sources, run as plain JavaScript. Needs npm and no registry: the dependencies are those of the checkout.
 */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const checkout = fileURLToPath(new URL("../..", import.meta.url));
const modules = join(checkout, "node_modules");
const name = "ticket-client";

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

let dir: string;
/** The project of whoever installs it. */
let project: string;
/** Where the package lies in it. */
let installed: string;
let files: readonly string[];

/** The Node that runs the tests comes first: an older one of the machine would run neither the build nor the package. */
const environment = {
  ...process.env,
  PATH: `${dirname(process.execPath)}:${join(modules, ".bin")}:${process.env["PATH"] ?? ""}`,
  npm_config_offline: "true",
  npm_config_update_notifier: "false",
};

/** What it says on stdout; throws with all that it said. */
function run(command: string, words: readonly string[], cwd: string): string {
  const options = { cwd, env: environment, encoding: "utf8", timeout: 120_000 } as const;
  const { status, stdout, stderr, error } = spawnSync(command, words, options);
  if (status !== 0) throw error ?? new Error(`${command} ${words.join(" ")}: ${status}\n${stdout}${stderr}`);
  return stdout;
}

function link(to: string, target: string): void {
  mkdirSync(dirname(to), { recursive: true });
  symlinkSync(target, to);
}

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "ticket-client-pack-"));
  const source = join(dir, "source");
  for (const { name: entry } of readdirSync(checkout, { withFileTypes: true }))
    if (!["node_modules", "dist", "test", ".git", "data", "coverage"].includes(entry))
      cpSync(join(checkout, entry), join(source, entry), { recursive: true });
  symlinkSync(modules, join(source, "node_modules"));
  // What an earlier build left behind must not be shipped.
  mkdirSync(join(source, "dist/actors"), { recursive: true });
  writeFileSync(join(source, "dist/actors/gone.js"), "");
  run("npm", ["pack", "--pack-destination", dir], source); // builds first: `prepack`
  const [tarball = ""] = readdirSync(dir).filter((file) => file.endsWith(".tgz"));

  project = join(dir, "project");
  installed = join(project, "node_modules", name);
  mkdirSync(installed, { recursive: true });
  run("tar", ["-xzf", join(dir, tarball), "--strip-components=1", "-C", installed], dir);
  rmSync(source, { recursive: true });
  files = run("tar", ["-tzf", join(dir, tarball)], dir)
    .trim()
    .split("\n")
    .map((file) => file.replace(/^package\//, ""));

  // As `npm install` would: what the manifest names, and nothing that only development needs.
  const { dependencies, bin } = manifest();
  for (const one of Object.keys(dependencies)) link(join(project, "node_modules", one), join(modules, one));
  for (const [command, file] of Object.entries(bin)) {
    chmodSync(join(installed, file), 0o755);
    link(join(project, "node_modules/.bin", command), join(installed, file));
  }
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
}, 180_000);
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function manifest(): Manifest {
  return JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as Manifest;
}

describe("the tarball", () => {
  test("holds built code with types and all that it reads, and nothing else", () => {
    const kinds = [
      /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|RELIABILITY\.md)$/,
      /^dist\/(machines|actors|adapters)\/.+\.(js|js\.map|d\.ts)$/,
      /^dist\/console\/(index\.html|assets\/[\w-]+\.(js|css|svg))$/,
      /^adapters\/(.+\/)?README\.md$/,
      /^adapters\/alarms\/huawei-neurips2023\/(LICENSE-Apache-2\.0|alarm\.csv|topology_edges\.csv)$/,
      /^adapters\/service\/TicketService\.wsdl$/,
      /^visualizations\/diagrams\/[a-z-]+\.(mmd|svg)$/,
      /^visualizations\/screenshots\/[a-z-]+\.png$/,
    ];
    expect(files.filter((file) => !kinds.some((kind) => kind.test(file)))).toEqual([]);
    for (const kind of kinds) expect(files.some((file) => kind.test(file))).toBe(true);
    expect(files.filter((file) => /gone|\.test\.|tsbuildinfo/.test(file))).toEqual([]);
  });

  test("every entry of `exports` and `bin` is there", () => {
    const { exports, bin } = manifest();
    const entries = [
      ...Object.values(exports).flatMap((entry) => Object.values(entry)),
      ...Object.values(bin),
    ];
    expect(entries.filter((file) => !existsSync(join(installed, file)))).toEqual([]);
  });

  test("source maps bring their sources along", () => {
    const maps = files.filter((file) => file.endsWith(".map"));
    expect(maps.length).toBeGreaterThan(50);
    for (const file of maps) {
      const map = JSON.parse(readFileSync(join(installed, file), "utf8")) as {
        readonly sourcesContent?: unknown[];
      };
      expect(map.sourcesContent?.every((source) => typeof source === "string")).toBe(true);
    }
  });
});

describe("embedded", () => {
  test("README's example runs as plain JavaScript", { timeout: 60_000 }, () => {
    const [, example = ""] =
      /```ts\n([\s\S]*?)```/.exec(readFileSync(join(installed, "README.md"), "utf8")) ?? [];
    writeFileSync(join(project, "example.js"), example);
    expect(run(process.execPath, ["example.js"], project).trim()).toBe("1");
  });

  test(
    "a TypeScript consumer compiles against the shipped types, and is told of mistakes",
    { timeout: 60_000 },
    () => {
      const tsc = (file: string, ...types: readonly string[]) =>
        run(join(modules, ".bin/tsc"), [...words, ...types, file], project);
      const words = "--noEmit --strict --module nodenext --target es2024".split(" ");
      // The supervisor's API asks for no types but its own; the adapters for those of Node.
      writeFileSync(join(project, "core.ts"), 'export { createSupervisor } from "ticket-client";');
      tsc("core.ts");
      link(join(project, "node_modules/@types/node"), join(modules, "@types/node"));
      writeFileSync(join(project, "consumer.ts"), consumer);
      tsc("consumer.ts", "--types", "node");
      const mistaken = consumer.replace('"clients": 8', '"clients": "eight"');
      writeFileSync(join(project, "mistaken.ts"), mistaken);
      expect(() => tsc("mistaken.ts", "--types", "node")).toThrow(
        /'string' is not assignable to type 'number/,
      );
    },
  );
});

const consumer = `
import { createSupervisor, type ConfigInput, type FailureCode, type Supervisor, type Ticket } from "ticket-client";
import { createMemoryLedger, createMemoryService, systemClock, systemIds } from "ticket-client/adapters";

const config: ConfigInput = { "clients": 8 };
const now = () => Date.now();
const service = createMemoryService({ idempotency: "requestId", now });
const supervisor: Supervisor = await createSupervisor({
  config, service, ledger: createMemoryLedger(), services: [], clock: systemClock, ids: systemIds,
  log: { info() {}, warn() {}, error() {} },
});
const held = await supervisor.lock({ timeoutSeconds: 5 });
const found = await held.search({ clientReference: "hub-12" });
const tickets: readonly Ticket[] = found.ok ? found.value.tickets : [];
const code: FailureCode | null = found.ok ? null : found.failure.code;
// @ts-expect-error -- a state has a type, and it is not any
const wrong: number = supervisor.snapshot().clients[0]?.state;
export { code, tickets, wrong };
`;

describe("the command", () => {
  const ticketClient = (...words: readonly string[]) => run("npx", ["--no", "--", name, ...words], project);

  test("--help names every command", { timeout: 60_000 }, () => {
    expect(ticketClient("--help")).toMatch(/serve[\s\S]*demo[\s\S]*replay[\s\S]*diagram/);
  });

  test("diagram draws the charts that are shipped", { timeout: 60_000 }, () => {
    for (const format of ["mermaid", "svg"]) ticketClient("diagram", "--format", format, "--out", "charts");
    const drawn = readdirSync(join(project, "charts"));
    expect(drawn).toEqual(readdirSync(join(installed, "visualizations/diagrams")));
    for (const file of drawn)
      expect(readFileSync(join(project, "charts", file), "utf8")).toMatch(
        file.endsWith(".svg") ? /^<svg/ : /^stateDiagram-v2\n/,
      );
  });

  test(
    "demo: engine, ledger and desk in their threads, alarms of a file and of the shipped recording",
    { timeout: 60_000 },
    () => {
      const shipped = readFileSync(join(installed, "adapters/alarms/huawei-neurips2023/alarm.csv"), "utf8");
      writeFileSync(join(project, "short.csv"), shipped.split(/\r?\n/).slice(0, 41).join("\n"));
      const ports = ["--port", "0", "--desk-port", "0"];
      const said = ticketClient("demo", "--once", "--json", ...ports, "--alarms", "short.csv");
      expect(JSON.parse(said)).toMatchObject({ accepted: 80, settled: 80, desk: { duplicateOpen: 0 } });
    },
  );
});
