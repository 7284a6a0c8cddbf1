/** The Service Info Table: only import and export change and show it whole; one row is selected. */
import {
  importQuerySchema,
  selectionSchema,
  servicesPreviewSchema,
  servicesSchema,
} from "../../../actors/api-messages.ts";
import type { ServicesPreview, Supervisor } from "../../../actors/supervisor.ts";
import { ok } from "../../../machines/failure.ts";
import { limits } from "../../../machines/limits.ts";
import { z } from "zod";
import type { TableMismatch } from "../../../actors/gateway-table.ts";
import { operation, type Operation } from "./operation.ts";

export function serviceOperations(supervisor: Supervisor): readonly Operation[] {
  const shown = () => ({
    selected: supervisor.state.selectedService,
    services: supervisor.state.services.map((row) => ({ ...row })),
    mismatch: copied(supervisor.tableMismatch),
  });
  return [
    operation({
      method: "GET",
      path: "/services",
      id: "listServices",
      summary: "The Service Info Table and the selected service",
      role: "viewer",
      answer: servicesSchema,
      handle: () => ok(shown()),
    }),
    operation({
      method: "GET",
      path: "/services/export",
      id: "exportServices",
      summary: "The table as CSV, safe to open in a spreadsheet; imported again it is equal",
      role: "viewer",
      answer: z.string(),
      answerType: "text/csv; charset=utf-8",
      handle: () => ok(supervisor.exportServices()),
    }),
    operation({
      method: "POST",
      path: "/services/import",
      id: "importServices",
      summary: "Puts the table of a CSV in place of the one there is: all rows or none",
      role: "operator",
      isCommand: true,
      query: importQuerySchema,
      csvBytesMax: limits.servicesCsvBytesMax,
      answer: servicesPreviewSchema,
      refusals: ["SERVICES_INVALID", "SERVICE_IN_USE"],
      async handle({ query, body, by }) {
        const done = await supervisor.importServices(body, { by, dryRun: query.dryRun === "true" });
        if (done.ok) return ok(writable(done.value));
        const errors = done.preview.errors.map((fault) => ({
          ...fault,
          detail: `line ${fault.line}, ${fault.column}: expected ${fault.expected}, got ${fault.got}`,
        }));
        return { ok: false, failure: done.failure, errors };
      },
    }),
    operation({
      method: "PUT",
      path: "/services/selected",
      id: "selectService",
      summary: "New flows use this service; what is under way stays where it was planned",
      role: "operator",
      isCommand: true,
      body: selectionSchema,
      answer: servicesSchema,
      refusals: ["UNKNOWN_SERVICE", "SERVICES_INVALID"],
      async handle({ body, by }) {
        const done = await supervisor.selectService(body.name, { by });
        return done.ok ? ok(shown()) : done;
      },
    }),
  ];
}

type Preview = z.output<typeof servicesPreviewSchema>;

/** The schema's arrays are not read-only. */
function copied(mismatch: TableMismatch | null): z.output<typeof servicesSchema>["mismatch"] {
  return mismatch === null ? null : { ...mismatch, rows: mismatch.rows.map((row) => ({ ...row })) };
}

function writable({ added, changed, removed, unchanged, errors, applied }: ServicesPreview): Preview {
  return {
    added: [...added],
    changed: changed.map(({ name, columns }) => ({ name, columns: [...columns] })),
    removed: [...removed],
    unchanged: [...unchanged],
    errors: [...errors],
    applied,
  };
}
