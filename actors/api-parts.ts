/** What several messages of the API are made of: texts with bounds, pages with a cursor. */
import { z } from "zod";
import { limits } from "../machines/limits.ts";
import { positionSchema } from "./vocabulary-schemas.ts";

export const text = z.string();
export const requiredText = (what: string, charsMax: number): z.ZodString =>
  z
    .string(`${what}: text of 1 to ${charsMax} characters`)
    .trim()
    .min(1, `${what}: text of 1 to ${charsMax} characters`)
    .max(charsMax, `${what}: text of 1 to ${charsMax} characters`);

export const page = {
  limit: z.coerce
    .number(`a whole number from 1 to ${limits.pageRowsMax}`)
    .int()
    .min(1)
    .max(limits.pageRowsMax)
    .default(limits.pageRowsDefault),
  before: z.coerce
    .number("a position")
    .int()
    .min(1)
    .optional()
    .meta({ description: "`next` of the page before" }),
};
export const next = positionSchema.nullable().meta({
  description:
    "`before` of the next page; null: there is none. A page may be shorter than asked and still have one.",
});
