/** The Service Info Table of a running engine, over its HTTP API. S5: no redirects followed. */
import { z } from "zod";
import type { ImportResult, ServicesPreview } from "../../actors/service-commands.ts";
import { fail, FailureError, ok, remedies, type FailureCode } from "../../machines/failure.ts";
import { serviceColumns } from "../../machines/service-table.ts";
import { decodeCsv } from "../service-table/encoding.ts";
import { jsonOf, refusal, remoteEngine } from "./remote-engine.ts";
import type { ServicesPlace } from "./services-place.ts";

const faultSchema = z.object({ line: z.int(), column: z.string(), expected: z.string(), got: z.string() });
const names = z.array(z.string());
const previewSchema = z.object({
  added: names,
  changed: z.array(z.object({ name: z.string(), columns: z.array(z.enum(serviceColumns)) })),
  removed: names,
  unchanged: names,
  errors: z.array(faultSchema),
  applied: z.boolean(),
});
const problemSchema = z.object({
  detail: z.string().optional(),
  code: z.string().optional(),
  errors: z.array(faultSchema).optional(),
});
type ProblemBody = z.output<typeof problemSchema>;

const nothing: ServicesPreview = {
  added: [],
  changed: [],
  removed: [],
  unchanged: [],
  errors: [],
  applied: false,
};

/** `url`: `http://host:port`. Throws FailureError INVALID where it is none. */
export function remoteServices(url: string, token: string | undefined): ServicesPlace {
  const engine = remoteEngine(url, token);
  return {
    name: url,
    async export() {
      const { status, text } = await engine.say("GET", "/api/services/export");
      if (status !== 200) throw refusal(url, status, jsonOf(text));
      return text;
    },

    async import(csv, { dryRun }): Promise<ImportResult> {
      // Decoded here, where the file's own encoding is known; lines stay the same.
      const decoded = decodeCsv(csv);
      if (!decoded.ok) return failed("SERVICES_INVALID", "The file cannot be read", [decoded.fault]);
      const { status, text } = await engine.say(
        "POST",
        `/api/services/import${dryRun ? "?dryRun=true" : ""}`,
        {
          type: "text/csv; charset=utf-8",
          text: decoded.text,
        },
      );
      if (status === 200) {
        const read = previewSchema.safeParse(jsonOf(text));
        if (read.success) return { ok: true, value: read.data };
        throw new FailureError("UNREADABLE", `${url} answered 200, but not what an import is answered with.`);
      }
      const problem = problemOf(text);
      const { code = "SERVICES_INVALID", detail = "Refused.", errors } = problem;
      if (errors === undefined || !isCode(code)) throw refusal(url, status, jsonOf(text));
      return failed(code, detail, errors);
    },

    async select(name) {
      const body = { type: "application/json", text: JSON.stringify({ name }) };
      const { status, text } = await engine.say("PUT", "/api/services/selected", body);
      if (status >= 200 && status < 300) return ok(null);
      const { failure } = refusal(url, status, jsonOf(text));
      return fail(failure.code, failure.detail);
    },
  };
}

function failed(code: FailureCode, detail: string, errors: ServicesPreview["errors"]): ImportResult {
  return { ok: false, failure: { code, detail }, preview: { ...nothing, errors } };
}

function isCode(code: string): code is FailureCode {
  return Object.hasOwn(remedies, code);
}

function problemOf(text: string): ProblemBody {
  const read = problemSchema.safeParse(jsonOf(text));
  return read.success ? read.data : {};
}
