/** The table in adapters/README.md, row by row: each command is run, and shows what the row says. */
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { folder, run } from "./cli/command-line.ts";
import { startApi, type ApiUnderTest } from "./http/api/rig.ts";

const page = readFileSync(fileURLToPath(new URL("../adapters/README.md", import.meta.url)), "utf8");
const [, table = ""] = /<!-- rows -->([\s\S]*)<!-- \/rows -->/.exec(page) ?? [];
const rows = table
  .split("\n")
  .filter((line) => line.startsWith("|"))
  .slice(2)
  .map((line) => line.split("|").map((cell) => cell.trim()))
  .map(([, names = "", , command = "", shows = ""]) => ({
    names,
    command: command.replaceAll("`", ""),
    shows: [...shows.matchAll(/`([^`]+)`/g)].map(([, text = ""]) => text),
  }));

/** Answers OK to every beat. */
async function receiver(): Promise<string> {
  const server = createServer((_, response) => void response.end("OK"));
  server.listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}/ping`;
}

/** client-01 has had a flow for node-2 and one whose search failed; client-02 is held, and its search hangs. */
async function world(): Promise<{ readonly api: ApiUnderTest; readonly guid: string; readonly cwd: string }> {
  const cwd = folder();
  writeFileSync(join(cwd, "link.csv"), "ne_a;ne_b\nhub-1;node-1\nhub-1;node-2\nhub-1;node-3\n");
  const faults = [
    { match: { command: "search", key: "node-9" }, fault: "html", times: 3 },
    { match: { command: "search", key: "node-8" }, fault: "silent" },
  ] as const;
  const api = await startApi({
    config: { clients: 2, heartbeat: { url: await receiver() } },
    desk: { faults },
  });
  const loaded = await answerOf(api, cwd, "ticket-client topology load link.csv");
  expect(loaded).toContain("loaded into");
  return { api, cwd, guid: await occupy(api) };
}

async function occupy(api: ApiUnderTest): Promise<string> {
  const { supervisor } = api.engine;
  const first = await supervisor.lock();
  const second = await supervisor.lock();
  const [flows, held] = first.clientId === "client-01" ? [first, second] : [second, first];
  void held.search({ clientReference: "node-8" });
  await flows.close();
  await api.raise("9", { key: "node-9" });
  await api.fact(({ type, body }) => type === "alarm.settled" && body.key === "node-9");
  await api.raise("2", { key: "node-2" });
  await api.fact(({ type, body }) => type === "flow.ended" && body.key === "node-2");
  return held.lockGuid;
}

async function answerOf(api: ApiUnderTest, cwd: string, words: string): Promise<string> {
  const [program = "", ...rest] = words.split(" ");
  if (program !== "ticket-client") {
    const [path = "", ...json] = rest;
    const body = json.length === 0 ? {} : { json: JSON.parse(json.join(" ")) as unknown };
    const { text, status } = await api.ask(program, path, body);
    expect(status, words).toBe(200);
    return text;
  }
  const inPlace = rest.map((word) => (word.endsWith(".csv") ? join(cwd, word) : word));
  const ownsLedger = ["explain", "topology", "serve"].includes(rest[0] ?? "");
  const where = ownsLedger ? ["--data-dir", api.engine.config.dataDir] : ["--url", api.engine.url];
  const { stdout, stderr } = await run([...inPlace, ...where]);
  return stdout + stderr;
}

test("each row of the table shows what it says", { timeout: 120_000 }, async () => {
  const { api, guid, cwd } = await world();
  writeFileSync(join(cwd, "services.csv"), (await api.ask("GET", "/api/services/export")).text);
  expect(rows.length).toBeGreaterThan(25);
  const missing: string[] = [];
  for (const { names, command: words, shows } of rows) {
    expect(shows.length, names).toBeGreaterThan(0);
    // oxlint-disable-next-line no-await-in-loop -- some rows build on those before
    const said = await answerOf(api, cwd, words.replaceAll("GUID", guid));
    for (const text of shows)
      if (!said.includes(text.replaceAll("GUID", guid)))
        missing.push(`${names}: ${words} does not show ${text}: ${said.slice(0, 400)}`);
  }
  expect(missing).toEqual([]);
});
