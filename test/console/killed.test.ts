/**
 * The engine killed (SIGKILL, a process of its own) and started again while the page is open and alarms come: a banner
 * with the age, then everything that happened, once, and nothing that is no longer so.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import type { ClientMessage } from "../../actors/api-messages.ts";
import type { Explanation } from "../../actors/explain.ts";
import { systemClock } from "../../adapters/clock/system.ts";
import { startDesk } from "../../adapters/desk/desk.ts";
import { eventOf } from "../alarms/rig.ts";
import { file, folder, start } from "../cli/command-line.ts";
import { startBrowser } from "./chromium.ts";
import { browserTestMsMax, expectAccessible, openPage, picture } from "./rig.ts";

vi.setConfig({ testTimeout: 2 * browserTestMsMax });

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
}, browserTestMsMax);
afterAll(() => browser.close());

const keys = 8;
const keyOf = (index: number): string => `node-${index % keys}`;

function alarms(from: number, count: number) {
  return Array.from({ length: count }, (_, offset) => {
    const id = String(from + offset);
    return eventOf({ id, alarm: { alarmedObject: { id: keyOf(from + offset) }, externalAlarmId: id } });
  });
}

/** Sends until each was answered as accepted, as a sender does who keeps what is not. */
async function send(url: string, events: readonly unknown[]): Promise<void> {
  const response = await fetch(`${url}/v1/alarms`, {
    method: "POST",
    headers: { "content-type": "application/cloudevents-batch+json" },
    body: JSON.stringify(events),
  });
  expect(response.status).toBe(202);
  await response.text();
}

async function ask<T>(url: string, path: string): Promise<T> {
  return (await (await fetch(`${url}/api${path}`)).json()) as T;
}

async function kept(page: Page, name: string): Promise<string> {
  const coming = page.waitForEvent("download");
  await page.getByRole("button", { name, exact: true }).click();
  return readFileSync(await (await coming).path(), "utf8");
}

test("F2 A1: killed and started again with the page open: a banner, then no gap, and no row that is no longer so", async () => {
  const desk = await startDesk({
    port: 0,
    dataDir: null,
    idempotency: "requestId",
    settleSeconds: 0,
    clock: systemClock,
    faults: [{ match: { command: "search", key: "hanging" }, fault: "silent", times: 1 }],
  });
  onTestFinished(() => desk.close());
  const dir = folder();
  const services = file(
    dir,
    "services.csv",
    `name,host,port,path,protocol,idempotency,settleSeconds,timeoutSeconds,asyncSeconds,user,passwordFile,notes\nOSB,127.0.0.1,${desk.port},/TicketService,osb,requestId,1,30,0,,,\n`,
  );
  const config = file(
    dir,
    "config.json",
    JSON.stringify({ dataDir: join(dir, "data"), clients: 3, services: { file: services } }),
  );
  const serve = async (port: number) => {
    const engine = start(["serve", "--config", config, "--port", String(port)]);
    const [url = ""] = /http:\/\/[\d.:]+/.exec(await engine.line()) ?? [];
    return { ...engine, url };
  };

  const first = await serve(0);
  const { url } = first;
  const watched = await openPage(browser, `${url}/`);
  const { page } = watched;
  await page.goto(`${url}/#/alarms`);
  await page.getByText("live", { exact: true }).waitFor();
  await send(url, alarms(0, 16));
  await page.getByText("16 settled, 0 under way").waitFor();

  // In the midst of work, one client held by a search that hangs: what was not answered is sent again later.
  const events = [...alarms(16, 40), eventOf({ id: "last", alarm: { alarmedObject: { id: "hanging" } } })];
  const sending = send(url, events).catch(() => undefined);
  await page
    .getByRole("row")
    .filter({ hasText: "hanging" })
    .getByText(/client-0\d works for it/)
    .waitFor();
  first.child.kill("SIGKILL");
  await Promise.all([first.ended, sending]);
  const banner = page.getByRole("alert").filter({ hasText: "What is shown is" });
  await banner.getByText(/What is shown is .* old\./).waitFor();
  await page.getByText("not live").waitFor();
  expect(await page.locator(".shell.stale main").count()).toBe(1);
  await expectAccessible(page);
  await picture(page, "killed");

  const second = await serve(Number(new URL(url).port));
  expect(second.url).toBe(url);
  await page.getByText("live", { exact: true }).waitFor();
  await banner.waitFor({ state: "detached" });
  await send(url, events);
  await page.getByText("57 settled, 0 under way").waitFor();
  expect(await page.getByText(/were passed over|another ledger/).count()).toBe(0);
  await picture(page, "resumed");

  // Every alarm as the engine's API tells it now.
  const explained = await Promise.all(
    ["hanging", ...Array.from({ length: keys }, (_, index) => keyOf(index))].map((key) =>
      ask<{ explanations: Explanation[] }>(url, `/explain?key=${key}&limit=500`),
    ),
  );
  const truth = explained
    .flatMap(({ explanations }) => explanations)
    .map(({ id, outcome, ticketId }) => [id, outcome, ticketId ?? ""].join(" "))
    .sort();
  expect(truth).toHaveLength(57);
  await expect
    .poll(
      async () => {
        const rows = parse(await kept(page, "CSV"), { columns: true }) as Record<string, string>[];
        return rows.map(({ id, outcome, ticket }) => [id, outcome, ticket].join(" ")).sort();
      },
      { timeout: browserTestMsMax },
    )
    .toEqual(truth);

  // Every client too.
  await page.goto(`${url}/#/clients?sort=id`);
  await page.getByText("3 clients", { exact: true }).waitFor();
  const { clients, position } = await ask<{ clients: ClientMessage[]; position: number }>(url, "/clients");
  const shown = parse(await kept(page, "CSV"), { columns: true }) as Record<string, string>[];
  expect(shown.map((row) => [row["Client"], row["State"], row["Lock GUID"]])).toEqual(
    clients.map(({ clientId, state, lockGuid }) => [clientId, state, lockGuid ?? ""]),
  );

  // No flow runs that ended with the process.
  await page.goto(`${url}/#/flows`);
  await page.getByRole("row").filter({ hasText: "hanging" }).filter({ hasText: "abandoned" }).waitFor();
  expect(await page.getByRole("cell", { name: "running", exact: true }).count()).toBe(0);

  // And every fact, from the first that the page saw to the engine's last, over the death of the process.
  await page.goto(`${url}/#/events`);
  await page.getByText(/^[\d,]+ events$/).waitFor();
  const positions = (await kept(page, "Export"))
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { data: { position: number } }).data.position);
  expect(positions[0]).toBe(position);
  expect(positions).toEqual(positions.map((_, index) => position - index));
  expect(positions.at(-1)).toBe(1);
  await watched.close();
});
