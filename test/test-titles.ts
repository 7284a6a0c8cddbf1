/** The titles that a file gives to its tests, read from its text. */
import { parseAst } from "vite";

interface Node {
  readonly type: string;
  readonly [member: string]: unknown;
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

function nodesIn(value: unknown): readonly Node[] {
  if (isNode(value)) return [value];
  return Array.isArray(value) ? value.filter(isNode) : [];
}

function textOf(node: unknown): string | null {
  if (!isNode(node)) return null;
  if (node.type === "Literal") return typeof node["value"] === "string" ? node["value"] : null;
  if (node.type !== "TemplateLiteral") return null;
  const parts = node["quasis"] as readonly { readonly value: { readonly cooked: string } }[];
  return parts.map(({ value }) => value.cooked).join("…");
}

/** `test` of `test.each(table)(title)`, and the tables on the way to it. */
function rootOf(callee: unknown): { readonly name: string; readonly tables: readonly unknown[] } {
  if (!isNode(callee)) return { name: "", tables: [] };
  if (callee.type === "Identifier") return { name: String(callee["name"]), tables: [] };
  if (callee.type === "MemberExpression") return rootOf(callee["object"]);
  if (callee.type !== "CallExpression") return { name: "", tables: [] };
  const { name, tables } = rootOf(callee["callee"]);
  return { name, tables: [...tables, ...(callee["arguments"] as readonly unknown[]).slice(0, 1)] };
}

/** What a table puts in the place of `%s`: the first text of each row. Of `$name` too: the text of that member. */
function filledIn(title: string, table: unknown): readonly string[] {
  const rows = unwrapped(table);
  if (rows?.type !== "ArrayExpression") return [];
  return nodesIn(rows["elements"]).flatMap((element) => {
    const row = unwrapped(element);
    const first = row?.type === "ArrayExpression" ? nodesIn(row["elements"])[0] : row;
    const text = textOf(first);
    if (text !== null) return title.includes("%s") ? [title.replace("%s", text)] : [];
    return nodesIn(row?.["properties"]).flatMap(({ key, value }) => {
      const placeholder = `$${isNode(key) ? String(key["name"]) : ""}`;
      const member = textOf(value);
      return member !== null && title.includes(placeholder) ? [title.replace(placeholder, member)] : [];
    });
  });
}

/** Without `as const` and `satisfies`. */
function unwrapped(node: unknown): Node | null {
  if (!isNode(node)) return null;
  return node.type === "TSAsExpression" || node.type === "TSSatisfiesExpression"
    ? unwrapped(node["expression"])
    : node;
}

/**
 * Of `describe`, `test` and `it`, in any of their forms, each on its own. `…` stands for what a template fills in.
 * Where the file has the table of an `each` itself, what its rows make of the title comes beside it.
 */
export function titlesIn(source: string): readonly string[] {
  const titles: string[] = [];
  const visit = (node: Node): void => {
    if (node.type === "CallExpression") {
      const { name, tables } = rootOf(node["callee"]);
      const [first, ...others] = node["arguments"] as readonly unknown[];
      const title = textOf(first);
      if (["describe", "test", "it"].includes(name) && title !== null && others.length > 0)
        titles.push(title, ...tables.flatMap((table) => filledIn(title, table)));
    }
    for (const member of Object.values(node)) for (const child of nodesIn(member)) visit(child);
  };
  visit(parseAst(source, { lang: "ts" }) as unknown as Node);
  return titles;
}
