/** Failures as HTTP says them: one table of statuses. A code that is not in it is a failure of ours, 500. */
import type { z } from "zod";
import type { Failure, FailureCode } from "../../../machines/failure.ts";
import type { FieldError, Problem } from "../problem.ts";

export const statusOfFailure: Partial<Record<FailureCode, number>> = {
  INVALID: 422,
  MISSING: 422,
  TOO_LARGE: 413,
  TOO_DEEP: 422,
  UNKNOWN_CLIENT: 404,
  UNKNOWN_ALARM: 404,
  UNKNOWN_FLOW: 404,
  UNKNOWN_REQUEST: 404,
  UNKNOWN_SERVICE: 404,
  UNKNOWN_ELEMENT: 404,
  SERVICES_INVALID: 422,
  SERVICE_IN_USE: 409,
  NOT_LOCKED: 409,
  NOT_BUSY: 409,
  NOT_UNKNOWN: 409,
  STALE_GUID: 409,
  STALE_FENCE: 409,
  BUSY_CLIENT: 409,
  CONFLICT: 409,
  KEY_BUSY: 409,
  TOPOLOGY_INVALID: 422,
  TOPOLOGY_BUSY: 409,
  TOPOLOGY_UNAVAILABLE: 503,
  TOPOLOGY_TIMEOUT: 503,
  BAD_CONFIGURATION: 409,
  SEARCH_FAILED: 502,
  LOCK_TIMEOUT: 503,
  OVERLOADED: 503,
  STOPPING: 503,
  LEDGER_SYNC_FAILED: 503,
  LEDGER_DAMAGED: 503,
  ENGINE_DEFECT: 503,
};

export function problemOf({ code, detail }: Failure): Problem {
  return { status: statusOfFailure[code] ?? 500, code, detail };
}

/** 422 with the place of each error in the body. */
export function bodyProblem(error: z.ZodError): Problem {
  const errors = error.issues
    .flatMap((issue) => fieldErrors(issue))
    .map(({ path, detail }) => ({
      pointer: pointerOf(path),
      detail,
    }));
  return {
    status: 422,
    code: "INVALID",
    detail: `The body is not what was expected: ${summary(errors)}.`,
    errors,
  };
}

/** 400 with the name of each parameter. */
export function parameterProblem(error: z.ZodError): Problem {
  const errors = error.issues
    .flatMap((issue) => fieldErrors(issue))
    .map(({ path, detail }) => ({
      parameter: path.join("."),
      detail,
    }));
  return {
    status: 400,
    code: "BAD_PARAMETER",
    detail: `The path or the query is not what was expected: ${summary(errors)}.`,
    errors,
  };
}

function fieldErrors(issue: z.core.$ZodIssue): { path: readonly PropertyKey[]; detail: string }[] {
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => ({ path: [...issue.path, key], detail: "is not known here" }));
  const isAbsent = issue.code === "invalid_type" && issue.input === undefined;
  return [{ path: issue.path, detail: isAbsent ? `is missing; expected ${issue.message}` : issue.message }];
}

function summary(errors: readonly FieldError[]): string {
  return errors
    .map(({ pointer, parameter, detail }) => `${pointer ?? parameter ?? ""} ${detail}`.trim())
    .join("; ");
}

/** RFC 6901. */
function pointerOf(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
