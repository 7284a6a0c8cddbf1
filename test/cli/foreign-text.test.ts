/** What a service, a sender or an engine elsewhere wrote is shown by the command line, and obeyed by no terminal. */
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import { expect, onTestFinished, test, vi } from "vitest";
import { systemClock, systemIds } from "../../adapters/clock/system.ts";
import { startEngine } from "../../adapters/engine.ts";
import { notification } from "../engine/notifications.ts";
import { serviceRow } from "../service/calls.ts";
import { folder, run, start } from "./command-line.ts";

// Processes of their own, one after the other: on a busy machine each takes seconds to start.
vi.setConfig({ testTimeout: 120_000 });

/** Renames the terminal's window and empties its screen; then in one character; then from the right to the left. */
const orders = "\u001b]0;owned\u0007\u001b[2J \u009b2J \u202etxt\u2028\u200f";
const obeyed = /[^\P{Cc}\n]|[\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;

async function listening(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

test("explain: a service's words, an alarm's names", async () => {
  const port = await listening(
    createServer((socket) => {
      socket.on("error", () => undefined);
      socket.on("data", () => socket.end("HTTP/1.1 404 \u001b]0;owned\u0007\r\nContent-Length: 0\r\n\r\n"));
    }),
  );
  const dataDir = folder();
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const engine = await startEngine({
    config: { listen: { port: 0 }, dataDir },
    clock: systemClock,
    ids: systemIds,
    log,
    services: [serviceRow(port)],
  });
  const { supervisor } = engine;
  const ended = new Promise<void>((resolve) => {
    supervisor.onFacts((facts) => facts.some(({ type }) => type === "flow.ended") && resolve());
  });
  await supervisor.raise(notification("1", { source: orders, key: `NE-1${orders}` }));
  await ended;
  await engine.stop({ drainSeconds: 0 });

  const words = ["explain", "--source", orders, "--id", "1", "--data-dir", dataDir];
  const people = await run(words);
  expect(people).toMatchObject({ code: 0, stderr: "" });
  expect(people.stdout).toContain("HTTP 404 ·]0;owned·");
  expect(people.stdout).toContain("key       NE-1·]0;owned··[2J ·2J ·txt··");
  expect(people.stdout).not.toMatch(obeyed);
  const machines = await run([...words, "--json"]);
  expect(machines.stdout).not.toMatch(obeyed);
  expect(JSON.parse(machines.stdout)).toMatchObject({ source: orders, key: `NE-1${orders}` });
});

test("clients, force-unlock: an engine's answers and refusals", async () => {
  const client = {
    clientId: `client-01${orders}`,
    state: "locked",
    lockStatus: "locked",
    lockGuid: "g",
    lockTime: 1_000,
    fence: 1,
    busyStatus: "busy",
    processingData: orders,
    key: orders,
    heldBy: "flow",
    deadlineAt: 2_000,
    rows: { inserted: 0, present: 0, evicted: 0, cleared: 0 },
  };
  const port = await listening(
    createHttpServer((request, response) => {
      const isAsked = request.method === "GET";
      response.writeHead(isAsked ? 200 : 409, { "content-type": "application/json" });
      response.end(
        JSON.stringify(isAsked ? { position: 1, clients: [client] } : { detail: `no\n${orders}` }),
      );
    }),
  );
  const at = ["--url", `http://127.0.0.1:${port}`];
  const people = await run(["clients", ...at]);
  expect(people).toMatchObject({ code: 0, stderr: "" });
  expect(people.stdout).toContain("client-01·]0;owned··[2J ·2J ·txt··  locked");
  expect(people.stdout).not.toMatch(obeyed);
  expect(people.stdout.trimEnd().split("\n")).toHaveLength(2);
  const machines = await run(["clients", "--json", ...at]);
  expect(machines.stdout).not.toMatch(obeyed);
  expect(JSON.parse(machines.stdout)).toEqual([client]);

  const refused = await run(["force-unlock", "client-01", "--guid", "g", "--reason", "r", ...at]);
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toContain("refused (409): no··]0;owned··[2J");
  expect(refused.stderr).not.toMatch(obeyed);
});

test("serve: the log is JSON that says the same", async () => {
  const misspelt = `TICKET_CLIENT_CLINETS\u009b`;
  const engine = start(["serve", "--port", "0", "--data-dir", folder()], { [misspelt]: "8" });
  await engine.line();
  engine.child.kill("SIGTERM");
  const { stderr } = await engine.ended;
  expect(stderr).not.toMatch(obeyed);
  const lines = stderr.trimEnd().split("\n");
  const logged = lines.map((one) => JSON.parse(one) as { readonly because?: string });
  expect(logged[0]?.because).toContain(`${misspelt} is not a setting`);
});
