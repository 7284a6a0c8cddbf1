/** `clients`, `force-unlock`, `force-not-busy` as a person types them, against a running engine. */
import { createServer } from "node:http";
import { once } from "node:events";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { clientTable } from "../../adapters/cli/clients.ts";
import { urlOf } from "../../adapters/cli/remote-engine.ts";
import { configSchema } from "../../actors/config.ts";
import { startApi, tokens } from "../http/api/rig.ts";
import { run } from "./command-line.ts";

// Processes of their own, one after the other: on a busy machine each takes seconds to start.
vi.setConfig({ testTimeout: 120_000 });

test("L6: a lock is seen, and ended by its GUID; the second time there is nothing to end", async () => {
  const api = await startApi({ config: { clients: 2 } });
  const { url } = api.engine;
  const held = await api.engine.supervisor.lock();
  const seen = await run(["clients", "--url", url]);
  expect({ code: seen.code, stderr: seen.stderr }).toEqual({ code: 0, stderr: "" });
  expect(seen.stdout).toMatch(new RegExp(`client-01 +locked +notBusy +\\d+ s +${held.lockGuid}`));
  const json = JSON.parse((await run(["clients", "--url", url, "--json"])).stdout) as { clientId: string }[];
  expect(json.map(({ clientId }) => clientId)).toEqual(["client-01", "client-02"]);

  const words = ["force-unlock", "client-01", "--guid", held.lockGuid, "--reason", "it hangs", "--url", url];
  const freed = await run(words);
  expect(freed).toMatchObject({ code: 0, stderr: "" });
  expect(freed.stdout).toContain("client-01 is free");
  expect(api.engine.supervisor.reader.client("client-01")).toMatchObject({ state: "idle" });
  const again = await run(words);
  expect(again).toMatchObject({ code: 1, stdout: "" });
  expect(again.stderr).toContain("refused (409): client-01 is not locked; there is nothing to force.");
});

test("L6 S1: refusals are sentences, exit code 1; words that are missing are wrong use, 2", async () => {
  const api = await startApi({ guarded: true, config: { clients: 1 } });
  const held = await api.engine.supervisor.lock();
  const { url } = api.engine;
  const force = (verb: string, guid: string, token: string) =>
    run([verb, "client-01", "--guid", guid, "--reason", "x", "--url", url], { TICKET_CLIENT_TOKEN: token });
  const told = [
    await run(["clients", "--url", url]),
    await force("force-unlock", held.lockGuid, tokens.viewer),
    await force("force-unlock", "old", tokens.operator),
    await force("force-not-busy", held.lockGuid, tokens.operator),
  ];
  expect(told.map(({ code }) => code)).toEqual([1, 1, 1, 1]);
  const sentences = [
    "(401): Expected Authorization",
    "(403): The token of viewer-1",
    "(409): client-01 is held by",
    "(409): client-01 is not executing",
  ];
  for (const [index, { stderr }] of told.entries()) expect(stderr).toContain(sentences[index]);
  expect(told.map(({ stderr }) => stderr).join("")).not.toMatch(/Bearer (see|do)/);
  expect(api.engine.supervisor.reader.client("client-01")).toMatchObject({ state: "locked" });
  expect((await run(["force-unlock", "client-01", "--guid", "x", "--url", url])).code).toBe(2);
  expect((await run(["force-unlock", "--help"])).stdout).toContain(
    "Exit codes: 0 done, 1 failed, 2 wrong use.",
  );
});

test("no engine, another program, or no address: told which", async () => {
  const server = createServer((_request, response) => response.end("<html>hello</html>")).listen(
    0,
    "127.0.0.1",
  );
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  const other = await run(["clients", "--url", `http://127.0.0.1:${port}`]);
  expect([other.code, other.stderr]).toEqual([1, expect.stringContaining("not what was asked for")]);
  const nobody = await run(["clients"], { TICKET_CLIENT_LISTEN_PORT: "1" });
  expect([nobody.code, nobody.stderr]).toEqual([
    1,
    expect.stringContaining("http://127.0.0.1:1 cannot be asked"),
  ]);
  const wrong = await run(["clients", "--url", "nonsense"]);
  expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining("expected http://host:port")]);
});

describe("S4: what is wrong with a secret is said without it, before anything is asked", () => {
  const commands = [
    "clients",
    "top",
    "force-unlock client-01 --guid g --reason r",
    "services export -",
    "replay alarms.csv",
  ];

  test.each(commands)("%s: a token that is none", async (words) => {
    for (const token of ["hunter2\nhunter3", "hunter2 x", "hunter2\u200b", "hunter2".repeat(147)]) {
      const { code, stdout, stderr } = await run([...words.split(" "), "--url", "http://127.0.0.1:1"], {
        TICKET_CLIENT_TOKEN: token,
      });
      expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining("TICKET_CLIENT_TOKEN")]);
      expect(stderr).toContain("expected 1 to 1024 letters, digits and signs of ASCII");
      expect(stderr).not.toContain("hunter");
    }
  });

  test.each(commands)("%s: an address with user and password", async (words) => {
    for (const host of ["ann:hunter2@127.0.0.1:1", "ann:hunter2@no host", "ann:hunter2%40127.0.0.1"]) {
      const { code, stdout, stderr } = await run([...words.split(" "), "--url", `http://${host}`]);
      expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining("TICKET_CLIENT_TOKEN")]);
      expect(stderr).toContain("user or password");
      expect(stderr).not.toContain("hunter");
    }
  });

  test("the blanks around a token are none of it, and an empty one is none", async () => {
    const api = await startApi({ guarded: true, config: { clients: 1 } });
    const words = ["clients", "--url", api.engine.url];
    const asked = (token: string) => run(words, { TICKET_CLIENT_TOKEN: token });
    expect(await asked(`${tokens.viewer}\r\n`)).toMatchObject({ code: 0, stderr: "" });
    expect(await asked("")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("Give a token in TICKET_CLIENT_TOKEN") as string,
    });
  });
});

test("the address is where the configuration listens, reachable from here", () => {
  const listening = (listen: object) => urlOf(configSchema.parse({ listen }));
  expect([listening({}), listening({ host: "0.0.0.0", port: 9000 }), listening({ host: "::1" })]).toEqual([
    "http://127.0.0.1:8640",
    "http://127.0.0.1:9000",
    "http://[::1]:8640",
  ]);
});

test("the table shows the age of a lock, and nothing where there is none", () => {
  const client = {
    clientId: "client-01",
    state: "locked" as const,
    lockStatus: "locked" as const,
    lockGuid: "g",
    lockTime: 1_000,
    fence: 1,
    busyStatus: "notBusy" as const,
    processingData: "",
    key: "NE-1",
    heldBy: "flow" as const,
    deadlineAt: 2_000,
    rows: { inserted: 0, present: 0, evicted: 0, cleared: 0 },
  };
  const idle = { ...client, lockGuid: null, lockTime: null, key: null };
  const [, first, second] = clientTable([client, idle], 6_500);
  expect(first).toMatch(/client-01 {2}locked +notBusy +5 s +g +NE-1$/);
  expect(second).toMatch(/notBusy$/);
});
