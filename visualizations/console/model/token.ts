/** The token that a page is given: whether it can be one, and why the page asks for it. */
import type { ProblemAnswer } from "./api-messages.ts";

/** What a header can carry; the engine takes no other. */
export function canBeToken(text: string): boolean {
  return /^[\x21-\x7e]{1,1024}$/.test(text);
}

export const unfitToken =
  "This cannot be a token: expected 1 to 1,024 letters, digits and signs of ASCII, without blanks. Text from a chat may hold characters that are not seen: copy it from where the token was made.";

/** A sentence where a token would help; null where none would. `known`: the page had one. */
export function whyTokenAsked({ status, code }: ProblemAnswer, known: boolean): string | null {
  if (status === 401)
    return known ? "The engine does not know this token (401)." : "This engine asks for a token.";
  // Its other refusals are of the address that the page has, whoever asks.
  if (status === 403 && !code.startsWith("FOREIGN_")) return "This token may not read the console (403).";
  return null;
}
