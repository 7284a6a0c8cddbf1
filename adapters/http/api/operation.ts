/** One operation of the API: what it is asked, what it says, who may ask. The routes and the OpenAPI document are made of these. */
import type { z } from "zod";
import type { Failure, FailureCode, Result } from "../../../machines/failure.ts";
import type { Method } from "../path-table.ts";
import type { FieldError } from "../problem.ts";

export interface Asked<Params, Query, Body> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** Name of the token's holder; `local` where no tokens are asked for. */
  readonly by: string;
}

/** What an operation takes and gives; members that are absent take and give nothing. */
export interface OperationSpec<
  Params extends z.ZodType = z.ZodUndefined,
  Query extends z.ZodType = z.ZodUndefined,
  Body extends z.ZodType = z.ZodUndefined,
  Answer extends z.ZodType = z.ZodType,
> {
  readonly method: Method;
  /** Below `/api`. */
  readonly path: string;
  /** operationId. */
  readonly id: string;
  readonly summary: string;
  readonly role: "viewer" | "operator";
  /** A command changes something: it takes an Idempotency-Key. */
  readonly isCommand?: boolean;
  readonly params?: Params;
  readonly query?: Query;
  /** JSON, checked by the schema. */
  readonly body?: Body;
  /** `text/csv`: the body as bytes, at most so many, instead of `body`. */
  readonly csvBytesMax?: number;
  readonly answer: Answer;
  /** Default application/json; another type is sent as text. */
  readonly answerType?: string;
  /** What it may be refused with, beside what every operation may. */
  readonly refusals?: readonly FailureCode[];
  readonly handle: (
    asked: Asked<
      z.output<Params>,
      z.output<Query>,
      Body extends z.ZodUndefined ? Uint8Array : z.output<Body>
    >,
  ) => Promise<Told<z.input<Answer>>> | Told<z.input<Answer>>;
}

/** As Result; a refusal may say where the input was wrong. */
export type Told<T> =
  | Result<T>
  | { readonly ok: false; readonly failure: Failure; readonly errors: readonly FieldError[] };

/** An operation whose types were checked where it was written. */
export interface Operation extends Omit<OperationSpec, "params" | "query" | "body" | "answer" | "handle"> {
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  readonly answer: z.ZodType;
  readonly handle: (asked: Asked<never, never, never>) => Promise<Told<unknown>> | Told<unknown>;
}

export function operation<
  Params extends z.ZodType = z.ZodUndefined,
  Query extends z.ZodType = z.ZodUndefined,
  Body extends z.ZodType = z.ZodUndefined,
  Answer extends z.ZodType = z.ZodType,
>(spec: OperationSpec<Params, Query, Body, Answer>): Operation {
  return spec;
}
