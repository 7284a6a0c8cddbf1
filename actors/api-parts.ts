/** What several messages of the API are made of: texts with bounds, pages with a cursor. */
import { z } from "zod";
import { limits } from "../machines/limits.ts";
import { positionSchema } from "./vocabulary-schemas.ts";

export const text = z.string();
const sizeOf = (what: string, charsMax: number): string => `${what}: text of 1 to ${charsMax} characters`;
/** As a person wrote it, without the blanks at its ends. */
export const requiredText = (what: string, charsMax: number): z.ZodString => {
  const said = sizeOf(what, charsMax);
  return z.string(said).trim().min(1, said).max(charsMax, said);
};
/** A name of something that is there: its blanks are part of it. */
export const exactText = (what: string, charsMax: number): z.ZodString => {
  const said = sizeOf(what, charsMax);
  return z.string(said).min(1, said).max(charsMax, said);
};

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
