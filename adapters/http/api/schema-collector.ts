/** JSON Schemas out of zod's, those with a name gathered in one place and referred to. */
import { z } from "zod";

export type JsonSchema = Record<string, unknown>;

export class SchemaCollector {
  readonly definitions: Record<string, JsonSchema> = {};
  readonly #prefix: string;

  /** `prefix`: where the definitions will stand, `#/components/schemas/`. */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** `inline`: the outermost schema is given whole, whatever its name. */
  of(schema: z.ZodType, io: "input" | "output" = "output", inline = false): JsonSchema {
    const {
      $schema: _dialect,
      $defs = {},
      ...made
    } = z.toJSONSchema(schema, { io, unrepresentable: "any" }) as JsonSchema & {
      $defs?: Record<string, JsonSchema>;
    };
    for (const [name, definition] of Object.entries($defs)) this.#keep(name, definition);
    const { id, ...plain } = this.#rewritten(made) as JsonSchema;
    if (typeof id !== "string" || inline) return plain;
    this.#keep(id, plain);
    return { $ref: `${this.#prefix}${id}` };
  }

  #keep(name: string, definition: JsonSchema): void {
    const { id: _id, ...plain } = this.#rewritten(definition) as JsonSchema;
    this.definitions[name] = plain;
  }

  #rewritten(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((one) => this.#rewritten(one));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [
        name,
        name === "$ref" && typeof inner === "string"
          ? inner.replace(/^#\/\$defs\//, this.#prefix)
          : this.#rewritten(inner),
      ]),
    );
  }
}
