/** Who may deliver async results, and how many of those that nobody waits for. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type ConfigInput, configSchema } from "../../actors/config.ts";
import { systemIds } from "../../adapters/clock/system.ts";
import { startEngine } from "../../adapters/engine.ts";
import { callbackRoutes } from "../../adapters/http/callback.ts";
import { systemClock } from "../../adapters/clock/system.ts";
import { startHttpServer } from "../../adapters/http/server.ts";
import { limits } from "../../machines/limits.ts";
import { ManualClock } from "../alarms/manual-clock.ts";
import { enveloped } from "../service/fake-osb-peer.ts";

const newer = "n".repeat(40);
const older = "o".repeat(40);

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), "ticket-client-callback-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

function secretFile(text: string): string {
  const file = join(folder(), "callback");
  writeFileSync(file, text);
  return file;
}

async function engineOf(config: ConfigInput = {}) {
  const clock = new ManualClock();
  const logged: string[] = [];
  const note = (...said: unknown[]) => void logged.push(JSON.stringify(said));
  const engine = await startEngine({
    config: { listen: { port: 0 }, dataDir: folder(), ...config },
    clock,
    ids: systemIds,
    log: { info: note, warn: note, error: note },
  });
  onTestFinished(() => engine.stop({ drainSeconds: 0 }));
  return { engine, clock, logged };
}

const resultOf = (requestId: string) =>
  enveloped(
    `<r:ticketAsyncResponse xmlns:r="urn:ticketclient:osb:v1"><r:requestId>${requestId}</r:requestId><r:result>OK</r:result><r:ticketId>T-1</r:ticketId><r:processedAt>2026-01-01T00:00:00Z</r:processedAt></r:ticketAsyncResponse>`,
  );

async function post({ url }: { readonly url: string }, path = "/osb/callback", body = resultOf("nobodys")) {
  const response = await fetch(`${url}${path}`, { method: "POST", body });
  return {
    status: response.status,
    retryAfter: response.headers.get("retry-after"),
    body: await response.text(),
  };
}

test("S3: of results that no request waits for, one address delivers so many a second; the next is 429 and no fact", async () => {
  const { engine, clock } = await engineOf();
  for (let count = 1; count < limits.callbacksPerSecondMax; count += 1) await post(engine);
  expect(await post(engine)).toMatchObject({ status: 202 });
  const { position } = engine.supervisor.state;
  expect(await post(engine)).toMatchObject({ status: 429, retryAfter: "1" });
  expect(await post(engine, "/osb/callback", "hello")).toMatchObject({ status: 429 });
  expect(engine.supervisor.state.position).toBe(position);
  clock.advance(1_000);
  expect(await post(engine)).toMatchObject({ status: 202 });
});

test("S3, G5: results that requests wait for are taken however many they are, and whatever else came", async () => {
  const kept: string[] = [];
  const server = await startHttpServer(configSchema.parse({ listen: { port: 0 } }).listen, {
    clock: systemClock,
    log: quiet,
  });
  onTestFinished(() => server.close());
  server.addRoutes(
    callbackRoutes({
      sink: {
        deliverAsync: async ({ requestId }) => void kept.push(requestId),
      },
      isAwaited: (requestId) => requestId === "awaited",
      clock: new ManualClock(),
      log: quiet,
    }),
  );
  const max = limits.callbacksPerSecondMax;
  for (let count = 0; count <= max; count += 1)
    expect(await post(server, "/osb/callback", resultOf("awaited"))).toMatchObject({ status: 202 });
  for (let count = 0; count < max; count += 1) await post(server);
  expect(await post(server)).toMatchObject({ status: 429 });
  expect(await post(server, "/osb/callback", resultOf("awaited"))).toMatchObject({ status: 202 });
  expect(kept).toHaveLength(2 * max + 2);
});

test("S1: with a secret in its path a result is taken with it only, whether it is the newer or the older one", async () => {
  const { engine, logged } = await engineOf({
    callback: { secretFile: secretFile(`# newest first\n${newer}\n${older}\n`) },
  });
  expect(await post(engine, `/osb/callback/${newer}`)).toMatchObject({ status: 202 });
  expect(await post(engine, `/osb/callback/${older}`)).toMatchObject({ status: 202 });
  const { position } = engine.supervisor.state;
  const wrong = `${newer.slice(1)}x`;
  for (const path of ["", "/", `/${wrong}`, `/${newer}/`, `/${newer}${older}`, "/%E0"])
    expect([path, (await post(engine, `/osb/callback${path}`)).status]).toEqual([
      path,
      path === "/%E0" ? 400 : 404,
    ]);
  expect(engine.supervisor.state.position).toBe(position);
  // S4: an operator sees that a service has the wrong address, and no secret.
  expect(logged.join("\n")).toContain("callback.refused");
  for (const secret of [newer, older, wrong]) expect(logged.join("\n")).not.toContain(secret);
});

test("S3: who guesses is bounded as well, and takes neither the log nor a late result's place", async () => {
  const { engine, logged } = await engineOf({ callback: { secretFile: secretFile(newer) } });
  for (let count = 0; count < limits.callbacksPerSecondMax; count += 1)
    await post(engine, "/osb/callback/guess");
  expect(await post(engine, "/osb/callback/guess")).toMatchObject({ status: 429, retryAfter: "1" });
  expect(await post(engine, `/osb/callback/${newer}`)).toMatchObject({ status: 202 });
  expect(logged.filter((line) => line.includes("callback.refused"))).toHaveLength(
    limits.refusalsLoggedPerSecond,
  );
});

test.each([
  ["of a few letters", "short\n", /line 1: expected 32 to 256 letters/],
  ["that no path can hold", `# a\n${"a/".repeat(20)}\n`, /line 2: expected/],
  ["that is none", "# nothing yet\n\n", /holds no secret/],
])(
  "S1: a secret %s is refused at the start by its file and line, not repeated (S4)",
  async (_title, text, sentence) => {
    const file = secretFile(text);
    const starting = engineOf({ callback: { secretFile: file } });
    await expect(starting).rejects.toMatchObject({
      failure: { code: "CONFIGURATION_INVALID", detail: expect.stringMatching(sentence) as string },
    });
    await expect(starting).rejects.toThrow(file);
    await expect(starting).rejects.not.toThrow(/short|a\/a/);
  },
);

test("S1: a file of secrets that cannot be read is refused at the start by its path and the reason", async () => {
  const file = join(folder(), "none");
  await expect(engineOf({ callback: { secretFile: file } })).rejects.toMatchObject({
    failure: { detail: `callback.secretFile: ${file} cannot be read (ENOENT).` },
  });
});
