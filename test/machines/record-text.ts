/**
 * What the machines write, as text for people: one line a fact, in the order written. Kept in files, so that a change of
 * a word, a code or an outcome shows as a changed line: `npx vitest run test/machines -u` writes them anew.
 */
import type { Entry } from "../../machines/entry.ts";
import { noon } from "./given.ts";

/** Of every fact of a request or flow; where they differ the streams tell. */
const understood = new Set(["key", "clientId"]);

/** One line an entry: its type, the stream where it is not the key's own, and its members that are not null. */
function recordText(entries: readonly Entry[]): string {
  return entries
    .map(({ stream, fact }) => {
      const place = stream.startsWith("key/") ? "" : ` (${stream})`;
      return `  ${fact.type}${place} ${membersText(fact.body)}`;
    })
    .join("\n");
}

/** Members by name; those that are null or understood are left out. */
export function membersText(body: object): string {
  return Object.entries(body)
    .filter(([name, value]) => value !== null && value !== undefined && !understood.has(name))
    .map(([name, value]) => `${name}: ${recordValue(value)}`)
    .join(", ");
}

/** Times as seconds from noon. */
export function recordValue(value: unknown): string {
  if (typeof value === "number" && Math.abs(value - noon) < 1e10) return `noon${seconds(value - noon)}`;
  if (Array.isArray(value)) return `[${value.map(recordValue).join(" ")}]`;
  if (typeof value === "object" && value !== null) return `{${membersText(value)}}`;
  return typeof value === "string" && /^[\w/#.-]+$/.test(value) ? value : JSON.stringify(value);
}

function seconds(ms: number): string {
  return ms === 0 ? "" : `${ms > 0 ? "+" : ""}${ms / 1000}s`;
}

/** The lines of a file; facts that stand in it already are not repeated. */
export class RecordFile {
  readonly #lines: string[] = [];
  readonly #places = new Map<string, number>();

  title(title: string): void {
    this.#lines.push("", `# ${title}`, "");
  }

  add(what: string, entries: readonly Entry[] = []): void {
    const written = recordText(entries);
    const before = this.#places.get(written);
    if (before !== undefined) this.#lines.push(`${what} [${before}]`);
    else {
      const place = this.#places.size + 1;
      if (written !== "") this.#places.set(written, place);
      this.#lines.push(written === "" ? what : `${what} [${place}]\n${written}`);
    }
  }

  text(): string {
    return `${this.#lines.join("\n").trim()}\n`;
  }
}
