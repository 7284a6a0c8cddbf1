/**
 * Typed reading of the simple elements of the contract: once or many, required or not, xsd types.
 * Everything here throws `Malformed`, and the reader of the message makes a Result of it.
 */
import { limits } from "../../machines/limits.ts";
import type { Instant } from "../../machines/vocabulary.ts";
import { cutText } from "./row-texts.ts";
import { ticketNamespace } from "./soap.ts";
import type { XmlElement } from "./xml.ts";

export class Malformed extends Error {}

export function isOurs(element: XmlElement, name: string): boolean {
  return element.name === name && element.namespace === ticketNamespace;
}

export function many(body: XmlElement, name: string): readonly string[] {
  return body.children.filter((child) => isOurs(child, name)).map((child) => child.text);
}

/** Empty counts as absent: peers write `<code/>` for "none". */
export function optional(body: XmlElement, name: string): string | undefined {
  const found = body.children.filter((child) => isOurs(child, name));
  if (found.length > 1) throw new Malformed(`<${name}> stands ${found.length} times, expected once`);
  const text = found[0]?.text ?? "";
  return text.trim() === "" ? undefined : text;
}

export function needed(body: XmlElement, name: string): string {
  const text = optional(body, name);
  if (text === undefined) throw new Malformed(`<${name}> is missing or empty`);
  return text;
}

/** Identifiers: peers that print prettily put white space around them. S3 none is longer than `serviceIdCharsMax`. */
export function token(body: XmlElement, name: string): string {
  return bounded(needed(body, name).trim(), name);
}

export function optionalToken(body: XmlElement, name: string): string | undefined {
  const text = optional(body, name)?.trim();
  return text === undefined ? undefined : bounded(text, name);
}

function bounded(text: string, name: string): string {
  if (text.length <= limits.serviceIdCharsMax) return text;
  throw new Malformed(`<${name}> is longer than ${limits.serviceIdCharsMax} characters`);
}

/** S3: cut to as many bytes: what a refusal proves does not hang on the end of its code. */
export function optionalCode(body: XmlElement, name: string): string | undefined {
  const text = optional(body, name)?.trim();
  return text === undefined ? undefined : cutText(text, limits.serviceIdCharsMax);
}

/** Of a text in which spaces may count: only what a printer puts around it, white space with a line break in it. */
export function unprinted(text: string): string {
  const begun = text.trimStart();
  const before = text.slice(0, text.length - begun.length);
  const rest = before.includes("\n") ? begun : text;
  const ended = rest.trimEnd();
  return rest.slice(ended.length).includes("\n") ? ended : rest;
}

export function optionalUnprinted(body: XmlElement, name: string): string | undefined {
  const text = optional(body, name);
  return text === undefined ? undefined : unprinted(text);
}

export function atLeastOne<T>(items: readonly T[], name: string): readonly T[] {
  if (items.length === 0) throw new Malformed(`<${name}> is missing`);
  return items;
}

export function oneOf<const T extends string>(text: string, allowed: readonly T[], name: string): T {
  const found = allowed.find((value) => value === text.trim());
  if (found === undefined) {
    throw new Malformed(`<${name}> is "${text.slice(0, 40)}", expected ${allowed.join(", ")}`);
  }
  return found;
}

export function optionalOneOf<const T extends string>(body: XmlElement, name: string, allowed: readonly T[]) {
  const text = optional(body, name);
  return text === undefined ? undefined : oneOf(text, allowed, name);
}

export function integer(text: string, name: string): number {
  if (!/^\s*[+-]?\d{1,10}\s*$/.test(text)) {
    throw new Malformed(`<${name}> is "${text.slice(0, 40)}", expected an integer`);
  }
  return Number(text);
}

export function optionalInteger(body: XmlElement, name: string): number | undefined {
  const text = optional(body, name);
  return text === undefined ? undefined : integer(text, name);
}

export function boolean(text: string, name: string): boolean {
  return ["true", "1"].includes(oneOf(text, ["true", "false", "1", "0"], name));
}

const dateTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(Z|[+-]\d\d:\d\d)?$/;

/** xsd:dateTime; one without a zone is taken as UTC, never as the zone of this machine. */
export function instant(text: string, name: string): Instant {
  const trimmed = text.trim();
  const match = dateTime.exec(trimmed);
  const at = match === null ? Number.NaN : Date.parse(match[1] === undefined ? `${trimmed}Z` : trimmed);
  if (Number.isNaN(at)) throw new Malformed(`<${name}> is "${trimmed.slice(0, 40)}", expected a dateTime`);
  return at;
}

export function optionalInstant(body: XmlElement, name: string): Instant | undefined {
  const text = optional(body, name);
  return text === undefined ? undefined : instant(text, name);
}

export function present<K extends string, T>(key: K, value: T | undefined): { readonly [P in K]?: T } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: T };
}
