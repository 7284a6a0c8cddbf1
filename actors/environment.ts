/** Settings from the environment. */
import { configSettings } from "./config.ts";
import { nearest } from "./nearest.ts";
import { variableOf } from "./settings-list.ts";

/**
 * Settings from the environment: `TICKET_CLIENT_CLIENTS=8`, `TICKET_CLIENT_LISTEN_PORT=9000`. A value is
 * read as JSON where it is JSON, else as text. Names are those of the file, in upper case, parts joined by `_`.
 */
export function withEnvironment(
  input: Record<string, unknown>,
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, unknown> {
  const merged = structuredClone(input);
  for (const [name, path] of environmentNames()) {
    const value = environment[name];
    if (value === undefined) continue;
    let node = merged;
    for (const part of path.slice(0, -1)) {
      const inner = node[part];
      const next = typeof inner === "object" && inner !== null ? (inner as Record<string, unknown>) : {};
      node[part] = next;
      node = next;
    }
    node[path.at(-1) ?? ""] = readValue(value);
  }
  return merged;
}

/** Variable → path: of an object before those of its members, which add to it. */
function environmentNames(): Map<string, readonly string[]> {
  const names = new Map<string, readonly string[]>();
  for (const { path } of configSettings())
    for (let length = 1; length <= path.length; length += 1)
      names.set(variableOf(path.slice(0, length)), path.slice(0, length));
  return names;
}

/**
 * Sentences about variables that look like a setting and are none: a misspelt one would go unnoticed. Told and not
 * refused, because others may set variables that begin alike (Kubernetes does, for a Service of this name).
 */
export function misspeltVariables(environment: Readonly<Record<string, string | undefined>>): string[] {
  const known = [...environmentNames().keys(), ...variablesBesides];
  return Object.keys(environment).flatMap((name) => {
    if (!name.startsWith("TICKET_CLIENT_") || known.includes(name)) return [];
    const near = nearest(known, name);
    return near === null ? [] : [`${name} is not a setting and is ignored; did you mean ${near}?`];
  });
}

/** Read by the command line. */
const variablesBesides = ["TICKET_CLIENT_TOKEN", "TICKET_CLIENT_LOG_LEVEL"];

function readValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
