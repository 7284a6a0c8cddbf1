/** Every setting by its name, as a schema has it: what it is for, and what it may be. */
import { z } from "zod";

export interface Setting {
  /** In the file: `["listen", "port"]`. */
  readonly path: readonly string[];
  /** `listen.port`. */
  readonly name: string;
  /** In the environment, which overrides the file: `TICKET_CLIENT_LISTEN_PORT`. */
  readonly variable: string;
  /** "whole number from 0 to 65535". */
  readonly expected: string;
  /** What counts where nothing is said; undefined: there is none. */
  readonly initial: unknown;
  /** A sentence. */
  readonly about: string;
  /** S4: what is set is shown to nobody. */
  readonly isSecret: boolean;
}

/** A JSON Schema, as far as the configuration's needs one. */
interface Node {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: Node;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly anyOf?: readonly Node[];
  readonly oneOf?: readonly Node[];
  readonly description?: string;
  readonly secret?: boolean;
}

/** In the order of the schema. */
export function listSettings(schema: z.ZodType): readonly Setting[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- zod's type of it names every keyword there is
  const root = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Node;
  const initial = schema.parse({});
  const found = new Map<string, Setting>();
  visit(root, [], (node, path) => {
    const name = path.join(".");
    const other = found.get(name)?.expected;
    const expected = expectedOf(node);
    found.set(name, {
      path,
      name,
      variable: variableOf(path),
      expected: other === undefined ? expected : `${other} or ${expected}`,
      initial: valueAt(initial, path),
      about: node.description ?? "",
      isSecret: node.secret === true,
    });
  });
  return [...found.values()];
}

/** Of settings, and of the objects that hold some. */
export function variableOf(path: readonly string[]): string {
  return `TICKET_CLIENT_${path.map((part) => part.replaceAll(/([A-Z])/g, "_$1").toUpperCase()).join("_")}`;
}

/** undefined: nothing is there. */
export function valueAt(value: unknown, path: readonly string[]): unknown {
  let node = value;
  for (const part of path)
    node =
      typeof node === "object" && node !== null && Object.hasOwn(node, part)
        ? Reflect.get(node, part)
        : undefined;
  return node;
}

function visit(
  node: Node,
  path: readonly string[],
  each: (node: Node, path: readonly string[]) => void,
): void {
  const variants = node.oneOf ?? [node];
  if (variants.every(({ properties }) => properties === undefined)) return each(node, path);
  for (const { properties = {} } of variants)
    for (const [part, inner] of Object.entries(properties)) visit(inner, [...path, part], each);
}

function expectedOf({ type = "value", const: only, minimum, maximum, items, anyOf }: Node): string {
  if (anyOf !== undefined) return anyOf.map(expectedOf).join(" or ");
  if (only !== undefined) return JSON.stringify(only);
  if (typeof type !== "string") return type.map((one) => expectedOf({ type: one })).join(" or ");
  switch (type) {
    case "integer":
      return `whole number from ${minimum} to ${maximum}`;
    case "number":
      return `number from ${minimum} to ${maximum}`;
    case "boolean":
      return "true or false";
    case "string":
      return "text";
    case "array":
      return `list of ${items === undefined ? "values" : `${expectedOf(items)}s`}`;
    default:
      return type;
  }
}
