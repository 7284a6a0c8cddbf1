/** The response table of a client, and the Service Info Table. */
import type { Defect } from "./defect.ts";

export const tableDefects: readonly Defect[] = [
  {
    name: "unsettled row evicted",
    law: "G6",
    file: "machines/response-table.ts",
    was: `const surplus = Math.min(presentRows(table) - rowsMax, table.settled.length);`,
    becomes: `const tooMany = presentRows(table) - rowsMax - table.settled.length;
  for (const name of Object.keys(table.unsettled).slice(0, Math.max(0, tooMany))) {
    delete table.unsettled[name];
    table.evicted += 1;
  }
  const surplus = Math.min(presentRows(table) - rowsMax, table.settled.length);`,
    tests: ["test/machines/response-table.test.ts"],
  },
  {
    name: "eviction not counted",
    law: "G6",
    file: "machines/response-table.ts",
    was: `table.evicted += surplus;`,
    becomes: ``,
    tests: ["test/machines/response-table.test.ts"],
  },
  {
    name: "table off by one",
    law: "G6",
    file: "machines/response-table.ts",
    was: `const surplus = Math.min(presentRows(table) - rowsMax, table.settled.length);`,
    becomes: `const surplus = Math.min(presentRows(table) - rowsMax - 1, table.settled.length);`,
    tests: ["test/machines/response-table.test.ts"],
  },
  {
    name: "the newest rows leave instead of the oldest",
    law: "G6",
    file: "machines/response-table.ts",
    was: `for (const position of table.settled.splice(0, count)) delete table.changes[position];`,
    becomes: `for (const position of table.settled.splice(-count, count)) delete table.changes[position];`,
    tests: ["test/machines/response-table.test.ts"],
  },
  {
    name: "a row is changed in the table of who planned it",
    law: "G6",
    file: "machines/settlement.ts",
    was: `  return openAttempts.find((one) => one.attempt === attempt)?.clientId ?? clientId;`,
    becomes: `  return clientId;`,
    tests: ["test/engine/crossings.test.ts"],
  },
  {
    name: "lowered maximum loses unsettled rows",
    law: "G6",
    file: "machines/fold.ts",
    was: `        evict(table, settings.maxResponseRows);`,
    becomes: `        if (Object.keys(table.unsettled).length > settings.maxResponseRows) table.unsettled = {};
        evict(table, settings.maxResponseRows);`,
    tests: ["test/machines/response-table.test.ts", "test/engine/fewer-rows.test.ts"],
  },
  {
    name: "lowered maximum not applied",
    law: "G6",
    file: "machines/fold.ts",
    was: `        evict(table, settings.maxResponseRows);`,
    becomes: ``,
    tests: ["test/engine/fewer-rows.test.ts"],
  },
  {
    name: "a search that fails leaves no row",
    law: "G6",
    file: "actors/ticket-client.ts",
    was: `journal.note([entry("gateway/searches", at, "response.row", { change: false, row })]);`,
    becomes: `if (answer.kind === "found")
    journal.note([entry("gateway/searches", at, "response.row", { change: false, row })]);`,
    tests: ["test/engine/failures.test.ts#every search"],
  },
  {
    name: "CSV half imported",
    law: "S9",
    file: "actors/service-commands.ts",
    was: `if (faults.length > 0) return { ok: false, code: "SERVICES_INVALID", faults };`,
    becomes: `if (services.length === 0) return { ok: false, code: "SERVICES_INVALID", faults };`,
    tests: ["test/service-table/import.test.ts"],
  },
  {
    name: "a row in use can be changed",
    law: "G3",
    file: "actors/service-commands.ts",
    was: `if (inUse.length > 0) return { ok: false, code: "SERVICE_IN_USE", faults: inOrder(inUse) };`,
    becomes: `if (services.length === 0) return { ok: false, code: "SERVICE_IN_USE", faults: inOrder(inUse) };`,
    tests: ["test/service-table/import.test.ts"],
  },
  {
    name: "a preview imports",
    law: "S9",
    file: "actors/service-commands.ts",
    was: `if (dryRun) return { ok: true, value: { ...change, errors: [], applied: false } };`,
    becomes: `if (dryRun && change.removed.length > 0)
        return { ok: true, value: { ...change, errors: [], applied: false } };`,
    tests: ["test/service-table/import.test.ts"],
  },
  {
    name: "a service outside the allowed hosts can be selected",
    law: "S5",
    file: "actors/service-commands.ts",
    was: `if (rules.allowedHosts !== null && !isListed(row.host, rules.allowedHosts))`,
    becomes: `if (rules.allowedHosts?.length === 0)`,
    tests: ["test/service-table/import.test.ts", "test/service-table/hosts.test.ts"],
  },
  {
    name: "requests are forwarded though the gateway's service table differs",
    law: "G3",
    file: "actors/dispatcher.ts",
    was: `if (this.#ports.held?.() === true) return;`,
    becomes: ``,
    tests: ["test/service-table/gateway-table.test.ts"],
  },
  {
    name: "of a table that came before the first start no row is selected",
    law: "A8",
    file: "actors/opening.ts",
    was: `if (isFirst || state.selectedService === null)`,
    becomes: `if (isFirst)`,
    tests: ["test/service-table/command-line.test.ts"],
  },
];
