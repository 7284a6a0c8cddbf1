/**
 * The topology: an element's path, and loading provisioning data from files that lie in the data directory.
 *   S6 files only inside their folder: plain names, no links out of it.
 */
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { pathSchema, topologyLoadedSchema, topologyLoadSchema } from "../../../actors/api-look-ups.ts";
import type { Clock } from "../../../actors/ports.ts";
import type { Supervisor } from "../../../actors/supervisor.ts";
import { fail, ok, type Result } from "../../../machines/failure.ts";
import { complaintText } from "../../topology/complaints.ts";
import type { LoadOrder, LoadOutcome, TopologyDatabase } from "../../topology/topology.ts";
import { operation, type Operation, type Told } from "./operation.ts";

export interface TopologyAccess {
  readonly database: Pick<TopologyDatabase, "details">;
  /** In place of the old data or not at all, beside the engine's own work. */
  readonly load: (order: LoadOrder) => Promise<LoadOutcome>;
  /** Where the files of a load must lie. */
  readonly folder: string;
}

export function topologyOperations(
  supervisor: Supervisor,
  { database, load, folder }: TopologyAccess,
  clock: Pick<Clock, "now">,
): readonly Operation[] {
  return [
    operation({
      method: "GET",
      path: "/topology/path/{element}",
      id: "getPath",
      summary: "An element, its addresses, and its path to the root, with the data's age",
      role: "viewer",
      params: z.object({ element: z.string() }),
      answer: pathSchema,
      refusals: ["UNKNOWN_ELEMENT", "TOPOLOGY_UNAVAILABLE", "TOPOLOGY_TIMEOUT"],
      async handle({ params: { element } }) {
        const answer = await database.details({ elementId: element, signal: new AbortController().signal });
        if (answer.kind === "error")
          return fail(
            answer.code === "TOPOLOGY_TIMEOUT" ? "TOPOLOGY_TIMEOUT" : "TOPOLOGY_UNAVAILABLE",
            answer.cause,
          );
        if (answer.kind === "absent") return fail("UNKNOWN_ELEMENT", absence(element, answer.loadedAt));
        const { element: shown, addresses, path } = answer.details;
        return ok({
          element: { ...shown },
          addresses: addresses.map((one) => ({ ...one })),
          path: { ...path, hops: path.hops.map((hop) => ({ ...hop })) },
          ageSeconds: Math.max(0, clock.now() - path.loadedAt) / 1000,
        });
      },
    }),
    operation({
      method: "POST",
      path: "/topology/load",
      id: "loadTopology",
      summary: "Puts the files' content in place of all topology data, or changes nothing",
      role: "operator",
      isCommand: true,
      body: topologyLoadSchema,
      answer: topologyLoadedSchema,
      refusals: ["TOPOLOGY_INVALID", "TOPOLOGY_BUSY", "TOPOLOGY_UNAVAILABLE"],
      async handle({ body: { files, dryRun, acceptDrop }, by }) {
        const paths = await insideFolder(folder, files);
        if (!paths.ok) return paths;
        const outcome = await load({ files: paths.value, dryRun, acceptDrop });
        if (outcome.kind === "refused") return refused(outcome);
        const { summary } = outcome;
        const { loadedAt, elements, roots, addresses, hops } = summary;
        const counts = { loadedAt, elements, roots, addresses, hops };
        const applied = outcome.kind === "loaded";
        const names = summary.files.map(({ name }) => name);
        if (applied) await supervisor.operators.topologyLoaded({ by, ...counts, files: names });
        return ok({ applied, ...counts, files: summary.files.map((file) => ({ ...file })) });
      },
    }),
  ];
}

function absence(element: string, loadedAt: number | null): string {
  return loadedAt === null
    ? "No topology was ever loaded; load one with POST /api/topology/load or `ticket-client topology load`."
    : `The topology holds no element ${element}; its data is of ${new Date(loadedAt).toISOString()}.`;
}

/** S6. */
async function insideFolder(folder: string, names: readonly string[]): Promise<Result<string[]>> {
  const paths: string[] = [];
  for (const name of names) {
    const isPlain = /^[^/\\\0]+$/.test(name) && name !== "." && name !== "..";
    const path = join(folder, name);
    const isFile =
      isPlain &&
      (await lstat(path).then(
        (stat) => stat.isFile(),
        () => false,
      ));
    if (!isFile)
      return fail(
        "TOPOLOGY_INVALID",
        `There is no file ${JSON.stringify(name)} in ${folder}; put the CSV there and name it without a path.`,
      );
    paths.push(path);
  }
  return ok(paths);
}

function refused({ complaints, count }: Extract<LoadOutcome, { kind: "refused" }>): Told<never> {
  const errors = complaints.map((complaint) => ({ detail: complaintText(complaint) }));
  return {
    ok: false,
    failure: {
      code: "TOPOLOGY_INVALID",
      detail: `Nothing was loaded: ${count} faults; the first: ${errors[0]?.detail ?? ""}.`,
    },
    errors,
  };
}
