/**
 * Every action of the console without a mouse: a real engine with a desk, in a real browser. Nothing here clicks, and
 * nothing is focused but by the keyboard.
 */
import { readFileSync } from "node:fs";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type ApiUnderTest, startApi } from "../http/api/rig.ts";
import { startBrowser } from "./chromium.ts";
import { enter, tabTo, typeInto } from "./keyboard.ts";
import { browserTestMsMax, openPage, type Watched } from "./rig.ts";
import { startTroubledApi } from "./troubled-engine.ts";

vi.setConfig({ testTimeout: browserTestMsMax });

let browser: Browser;
let api: ApiUnderTest;
let watched: Watched;
let page: Page;

beforeAll(async () => {
  browser = await startBrowser();
  api = await startTroubledApi(60, [
    ["4711/raise", "node-1"],
    ["2", "doubtful"],
  ]);
  watched = await openPage(browser, `${api.engine.url}/`);
  page = watched.page;
  await page.getByText("live", { exact: true }).waitFor();
}, browserTestMsMax);
afterAll(async () => {
  await browser.close();
  await api.end();
});

const press = (key: string) => page.keyboard.press(key);
const button = (name: string, within: Page | Locator = page) =>
  within.getByRole("button", { name, exact: true });
const heading = (name: string | RegExp) => page.getByRole("heading", { level: 1, name }).waitFor();

/** What Enter on this button gives the browser to keep. */
async function downloaded(name: string): Promise<string> {
  const coming = page.waitForEvent("download");
  await enter(page, button(name));
  return readFileSync(await (await coming).path(), "utf8");
}

test("numbers lead to the pages, a to the search for alarms, ? to the help, Esc out of it", async () => {
  for (const [index, name] of [
    "Overview",
    "Alarms",
    "Clients",
    "Flows",
    "Gateway",
    "Events",
    "Audit",
  ].entries()) {
    await press(String(index + 1));
    await heading(name);
  }
  await press("?");
  await page.getByRole("dialog", { name: "Keys" }).waitFor();
  await press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await press("a");
  await page.keyboard.type("4711/raise");
  await press("Enter");
  await heading("Alarm 4711/raise");
  await page.getByText(/^Ticket: alarm 4711\/raise made ticket TCK-/).waitFor();
});

test("/ filters, arrows move, Enter opens, Esc leaves; p pauses and resumes", async () => {
  await press("3");
  await press("/");
  await page.keyboard.type("client-02");
  await page.getByText("1 of 3 clients").waitFor();
  await press("Control+A");
  await press("Delete");
  await page.getByText("3 clients", { exact: true }).waitFor();
  await press("Escape");
  await tabTo(page, page.getByRole("row").filter({ hasText: "client-01" }));
  await press("ArrowDown");
  await press("End");
  await press("ArrowUp");
  await press("Enter");
  await heading("client-02");
  await press("p");
  await page.getByText("paused", { exact: true }).waitFor();
  await press("p");
  await page.getByText("live", { exact: true }).waitFor();
});

test("a table of clients is sorted, its columns are chosen, and what is shown is kept as CSV", async () => {
  await press("3");
  await enter(page, button("State"));
  await expect
    .poll(() => page.locator('[data-column="state"]').first().getAttribute("aria-sort"))
    .toBe("ascending");
  await tabTo(page, page.locator("summary", { hasText: "Columns" }));
  await press("Enter");
  await tabTo(page, page.getByLabel("Service"));
  await press("Space");
  await page.getByRole("columnheader", { name: "Service" }).waitFor({ state: "detached" });
  expect(page.url()).toContain("hide=service");
  const csv = await downloaded("CSV");
  expect(csv.split("\r\n")[0]).toBe(
    'Client,State,"In state","Lock GUID","Lock age",Key,Busy,"Client Processing Data"',
  );
  expect(csv.split("\r\n")).toHaveLength(5);
});

test("a client is opened as it was, its path is read anew, and the next page is a link away", async () => {
  await api.raise("4712", { key: "node-1", alarmedObject: "node-1", alarm: "fan" });
  await api.fact((fact) => fact.type === "alarm.settled" && fact.body.alarm.id === "4712");
  const started = await api.fact(
    (fact) => fact.type === "flow.started" && fact.body.alarms.some(({ id }) => id === "4712"),
  );
  const clientId = started.type === "flow.started" ? started.body.clientId : "";
  await press("3");
  await enter(page, page.getByRole("link", { name: clientId }));
  await tabTo(page, page.getByLabel("History"));
  await press("Home");
  await page.locator('.box[data-lit="true"][data-state="locked"]').waitFor();
  await enter(page, button("Now"));
  await page.locator('.box[data-lit="true"][data-state="idle"]').waitFor();
  await enter(page, page.getByRole("link", { name: "Search Results" }));
  await page.getByText("As the flow saw it,").waitFor();
  await enter(page, button("Refresh the path"));
  await page.getByText("Read anew").waitFor();
  await page.getByRole("cell", { name: "hub" }).first().waitFor();
  await enter(page, button("Refresh"));
  await enter(page, page.getByRole("link", { name: "Communication" }));
  await enter(page, page.getByRole("row").filter({ hasText: "search" }).first().getByRole("button"));
  await page.getByRole("dialog").getByText("Envelope").first().waitFor();
  await press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
});

test("Enter and the arrows mean the row that has the focus, also after others have come above it", async () => {
  const other = await startApi({ config: { clients: 1 } });
  const settle = async (id: string, key: string) => {
    await other.raise(id, { key });
    await other.fact((fact) => fact.type === "alarm.settled" && fact.body.alarm.id === id);
  };
  await settle("1", "node-1");
  const opened = await openPage(browser, `${other.engine.url}/#/clients/client-01/communication`);
  const { keyboard } = opened.page;
  await tabTo(
    opened.page,
    opened.page.getByRole("row").filter({ hasText: "node-1" }).filter({ hasText: "create" }),
  );
  await settle("2", "node-2");
  await opened.page.getByText("4 rows", { exact: true }).waitFor();
  await keyboard.press("Enter");
  await opened.page.getByRole("dialog", { name: "create of node-1" }).waitFor();
  await keyboard.press("Escape");
  await opened.page.getByRole("dialog").waitFor({ state: "detached" });
  await settle("3", "node-3");
  await opened.page.getByText("6 rows", { exact: true }).waitFor();
  await keyboard.press("ArrowDown");
  await keyboard.press("Enter");
  await opened.page.getByRole("dialog", { name: "search of node-1" }).waitFor();
  await opened.close();
});

test("L6: force unlock, with its reason and the end of the GUID", async () => {
  const held = await api.engine.supervisor.lock({ timeoutSeconds: 5 });
  await press("3");
  await enter(page, page.getByRole("link", { name: held.clientId }));
  await enter(page, page.getByRole("link", { name: "Connection Details" }));
  await enter(page, button("Force unlock"));
  const dialog = page.getByRole("dialog");
  await typeInto(page, dialog.getByLabel("Reason"), "nobody works there");
  await typeInto(page, dialog.getByLabel("Last four"), held.lockGuid.slice(-4));
  await press("Enter");
  await page.getByText(`${held.clientId} is idle now`).waitFor();
  await dialog.waitFor({ state: "detached" });
});

test("L4: force not busy", async () => {
  await api.raise("3", { key: "hanging", alarmedObject: "hanging" });
  const locked = await api.fact((fact) => fact.type === "flow.started" && fact.body.key === "hanging");
  const { clientId, lockGuid } =
    locked.type === "flow.started" ? locked.body : { clientId: "", lockGuid: "" };
  await press("3");
  await enter(page, page.getByRole("link", { name: clientId }));
  await enter(page, page.getByRole("link", { name: "Communication" }));
  await page.getByText("Busy", { exact: true }).waitFor();
  await enter(page, button("Force not busy"));
  const dialog = page.getByRole("dialog");
  await typeInto(page, dialog.getByLabel("Reason"), "the search hangs");
  await typeInto(page, dialog.getByLabel("Last four"), lockGuid.slice(-4));
  await enter(page, button("Force not busy", dialog));
  await api.fact((fact) => fact.type === "client.notBusyForced" && fact.body.lockGuid === lockGuid);
  await dialog.waitFor({ state: "detached" });
  await api.fact((fact) => fact.type === "alarm.settled" && fact.body.key === "hanging");
});

test("services: import with preview, selection, the former table again; configuration", async () => {
  const csv = api.engine.supervisor.exportServices();
  const more = `${csv.trimEnd()}\n${(csv.trim().split(/\r?\n/)[1] ?? "").replace("OSB", "OSB-2")}\n`;
  await press("3");
  await enter(page, page.getByRole("link", { name: "client-01" }));
  await enter(page, page.getByRole("link", { name: "Connection Details" }));
  expect(await downloaded("Export CSV")).toBe(csv);
  await enter(page, button("Import CSV"));
  const dialog = page.getByRole("dialog");
  await typeInto(page, dialog.getByLabel("Or paste it"), more);
  await dialog.getByText("1 added").waitFor();
  await enter(page, button("Import", dialog));
  await dialog.getByText("Done. This was changed:").waitFor();
  await press("Escape");
  await dialog.waitFor({ state: "detached" });
  // Answers may be there before the feed has told the page, which goes by the feed.
  await page.getByRole("cell", { name: "OSB-2", exact: true }).waitFor();
  await tabTo(page, page.getByLabel("Service Selection"));
  await press("ArrowDown");
  await api.fact((fact) => fact.type === "service.selected" && fact.body.name === "OSB-2");
  await page.getByText("New flows use OSB-2.").waitFor();
  await page.getByRole("cell", { name: "OSB-2 (selected)" }).waitFor();
  await press("ArrowUp");
  await page.getByText("New flows use OSB.").waitFor();
  await typeInto(page, page.getByLabel("Ticket Gateway"), "gw-east");
  await typeInto(page, page.getByLabel("Rows of the Response Table"), "500");
  await press("Enter");
  await page.getByText("The configuration is changed.").waitFor();
  await enter(page, button("Import CSV"));
  await typeInto(page, dialog.getByLabel("Or paste it"), csv);
  await dialog.getByText("1 removed").waitFor();
  await enter(page, button("Import", dialog));
  await dialog.getByText("Done. This was changed:").waitFor();
  await enter(page, button("Close", dialog));
  expect(api.engine.supervisor.exportServices()).toBe(csv);
});

test("A2 L6: a request of unknown fate gets its verdict", async () => {
  await press("1");
  await enter(page, page.getByRole("link", { name: "1 request of unknown fate" }));
  await enter(page, button("Resolve …"));
  const dialog = page.getByRole("dialog");
  await enter(page, dialog.getByRole("link", { name: "what was asked, and what was answered" }));
  await heading("Flow for doubtful");
  await page.getByText("inDoubt: RESET").first().waitFor();
  await press("1");
  await enter(page, page.getByRole("link", { name: "1 request of unknown fate" }));
  await enter(page, button("Resolve …"));
  await tabTo(page, dialog.getByLabel("No: the alarms are decided again"));
  await press("ArrowDown");
  await typeInto(page, dialog.getByLabel("Ticket that it made"), "T-77");
  await typeInto(page, dialog.getByLabel("How this is known"), "seen at the service");
  await enter(page, button("Resolve", dialog));
  await page.getByText("The request of doubtful is resolved.").waitFor();
  await api.fact((fact) => fact.type === "alarm.settled" && fact.body.ticketId === "T-77");
  await dialog.waitFor({ state: "detached" });
});

test("flows, events and the audit are filtered, opened and kept", async () => {
  await press("4");
  await press("/");
  await page.keyboard.type("node-1");
  await press("Escape");
  await tabTo(page, page.getByRole("row").filter({ hasText: "node-1" }).first());
  await press("Enter");
  await heading("Flow for node-1");
  await press("6");
  await tabTo(page, page.getByLabel("Kind"));
  await page.keyboard.type("operator");
  await page.getByRole("button", { name: "operator.acted" }).first().waitFor();
  await enter(page, button("Load older"));
  await page.getByText("There is nothing before.").waitFor();
  expect(
    (await downloaded("Export"))
      .trim()
      .split("\n")
      .map((one) => (JSON.parse(one) as { type: string }).type),
  ).toContain("ticketclient.operator.acted");
  await enter(page, page.getByRole("button", { name: "operator.acted" }).first());
  await enter(page, button("Copy", page.getByRole("dialog")));
  await page.getByText(/^(Copied\.|The browser did not allow copying)/).waitFor();
  await press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await press("7");
  await press("/");
  await page.keyboard.type("nobody works");
  await page.getByText("1 act", { exact: true }).waitFor();
  expect(await downloaded("CSV")).toMatch(
    /,local,client\.lockForced,client-0\d,[0-9a-f-]{36},"nobody works there"\r\n$/,
  );
  expect(watched.faults).toEqual([]);
});
