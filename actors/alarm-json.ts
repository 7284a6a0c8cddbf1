/**
 * JSON of a stranger, before anything trusts it: what `JSON.parse` lets through and we do not.
 *   S3 depth and size have bounds.  S7 parsed data cannot change prototypes.
 */
import { limits } from "../machines/limits.ts";

export type JsonObject = { readonly [name: string]: unknown };

/** Why a text or value is refused, with a JSON Pointer to the place ("" = the whole text). */
export interface JsonFault {
  readonly code: "INVALID" | "TOO_DEEP";
  readonly field: string;
  readonly detail: string;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** One reference token of a JSON Pointer (RFC 6901), escaped. */
export function pointer(path: readonly PropertyKey[]): string {
  let text = "";
  for (const token of path) text += "/" + String(token).replaceAll("~", "~0").replaceAll("/", "~1");
  return text;
}

const quote = 34;
const backslash = 92;
const colon = 58;

/**
 * One pass over the raw text, brackets and colons outside strings: the deepest nesting, and how many
 * members were written. `JSON.parse` keeps the last of two equal names without a word; comparing this
 * count with the members that came out is how a doubled name is noticed.
 */
export function scanJson(text: string): { readonly depth: number; readonly members: number } {
  let depth = 0;
  let deepest = 0;
  let members = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      for (at++; at < text.length; at++) {
        const inner = text.charCodeAt(at);
        if (inner === quote) break;
        if (inner === backslash) at++;
      }
    } else if (code === colon) members++;
    else if (code === 123 || code === 91) {
      depth++;
      if (depth > deepest) deepest = depth;
    } else if (code === 125 || code === 93) depth--;
  }
  return { depth: deepest, members };
}

/**
 * Walks a parsed value once: counts members, writes canonical text for digests, and stops at the first
 * thing no alarm may contain. Canonical: names sorted, strings and names length-prefixed, so that two
 * values have the same text only if they are equal.
 */
export class JsonWalk {
  members = 0;
  fault: JsonFault | null = null;
  readonly #path: PropertyKey[] = [];

  /** The canonical text; "" once `fault` is set. `depth` is the level the value itself stands on, from 1. */
  canonical(value: unknown, depth: number): string {
    switch (typeof value) {
      case "string":
        if (!value.isWellFormed())
          return this.#refuse("a text with half a character (lone surrogate); expected Unicode text");
        return `"${value.length}:${value}`;
      case "number":
        // `1e999` is legal JSON and becomes Infinity.
        if (!Number.isFinite(value))
          return this.#refuse("a number beyond what can be kept; expected a finite number");
        return `#${value};`;
      case "boolean":
        return value ? "t" : "f";
      case "object":
        if (value === null) return "n";
        if (depth > limits.alarmDepthMax)
          return this.#refuse(`nested more than ${limits.alarmDepthMax} levels deep`, "TOO_DEEP");
        if (isObject(value)) return this.#object(value, depth);
        return Array.isArray(value) ? this.#array(value, depth) : "";
      default:
        return this.#refuse(`expected JSON, got a value of type ${typeof value}`);
    }
  }

  #array(items: readonly unknown[], depth: number): string {
    let text = "[";
    for (let index = 0; index < items.length; index++) {
      this.#path.push(index);
      text += this.canonical(items[index], depth + 1);
      if (this.fault !== null) return "";
      this.#path.pop();
    }
    return text + "]";
  }

  #object(object: JsonObject, depth: number): string {
    const names = Object.keys(object);
    this.members += names.length;
    if (names.length > 1) names.sort();
    let text = "{";
    for (const name of names) {
      text += this.member(name, object[name], depth);
      if (this.fault !== null) return "";
    }
    return text + "}";
  }

  /** One member of an object that stands on level `depth`; the caller counts it. */
  member(name: string, value: unknown, depth: number): string {
    this.#path.push(name);
    // S7
    if (
      name === "__proto__" ||
      (name === "constructor" && isObject(value) && Object.hasOwn(value, "prototype"))
    )
      return this.#refuse("a member name that could change prototypes; expected the event without it");
    if (!name.isWellFormed())
      return this.#refuse("a member name with half a character (lone surrogate); expected Unicode text");
    const text = `${name.length}:${name}${this.canonical(value, depth + 1)}`;
    if (this.fault === null) this.#path.pop();
    return text;
  }

  #refuse(detail: string, code: JsonFault["code"] = "INVALID"): "" {
    this.fault ??= { code, field: pointer(this.#path), detail };
    return "";
  }
}
