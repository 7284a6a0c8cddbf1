/** S3: every limit stands in one place, with its reason, is used, and limits what comes from outside. */
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parseAlarmEvent } from "../../actors/alarm-message.ts";
import { resolveConfig } from "../../actors/config.ts";
import { readXml } from "../../adapters/service/xml.ts";
import { csvCodec } from "../../adapters/service-table/csv.ts";
import { limits } from "../../machines/limits.ts";
import { readTable, serviceProtocols } from "../../machines/service-table.ts";
import { correlationKey, textOf } from "../alarms/rig.ts";
import { row, table } from "../service-table/tables.ts";

const cwd = fileURLToPath(new URL("../..", import.meta.url));
const product = globSync("{machines,actors,adapters,visualizations}/**/*.{ts,tsx}", { cwd });
const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");

test("S3: every limit is used by the product", () => {
  const texts = product.filter((file) => file !== "machines/limits.ts").map(read);
  expect(texts.length).toBeGreaterThan(150);
  const used = new Set(
    texts.flatMap((text) => [...text.matchAll(/\blimits\.(\w+)/g)].map(([, name]) => name)),
  );
  const isTakenOut = (name: string): boolean =>
    texts.some((text) => new RegExp(String.raw`\{[^{}]*\b${name}\b[^{}]*\} = limits;`).test(text));
  expect(Object.keys(limits).filter((name) => !used.has(name) && !isTakenOut(name))).toEqual([]);
});

const alarmSettings = { correlationKey: correlationKey(), digest: (text: string) => text };
const alarm = (parts: Parameters<typeof textOf>[0]): boolean =>
  parseAlarmEvent(textOf(parts), alarmSettings).ok;
const x = (count: number): string => "x".repeat(count);
/** The alarm is two levels within the event, its member the third. */
const nested = (levels: number): unknown => (levels === 0 ? 1 : { a: nested(levels - 1) });
const year = (alarmRaisedTime: number): boolean =>
  alarm({ alarm: { alarmRaisedTime: `${alarmRaisedTime}-06-01T00:00:00Z` } });
const service = (cells: Parameters<typeof row>[0]): boolean =>
  readTable(csvCodec.parse(table(row(cells))), {
    allowedHosts: null,
    selected: null,
    spoken: serviceProtocols,
  }).faults.length === 0;
const set = (input: unknown): boolean => resolveConfig(input).ok;
const xml = (levels: number): boolean =>
  readXml("<a>".repeat(levels) + "</a>".repeat(levels), limits.serviceAnswerBytesMax).ok;

/** What comes from outside: whether it is taken with so much of it. */
const outside: Readonly<Partial<Record<keyof typeof limits, (count: number) => boolean>>> = {
  alarmDepthMax: (count) => alarm({ alarm: { other: nested(count - 2) } }),
  alarmIdCharsMax: (count) => alarm({ id: x(count) }),
  alarmTextCharsMax: (count) => alarm({ alarm: { specificProblem: x(count) } }),
  alarmDetailsCharsMax: (count) => alarm({ alarm: { alarmDetails: x(count) } }),
  latestYear: year,
  xmlDepthMax: xml,
  serviceAnswerBytesMax: (count) => readXml(`<a>${x(count - 7)}</a>`, limits.serviceAnswerBytesMax).ok,
  serviceNameCharsMax: (count) => service({ name: x(count) }),
  servicePathCharsMax: (count) => service({ path: `/${x(count - 1)}` }),
  serviceUserCharsMax: (count) => service({ user: x(count) }),
  serviceNotesCharsMax: (count) => service({ notes: x(count) }),
  serviceSecondsMax: (count) => service({ timeoutSeconds: String(count) }),
  clientsMax: (clients) => set({ clients }),
  lockSecondsMaxHighest: (lockSecondsMax) => set({ lockSecondsMax }),
  maxResponseRowsHighest: (maxResponseRows) => set({ maxResponseRows }),
  maxOpenTicketsHighest: (maxOpenTickets) => set({ maxOpenTickets }),
  reopenSecondsMax: (reopenSeconds) => set({ reopenSeconds }),
  clockSkewSecondsMax: (clockSkewSeconds) => set({ clockSkewSeconds }),
  dedupDaysMax: (dedupDays) => set({ dedupDays }),
  elementNameCharsMax: (count) => set({ relatedElements: { ticketGateway: x(count) } }),
  debugSearchPerSecondMax: (debugSearchPerSecond) => set({ gateway: { debugSearchPerSecond } }),
};

test.each(Object.entries(outside))("S3: as much as %s is taken, one more is refused", (name, takes) => {
  const limit = limits[name as keyof typeof limits];
  expect({ atTheLimit: takes(limit), oneMore: takes(limit + 1) }).toEqual({
    atTheLimit: true,
    oneMore: false,
  });
});

test("S3: what has a lowest value is taken with it, and refused below", () => {
  expect([year(limits.earliestYear), year(limits.earliestYear - 1)]).toEqual([true, false]);
  const rows = limits.maxResponseRowsLowest;
  expect([set({ maxResponseRows: rows }), set({ maxResponseRows: rows - 1 })]).toEqual([true, false]);
});
